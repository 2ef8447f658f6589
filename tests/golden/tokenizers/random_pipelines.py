#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with Hugging Face `tokenizers` on pipelines drawn at random: the models of fixtures/, each with
any normalizers, pre-tokenizers, post-processor, decoders and added tokens, with every option they have.

    python tests/golden/tokenizers/random_pipelines.py build/bin/ingot_tokenizer_driver --count=1000 --seed=1

Prints each pipeline that differs, or that only one of the two refuses, to stderr, and one row of counts. Exit status 1 says that something differs.
"""
import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

import conformance
import report

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
MARK = "\u2581"
# Texts and patterns for Split and Replace; a few of real vocabularies among them.
LITERALS = [" ", "  ", "a", "e", "th", MARK, "Ġ", ".", "''", "\n", "é", "一", "<"]
REGEXES = [r"\s+", r"\p{L}+", r"\p{N}{1,3}", r"[aeiou]+", r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"\s+$", r"[^\S\n]+", r"\w+|[^\w\s]+",
           r"(?i:the|'s|ſ)", r"[^\r\n\p{L}\p{N}]?\p{L}+|\s*[\r\n]+|\s+(?!\S)|\s+", r".", r"(a|b)*c?", r"[一-龥]+", r" {2,}", r"x*", r"\p{P}|\p{S}", r"\p{M}",
           r"[\p{Lu}\p{Lt}]?\p{Ll}+", r"\d+?", r"\b", r"^\s+"]


class Pipelines:
    def __init__(self, rng):
        self.rng = rng

    def flag(self):
        return self.rng.random() < 0.5

    def pattern(self):
        return {"String": self.rng.choice(LITERALS)} if self.flag() else {"Regex": self.rng.choice(REGEXES)}

    def some(self, one, most, key, name):
        """None, one component or a Sequence of some."""
        count = self.rng.choice([0, 1, 1, *range(2, most + 1)])
        parts = [one() for _ in range(count)]
        if count == 0:
            return None
        return parts[0] if count == 1 and self.flag() else {"type": "Sequence", key: parts}

    def normalizer(self, charsmap):
        kind = self.rng.choice(["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Prepend", "Precompiled", "BertNormalizer",
                                "Nmt", "ByteLevel"])
        part = {"type": kind}
        if kind == "Strip":
            part.update(strip_left=self.flag(), strip_right=self.flag())
        elif kind == "Replace":
            part.update(pattern=self.pattern(), content=self.rng.choice(["", " ", MARK, "x", "ab"]))
        elif kind == "Prepend":
            part.update(prepend=self.rng.choice([MARK, " ", "x"]))
        elif kind == "Precompiled":
            part.update(precompiled_charsmap=charsmap)
        elif kind == "BertNormalizer":
            part.update(clean_text=self.flag(), handle_chinese_chars=self.flag(), strip_accents=self.rng.choice([None, True, False]), lowercase=self.flag())
        return part

    def pre_tokenizer(self):
        kind = self.rng.choice(["ByteLevel", "Split", "Split", "Split", "Metaspace", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits",
                                "BertPreTokenizer", "CharDelimiterSplit", "UnicodeScripts"])
        behavior = self.rng.choice(["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"])
        part = {"type": kind}
        if kind == "ByteLevel":
            part.update(add_prefix_space=self.flag(), trim_offsets=self.flag(), use_regex=self.flag())
        elif kind == "Split":
            part.update(pattern=self.pattern(), behavior=behavior, invert=self.flag())
        elif kind == "Metaspace":
            part.update(replacement=self.rng.choice([MARK, MARK, "_"]), prepend_scheme=self.rng.choice(["always", "never", "first"]), split=self.flag())
        elif kind == "Punctuation":
            part.update(behavior=behavior)
        elif kind == "Digits":
            part.update(individual_digits=self.flag())
        elif kind == "CharDelimiterSplit":
            part.update(delimiter=self.rng.choice([" ", "a", MARK, "é"]))
        return part

    def post_processor(self, tokens):
        kind = self.rng.choice([None, "ByteLevel", "TemplateProcessing", "RobertaProcessing", "BertProcessing", "Sequence"])
        if kind is None:
            return None
        first, last = self.rng.choice(tokens), self.rng.choice(tokens)
        level = {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(), "use_regex": True}
        special = lambda token: {"SpecialToken": {"id": token[0], "type_id": 0}}
        single = [special(first)] * self.rng.randint(0, 2) + [{"Sequence": {"id": "A", "type_id": 0}}] + [special(last)] * self.rng.randint(0, 2)
        template = {"type": "TemplateProcessing", "single": single, "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
                    "special_tokens": {name: {"id": name, "ids": [i], "tokens": [name]} for name, i in (first, last)}}
        if kind == "Sequence":
            return {"type": kind, "processors": [level, template] if self.flag() else [template, level]}
        if kind == "TemplateProcessing":
            return template
        if kind == "ByteLevel":
            return level
        roberta = dict(trim_offsets=self.flag(), add_prefix_space=self.flag()) if kind == "RobertaProcessing" else {}
        return {"type": kind, "sep": list(last), "cls": list(first), **roberta}

    def decoder(self):
        kind = self.rng.choice(["ByteLevel", "Metaspace", "ByteFallback", "Fuse", "Strip", "Replace", "WordPiece", "BPEDecoder", "CTC"])
        part = {"type": kind}
        if kind == "ByteLevel":
            part.update(add_prefix_space=self.flag(), trim_offsets=self.flag(), use_regex=self.flag())
        elif kind == "Metaspace":
            part.update(replacement=self.rng.choice([MARK, MARK, "_"]), prepend_scheme=self.rng.choice(["always", "never", "first"]), split=self.flag())
        elif kind == "Strip":
            part.update(content=self.rng.choice([" ", "t", "é"]), start=self.rng.randint(0, 2), stop=self.rng.randint(0, 2))
        elif kind == "Replace":
            part.update(pattern=self.pattern(), content=self.rng.choice(["", " ", "x", "é"]))
        elif kind == "WordPiece":
            part.update(prefix=self.rng.choice(["##", "t"]), cleanup=self.flag())
        elif kind == "BPEDecoder":
            part.update(suffix=self.rng.choice(["</w>", "e"]))
        elif kind == "CTC":
            part.update(pad_token=self.rng.choice(["<pad>", "e"]), word_delimiter_token=self.rng.choice(["|", "t"]), cleanup=self.flag())
        return part

    def added(self, first):
        contents = ["<s>", "</s>", "<|x|>", "tag", "the", " sp ", "Àb", "é", "\n", "  ", MARK, "\u0301", "ab c", "12", "the the", "一", "Tags", " "]
        self.rng.shuffle(contents)
        for i, content in enumerate(contents[:self.rng.randint(0, 8)]):
            yield {"id": first + i, "content": content, **{name: self.flag() for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}}

    def model(self, part):
        """The model of a fixture, with options of its kind turned over."""
        kind = part["type"]
        if kind == "BPE":
            part["ignore_merges"] = self.rng.random() < 0.3
            part["fuse_unk"] = self.flag()
            if self.rng.random() < 0.3:
                part["unk_token"] = None
            if self.rng.random() < 0.3:
                part["byte_fallback"] = self.flag()
            if self.flag():
                part["merges"] = [pair if isinstance(pair, str) or any(" " in side for side in pair) else " ".join(pair) for pair in part["merges"]]
                if not all(isinstance(pair, str) for pair in part["merges"]):
                    part["merges"] = [pair.split(" ") if isinstance(pair, str) else pair for pair in part["merges"]]
        elif kind == "Unigram":
            part["byte_fallback"] = self.flag()
        elif kind == "WordPiece":
            part["max_input_chars_per_word"] = self.rng.choice([3, 10, 100])
        return part

    def one(self, base, charsmap):
        model = self.model(base["model"])
        vocab = model["vocab"]
        ids = {entry[0]: i for i, entry in enumerate(vocab)} if isinstance(vocab, list) else vocab
        added = list(self.added(max(ids.values()) + 1))
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
                "normalizer": self.some(lambda: self.normalizer(charsmap), 3, "normalizers", "normalizer"),
                "pre_tokenizer": self.some(self.pre_tokenizer, 3, "pretokenizers", "pre_tokenizer"),
                "post_processor": self.post_processor(list(ids.items())),
                "decoder": self.some(self.decoder, 4, "decoders", "decoder"), "model": model}


def is_ambiguous(tokenizer, added):
    """Whether two added tokens have one normal form: which of them is found hangs on the order of a hash map, and changes from run to run."""
    normal = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    forms = [normal(token["content"]) for token in added if token["normalized"]]
    return len(set(forms)) < len(forms)


def described(pipeline):
    return json.dumps({**{k: v for k, v in pipeline.items() if v and k != "model"},
                       "model": {k: v for k, v in pipeline["model"].items() if k not in ("vocab", "merges")}}, ensure_ascii=False)[:3000]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--strings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    rng, counts, reasons = random.Random(options.seed), collections.Counter(), collections.Counter()
    bases = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIXTURES.glob("*.json"))]
    charsmap = next(p["precompiled_charsmap"] for base in bases for p in ((base["normalizer"] or {}).get("normalizers") or []) if p["type"] == "Precompiled")
    for trial in range(options.count):
        pipeline = Pipelines(rng).one(json.loads(json.dumps(rng.choice(bases))), charsmap)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "tokenizer.json"
            path.write_text(json.dumps(pipeline), encoding="utf-8")
            run = subprocess.run([options.driver, str(path)], input="", capture_output=True, text=True)
            try:
                reference = Tokenizer.from_file(str(path))
            except Exception as error:  # the reference refuses it
                counts["refused by both" if run.returncode else "refused by the reference alone"] += 1
                if not run.returncode:
                    reasons["REFERENCE: " + str(error)[:150]] += 1
                continue
            if run.returncode:
                counts["refused by us"] += 1
                reasons[run.stderr.strip().split("tokenizer.json: ")[-1][:150]] += 1
                continue
            if is_ambiguous(reference, pipeline["added_tokens"]):
                counts["ambiguous"] += 1
                continue
            counts["compared"] += 1
            found = conformance.Comparison(options.driver, str(path), options.seed * 1000 + trial, 1).run(options.strings)
            counts["strings that the reference fails on"] += found.without_reference
            if found.encode_differences or found.decode_differences:
                counts["differ"] += 1
                print(f"pipeline {trial}: {found.encode_differences} encode and {found.decode_differences} decode differences\n  {described(pipeline)}", file=sys.stderr)
    for reason, count in reasons.most_common():
        print(f"  {count} x {reason}", file=sys.stderr)
    differing, compared = counts.pop("differ", 0), counts.pop("compared", 0)
    report.row("pipelines", f"drawn at random, {options.strings} strings each", compared, differing,
               "also " + ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
