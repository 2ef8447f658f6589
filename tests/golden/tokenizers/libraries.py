#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with the sentencepiece library, on models of every kind that it trains here, and on given ones.

    python tests/golden/tokenizers/libraries.py build/bin/ingot_tokenizer_driver [TOKENIZER.MODEL ...] --count=20000

Needs the packages sentencepiece (0.2.3), protobuf and tokenizers. The library knows no special tokens in texts, so texts are encoded as it does
it; ids are decoded without control pieces, and lists with the unknown piece, with broken characters or with a first space that is a byte are left out: there tokenizers
of transformers, which we follow, differ from it. `--fixtures` writes the small models of fixtures/ and what the library makes of some
texts instead. Exit status 1 says that something differs.
"""
import argparse
import io
import json
import pathlib
import random
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

import conformance
import make_fixtures
import report

USER = ["<sep>", "ab", "the", "\ufb01", "é", "\t", "\n\n", "\uff21\uff22", "12", "▁of", "s▁", "e\u0301", "字", "...", "<0x41>x"]
RULES = {"\t": " ", "\n": " ", "\u3000": " ", "\u00a0": " ", "ﬁ": "fi", "²": "2", "½": "1⁄2", "…": "...", "\u0001": "", "\u200b": "", "ß": "ss", "Ａ": "A", "´": " \u0301",
         "ab": "b a ", "  x": "y", "e\u0301": "é"}
SPACES = dict(remove_extra_whitespaces=False)
IDENTITY = dict(normalization_rule_name="identity")
VARIANTS = {
    "unigram": dict(),
    "unigram, bytes": dict(byte_fallback=True),
    "unigram, user": dict(user_defined_symbols=USER),
    "unigram, nfkc_cf, user, no prefix": dict(normalization_rule_name="nfkc_cf", user_defined_symbols=USER, add_dummy_prefix=False),
    "unigram, identity, all spaces": dict(**IDENTITY, **SPACES),
    "unigram, rules, user, bytes": dict(rules=RULES, user_defined_symbols=USER, byte_fallback=True),
    "unigram, rules, all spaces, unused": dict(rules=RULES, **SPACES, unused=0.3),
    "bpe": dict(model_type="bpe"),
    "bpe, bytes, identity, all spaces": dict(model_type="bpe", byte_fallback=True, **IDENTITY, **SPACES),
    "bpe, user, bytes, no prefix, all spaces": dict(model_type="bpe", user_defined_symbols=USER, byte_fallback=True, add_dummy_prefix=False, **IDENTITY, **SPACES),
    "bpe, rules, user": dict(model_type="bpe", rules=RULES, user_defined_symbols=USER),
    "bpe, unused": dict(model_type="bpe", unused=0.3),
    "char, user": dict(model_type="char", user_defined_symbols=USER),
}
FIXTURES = {
    "spm_unigram": dict(rules=RULES, user_defined_symbols=USER, unused=0.1),
    "spm_unigram_bytes": dict(**IDENTITY, **SPACES, byte_fallback=True, user_defined_symbols=USER, add_dummy_prefix=False),
    "spm_bpe": dict(model_type="bpe", rules=RULES, user_defined_symbols=USER, unused=0.1),
    "spm_bpe_bytes": dict(model_type="bpe", byte_fallback=True, user_defined_symbols=USER, **IDENTITY, **SPACES),
}


def trained(folder, rules=None, unused=0, **options):
    """Bytes of a model; `unused` is the share of its pieces that are marked so."""
    if rules:
        path = pathlib.Path(folder) / "rules.tsv"
        points = lambda text: " ".join(f"{ord(c):X}" for c in text)
        path.write_text("".join(f"{points(key)}\t{points(by)}\n" for key, by in rules.items()))
        options["normalization_rule_tsv"] = str(path)
    model = io.BytesIO()
    size = {"vocab_size": 700, "hard_vocab_limit": False} if options.get("model_type") != "char" else {"vocab_size": 200}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=make_fixtures.corpus(), model_writer=model, minloglevel=2, control_symbols=["<ctl>"],
                                             **{"model_type": "unigram", **size, **options})
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    rng = random.Random(3)
    for piece in proto.pieces:
        if piece.type == 1 and len(piece.piece) > 1 and rng.random() < unused:
            piece.type = 5
    proto.trainer_spec.ClearField("input")
    return proto.SerializeToString()


class Library:
    """The library as the reference of conformance.Strings."""

    def __init__(self, model):
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.pieces = [self.processor.id_to_piece(i) for i in range(self.processor.get_piece_size())]
        self.user = [p for i, p in enumerate(self.pieces) if sentencepiece_model_pb2.ModelProto.FromString(model).pieces[i].type in (3, 4)]

    def get_vocab(self):
        return {piece: i for i, piece in enumerate(self.pieces)}

    def get_vocab_size(self):
        return len(self.pieces)

    def get_added_tokens_decoder(self):
        class Token:
            def __init__(self, content):
                self.content = content
        return {i: Token(content) for i, content in enumerate(self.user)}

    def decode_batch(self, lists, skip_special_tokens=True):
        return [self.processor.decode(ids) for ids in lists]

    def is_comparable(self, ids):
        text = self.processor.decode(ids)
        space_of_byte = text.startswith(" ") and any(self.processor.is_byte(i) for i in ids)
        return not any(self.processor.is_unknown(i) for i in ids) and "\ufffd" not in text and not space_of_byte


def text(strings, rng, index):
    """A text of conformance.Strings, with more spaces at its ends."""
    one = strings.one(index)
    if rng.random() < 0.2:
        one = rng.choice([" ", "  ", "▁", "\t", " ▁ ", "\u3000", "\u0001"]) + one
    if rng.random() < 0.2:
        one += rng.choice([" ", "  ", "▁", "\t", " ▁ ", "\u3000", "\u0001"])
    return rng.choice([" ", "   ", "▁", "▁▁", " ▁", "\u0001", "\t"]) if rng.random() < 0.01 else one


def compare(driver, name, path, options):
    model = pathlib.Path(path).read_bytes()
    library, ours, rng = Library(model), conformance.Driver(driver, str(path)), random.Random(options.seed)
    strings = conformance.Strings(library, options.seed)
    wrong, shown = [0, 0], options.show
    for start in range(0, options.count, 1000):
        texts = [text(strings, rng, i) for i in range(start, min(start + 1000, options.count))]
        wanted = library.processor.encode(texts)
        for one, ids, got in zip(texts, wanted, ours.ask([{"text": one} for one in texts])):
            if ids != got["raw"]:
                wrong[0] += 1
                if (shown := shown - 1) >= 0:
                    print(f"encode {one[:200]!r}\n  expected {[library.pieces[i] for i in ids[:60]]}\n  found    {[library.pieces[i] for i in got['raw'][:60]]}", file=sys.stderr)
        lists = [ids if rng.random() < 0.6 else [rng.randrange(len(library.pieces)) for _ in range(rng.randint(0, 12))] for ids in wanted]
        lists = [ids for ids in lists if library.is_comparable(ids)]
        for ids, got in zip(lists, ours.ask(lists)):
            if got["skipped"] != library.processor.decode(ids):
                wrong[1] += 1
                if (shown := shown - 1) >= 0:
                    print(f"decode {[library.pieces[i] for i in ids[:60]]}\n  expected {library.processor.decode(ids)[:200]!r}\n  found    {got['skipped'][:200]!r}", file=sys.stderr)
    ours.close()
    report.row("libraries", name, options.count, sum(wrong))
    return sum(wrong)


def write_fixtures():
    for name, options in FIXTURES.items():
        with tempfile.TemporaryDirectory() as folder:
            model = trained(folder, **options)
        library, rng = Library(model), random.Random(5)
        (make_fixtures.FOLDER / f"{name}.model").write_bytes(model)
        strings, lines = conformance.Strings(library, sum(name.encode())), []
        for i in range(2, 102):
            one = text(strings, rng, i)
            ids = library.processor.encode(one)
            lines.append({"text": one, "raw": ids})
            if rng.random() < 0.5:
                ids = [rng.randrange(len(library.pieces)) for _ in range(rng.randint(0, 12))]
            if library.is_comparable(ids):
                lines.append({"ids": ids, "skipped": library.processor.decode(ids)})
        (make_fixtures.FOLDER / f"{name}.cases").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver", nargs="?")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--only", default="", help="variants whose name has this")
    parser.add_argument("--fixtures", action="store_true")
    options = parser.parse_args()
    if options.fixtures:
        return write_fixtures()
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, variant in ({} if options.models else VARIANTS).items():
            if options.only not in name:
                continue
            path = pathlib.Path(folder) / "tokenizer.model"
            path.write_bytes(trained(folder, **variant))
            total += compare(options.driver, name, path, options)
    for path in options.models:
        total += compare(options.driver, path, path, options)
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
