#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with Hugging Face `tokenizers`: encode and decode, with and without special tokens.

Needs the package tokenizers (0.23.3), best in a throw-away venv:
    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers==0.23.3
    /tmp/venv/bin/python tests/golden/tokenizers/conformance.py build/bin/ingot_tokenizer_driver VOCABULARY... --count=100000
A VOCABULARY is a tokenizer.json, also xz-compressed, or a folder with one; or OURS=REFERENCE, where we read any kind of vocabulary and
the reference the tokenizer.json that says the same. Exit status 1 says that something differs.
"""
import argparse
import json
import lzma
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import report

WORDS = """the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were
all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new
some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through
years where much your way down should because long each just state those people too mr how little good world make very year still see own work
don't I'll you've he's it'd they're WE'RE CAN'T I'M O'Neill Straße naïve café Zürich ﬁnancial ÅNGSTRÖM İstanbul ŉ ſtrange ﬆop""".split()
SPACES = ("\t\n\x0b\x0c\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
          "\u200b\u2060\ufeff\u180e")
EMOJI = ["👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "🇩🇪", "🇺🇸🇫🇷", "❤️", "☠️", "1️⃣", "👨🏿‍🚀", "🫠", "😀", "👩🏻‍❤️‍💋‍👨🏼", "\u200d", "\ufe0f", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
CODE = ["def f(x):\n    return x + 1\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "SELECT * FROM t WHERE a='b' AND c>=10;", "<div class=\"x\">&nbsp;</div>",
        "#include <vector>\r\n", "x = {'a': [1, 2.5e-3], \"b\": None}  # comment", "https://example.org/a/b?c=d&e=%20#f", "print(\"\\n\\t\\\\\")", "if(a&&b||!c)return;",
        "\t\t\tif x:\n\t\t\t\tpass\n\n\n", "user@example.com", "C:\\dir\\file.txt", "$x->y::z", "a_b_c __init__ camelCase HTTPServer2"]
RARE = ["\x00", "\x01", "\x1b", "\x7f", "\x80", "\x9f", "\u0378", "\ufdd0", "\uffff", "\ufffd", "\U0001ffff", "\U000e0001", "\U0010ffff", "\uf8ff", "\U0003ffff",
        "\u2581", "\u2581\u2581", "\u0120", "\u010a", "\u0345", "\u0301\u0323", "\u32ff", "\u1d7a", "\u0dd0", "<0x0A>", "<0xff>", "##", "</w>", "▁the", "Ġthe"]
NUMBERS = ["0", "1", "12", "123", "1234", "12345", "3.14159", "1,000,000", "1e10", "0xFF", "٣٤٥", "१२३", "½", "²", "Ⅷ", "①", "𝟘𝟙", "9" * 40, "1234567890" * 4]


def grouped(key, categories):
    """Code points of some general categories, by `key`."""
    groups = {}
    for c in map(chr, [*range(0xD800), *range(0xE000, 0x110000)]):
        if unicodedata.category(c).startswith(categories):
            groups.setdefault(key(c), []).append(c)
    return groups


# A script's name is the first word of its letters' names: LATIN SMALL LETTER A.
SCRIPTS = list(grouped(lambda c: unicodedata.name(c, "").split(" ")[0], ("L", "M", "N")).values())
LATIN_MARKS = [chr(c) for c in range(0x300, 0x370)]
MARKS = grouped(lambda c: 0, ("M",))[0]
ZEROS = grouped(unicodedata.digit, ("Nd",))[0]
DIGITS = grouped(lambda c: 0, ("N",))[0]
PEOPLE, SKIN, SIGNS = "👨👩🧑👧👦🧒👶💂🕵", "🏻🏼🏽🏾🏿", ["⚕", "⚖", "✈", "❤", "🎓", "🌾", "💻", "🚀", "🦰", "♀", "♂"]


def point(rng):
    """Any code point but a surrogate; assigned or not."""
    c = rng.randrange(0x110000) if rng.random() < 0.2 else rng.randrange(0x30000) if rng.random() < 0.5 else rng.randrange(0x3000)
    return "\ufffe" if 0xD800 <= c < 0xE000 else chr(c)


def script(rng):
    """A word of one script, each as often."""
    letters = rng.choice(SCRIPTS)
    return "".join(rng.choice(letters) for _ in range(rng.randint(1, 8)))


def marked(rng):
    """A letter with marks of any script on it, in any order."""
    marks = rng.choice([MARKS, LATIN_MARKS])
    return rng.choice("aeiouAEIOUnßक한가") + "".join(rng.choice(marks) for _ in range(rng.randint(1, 4)))


def emoji(rng):
    """A sequence as UTS #51 has them: joined people, skin tones, flags, keycaps, variation selectors, tags; some cut short."""
    kind = rng.randrange(6)
    if kind == 0:
        parts = [rng.choice(PEOPLE) + rng.choice(["", rng.choice(SKIN)]) for _ in range(rng.randint(1, 4))] + rng.choice([[], [rng.choice(SIGNS) + "\ufe0f"]])
        return "\u200d".join(parts)
    if kind == 1:
        return "".join(chr(0x1F1E6 + rng.randrange(26)) for _ in range(rng.randint(1, 5)))
    if kind == 2:
        return rng.choice("0123456789#*") + rng.choice(["\ufe0f\u20e3", "\u20e3", "\ufe0f"])
    if kind == 3:
        return "🏴" + "".join(chr(0xE0000 + ord(c)) for c in rng.choice(["gbeng", "gbsct", "usca"])) + rng.choice(["\U000e007f", ""])
    if kind == 4:
        return chr(rng.choice([0x1F300, 0x1F600, 0x1F900, 0x1FA70, 0x2600, 0x2700]) + rng.randrange(80)) + rng.choice(["", "\ufe0f", "\ufe0e", rng.choice(SKIN)])
    return rng.choice(EMOJI)


def number(rng):
    """A run of digits: of one script, or of all numbers there are."""
    zero = ord(rng.choice(ZEROS))
    digits = rng.choice(["0123456789", "0123456789", [chr(zero + i) for i in range(10)], DIGITS])
    return rng.choice(NUMBERS) if rng.random() < 0.2 else "".join(rng.choice(digits) for _ in range(rng.choice([1, 2, 3, 4, 5, 7, 10, 40])))


class Strings:
    def __init__(self, tokenizer, seed):
        self.rng = random.Random(seed)
        self.vocab = list(tokenizer.get_vocab())
        ids = [[i] for i in range(min(tokenizer.get_vocab_size(), 20000))]
        self.texts = [t for t in each(lambda some: tokenizer.decode_batch(some, skip_special_tokens=False), ids) if t]
        self.added = [t.content for t in tokenizer.get_added_tokens_decoder().values()] or ["<s>"]

    def part(self):
        rng = self.rng
        kind = rng.randrange(17)
        if kind <= 2:
            word = rng.choice(WORDS)
            return rng.choice([word, word.capitalize(), word.upper(), " " + word, word + rng.choice(".,;:!?…")])
        if kind == 3:
            return script(rng)
        if kind == 4:
            return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 5)))
        if kind == 5:
            return rng.choice([" ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\r\n", " " * rng.randint(1, 40)])
        if kind == 6:
            return emoji(rng)
        if kind == 7:
            return rng.choice(CODE)
        if kind == 8:
            return rng.choice(RARE) if rng.random() < 0.5 else chr(rng.choice([0, 0x7F]) + rng.randrange(0x21))
        if kind == 9:
            return number(rng)
        if kind == 10:
            return point(rng)
        if kind == 11:
            return marked(rng)
        if kind == 12:
            token = rng.choice(self.added)
            return rng.choice([token, token[:-1], token[1:], token + token, token.upper(), " " + token + " ", "a" + token + "b", token.replace("|", "")])
        if kind <= 14:
            return "".join(rng.choice(self.vocab) for _ in range(rng.randint(1, 3)))
        if kind == 15:
            return "".join(rng.choice(self.texts) for _ in range(rng.randint(1, 4))) if self.texts else ""
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABC'’.-_") for _ in range(rng.randint(1, 12)))

    def one(self, index):
        if index == 0:
            return ""
        if index % 5000 == 1:  # a long word
            letters = self.rng.choice(["a", "ab", "abcdefghijklmnop", "字", "한국", " ", "=", "é", "1", "▁", "👍"])
            return "".join(self.rng.choice(letters) for _ in range(10000))
        return "".join(self.part() for _ in range(self.rng.choice([1, 1, 2, 3, 4, 6, 9])))


class Driver:
    def __init__(self, path, vocabulary):
        self.process = subprocess.Popen([path, vocabulary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, requests):
        answers = []
        for start in range(0, len(requests), 50):  # few enough to fit the pipe both ways
            for request in requests[start:start + 50]:
                self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answers += [json.loads(self.process.stdout.readline()) for _ in requests[start:start + 50]]
        return answers


def opened(vocabulary, folder):
    """Our path, and the reference's view of the vocabulary: truncation and padding off, which the driver ignores too."""
    ours, _, reference = vocabulary.partition("=")
    path = pathlib.Path(reference or ours)
    if path.is_dir():
        path = next((p for p in (path / "tokenizer.json", path / "tokenizer.json.xz") if p.exists()), path / "tokenizer.json")
    if path.suffix == ".xz":
        target = pathlib.Path(folder) / "tokenizer.json"
        target.write_bytes(lzma.decompress(path.read_bytes()))
        path = target
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return ours if reference else str(path), tokenizer


def each(function, arguments):
    """Results of a batch function; None where the reference panics or fails, as it does for some texts and pipelines."""
    try:
        return function(arguments)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return [None] if len(arguments) == 1 else [result for one in arguments for result in each(function, [one])]


class Comparison:
    def __init__(self, driver, path, seed, show):
        self.folder = tempfile.TemporaryDirectory()
        path, self.tokenizer = opened(path, self.folder.name)
        self.ours, self.strings, self.rng = Driver(driver, path), Strings(self.tokenizer, seed), random.Random(seed + 1)
        self.size, self.show = max(self.tokenizer.get_vocab().values()) + 1, show
        self.encode_differences = self.decode_differences = self.without_reference = 0

    def report(self, text):
        self.show -= 1
        if self.show >= 0:
            print(text, file=sys.stderr)

    def encode(self, texts):
        """Compares, and gives the reference's ids."""
        batch = self.tokenizer.encode_batch
        wanted, plain = each(batch, texts), each(lambda some: batch(some, add_special_tokens=False), texts)
        for text, w, p, got in zip(texts, wanted, plain, self.ours.ask(texts)):
            if w is None or p is None:
                self.without_reference += 1
            elif got != {"ids": w.ids, "plain": p.ids}:
                self.encode_differences += 1
                self.report(f"encode {text[:200]!r}\n  expected {w.ids[:60]}\n  found    {got['ids'][:60]}")
        return [w.ids for w in wanted if w]

    def decode(self, lists):
        decoded = [each(lambda some: self.tokenizer.decode_batch(some, skip_special_tokens=skip), lists) for skip in (False, True)]
        for ids, text, skipped, got in zip(lists, *decoded, self.ours.ask(lists)):
            if text is None or skipped is None:
                self.without_reference += 1
            elif got != {"text": text, "skipped": skipped, "streamed": text}:
                self.decode_differences += 1
                self.report(f"decode {ids[:60]}\n  expected {text[:200]!r} {skipped[:100]!r}\n  found    {got}")

    def run(self, count):
        for start in range(0, count, 1000):
            ids = self.encode([self.strings.one(i) for i in range(start, min(start + 1000, count))])
            rng = self.rng
            self.decode([one if rng.random() < 0.6 else [rng.randrange(self.size) for _ in range(rng.randint(0, 12))] for one in ids])
        self.ours.close()
        self.count = count
        return self

    def row(self, comparison, name):
        """Prints what was found, each string being encoded and decoded; gives the number of differences."""
        report.row(comparison, name, self.count, self.encode_differences + self.decode_differences)
        return self.encode_differences + self.decode_differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("vocabularies", nargs="+")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    total = 0
    for path in options.vocabularies:
        found = Comparison(options.driver, path, options.seed, options.show).run(options.count)
        total += found.row("tokenizers", path)
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
