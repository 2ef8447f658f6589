#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with Hugging Face `tokenizers` on every code point there is, for each normalizer and pre-tokenizer
whose meaning is a set of code points or a mapping of them, and for classes of regular expressions.

    python tests/golden/tokenizers/every_code_point.py build/bin/ingot_tokenizer_driver [NAME ...]

Prints the code points that differ. Exit status 1 says that something differs.
"""
import json
import pathlib
import sys
import tempfile

from tokenizers import pre_tokenizers

import conformance
import report

BYTES = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
# Shows a normalised text as its bytes; shows pieces as "a" (1), anything else (0), or not at all.
SHOW_TEXT = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
             "model": {"type": "BPE", "vocab": BYTES, "merges": []}}
SHOW_PIECES = {"model": {"type": "WordLevel", "vocab": {"?": 0, "a": 1}, "unk_token": "?"}}
PER_TEXT = 64


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def components():
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"):
        yield name, {**SHOW_TEXT, "normalizer": {"type": name}}
    bert = {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    for flag in ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"):
        yield f"BertNormalizer {flag}", {**SHOW_TEXT, "normalizer": {**bert, flag: True}}
    for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"):
        yield name, {**SHOW_PIECES, "pre_tokenizer": {"type": name}}
    yield "Punctuation", {**SHOW_PIECES, "pre_tokenizer": {"type": "Punctuation", "behavior": "Isolated"}}
    yield "Digits", {**SHOW_PIECES, "pre_tokenizer": {"type": "Digits", "individual_digits": True}}
    for regex in (r"\p{L}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{M}", r"\p{Z}", r"\p{C}", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\p{Han}", r"\s", r"\w", r"\d"):
        yield regex, {**SHOW_PIECES, "pre_tokenizer": split(regex)}
    added = {"id": 2, "content": "~", "single_word": True, "lstrip": True, "rstrip": True, "normalized": False, "special": False}
    yield "added token", {**SHOW_PIECES, "added_tokens": [added], "pre_tokenizer": split("a")}


def texts():
    points = [chr(c) for c in [*range(0xD800), *range(0xE000, 0x110000)]]
    for start in range(0, len(points), PER_TEXT):
        yield points[start:start + PER_TEXT]


def differing(comparison, group, between):
    """Single code points of a group whose text differed."""
    count = comparison.encode_differences
    for c in group:
        comparison.encode([between + c + between])
        if comparison.encode_differences > count:
            count = comparison.encode_differences
            yield c


def check(driver, name, part):
    # What stands around a code point is of another class than it, so that its own is seen.
    between = "a" if name == r"\p{S}" or (name[0] != "\\" and name != "added token") else "~"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tokenizer.json"
        whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
                 "decoder": None, **part}
        path.write_text(json.dumps(whole), encoding="utf-8")
        comparison, wrong = conformance.Comparison(driver, str(path), 1, 0), []
        for group in texts():
            before = comparison.encode_differences
            comparison.encode([between + between.join(group) + between])
            if comparison.encode_differences > before:
                wrong += differing(comparison, group, between)
        comparison.ours.close()
    if wrong:
        print(name, *(f"{ord(c):04x}" for c in wrong[:40]), file=sys.stderr)
    report.row("code-points", name, sum(map(len, texts())), len(wrong))
    return len(wrong)


def main():
    driver, names = sys.argv[1], sys.argv[2:]
    sys.exit(sum(check(driver, name, part) for name, part in components() if not names or name in names) > 0)


if __name__ == "__main__":
    main()
