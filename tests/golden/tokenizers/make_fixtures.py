#!/usr/bin/env python3
"""Trains the small vocabularies of tests/golden/tokenizers/fixtures, of every kind and with every component, and writes what
Hugging Face `tokenizers` makes of some texts with them. The package tokenizers (0.23.3) is needed:
    python3 tests/golden/tokenizers/make_fixtures.py
"""
import json
import pathlib
import random
import struct

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import conformance

FOLDER = pathlib.Path(__file__).parent / "fixtures"
MARK = "\u2581"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}|"
         r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]


def corpus():
    rng = random.Random(7)
    words = conformance.WORDS + conformance.CODE + ["你好世界", "日本語のテキスト", "한국어", "Привет", "Ελληνικά", "שלום", "العربية", "हिन्दी", "ไทย", "éàü", "👍🏽"]
    for _ in range(3000):
        yield " ".join(rng.choice(words) for _ in range(rng.randint(3, 12)))


def charsmap(pairs):
    """A precompiled character map as SentencePiece writes it: a darts-clone trie, then its texts."""
    texts, values = b"", {}
    for key, value in pairs.items():
        values[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    units = [0] * 256

    def build(prefix, at):
        children = sorted({k[len(prefix)] for k in values if k.startswith(prefix) and len(k) > len(prefix)})
        leaf = prefix in values
        base = ((len(units) + 255) // 256) * 256  # a block of its own for each node: simple, and large
        units.extend([0] * (base + 256 - len(units)))
        units[at] |= (base ^ at) << 10
        if leaf:
            units[at] |= 1 << 8
            units[base] = values[prefix] | 1 << 31
        for byte in children:
            units[base ^ byte] |= byte
        for byte in children:
            build(prefix + bytes([byte]), base ^ byte)

    build(b"", 0)
    blob = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(blob)) + blob + texts


def byte_level(pre, normalizer=None, post=None, added=(), **model):
    t = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    t.post_processor = post or processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator(corpus(), trainer)
    t.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    t.add_tokens(list(added))
    return t


def trained(model, trainer, normalizer=None, pre=None, decoder=None, post=None, added=()):
    t = Tokenizer(model)
    if normalizer is not None:
        t.normalizer = normalizer
    if pre is not None:
        t.pre_tokenizer = pre
    if decoder is not None:
        t.decoder = decoder
    t.train_from_iterator(corpus(), trainer)
    if post is not None:
        t.post_processor = post(t)
    t.add_tokens(list(added))
    return t


def template(t, single):
    tokens = [(name, t.token_to_id(name)) for name in single.split() if not name.startswith("$")]
    return processors.TemplateProcessing(single=single, special_tokens=tokens)


def with_bytes(t):
    """Adds the 256 byte tokens to a trained vocabulary and turns byte_fallback on."""
    j = json.loads(t.to_str())
    names = [f"<0x{b:02X}>" for b in range(256)]
    if j["model"]["type"] == "Unigram":
        j["model"]["vocab"] += [[n, -20.0] for n in names]
    else:
        first = max(j["model"]["vocab"].values()) + 1
        j["model"]["vocab"].update({n: first + i for i, n in enumerate(names)})
    j["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(j))


def every_flag():
    """All sixteen kinds of added tokens."""
    for bits in range(16):
        flags = dict(single_word=bool(bits & 1), lstrip=bool(bits & 2), rstrip=bool(bits & 4), normalized=bool(bits & 8))
        yield AddedToken(f"<F{bits:x}>", **flags)
        yield AddedToken(f"tag{bits:x}", **flags)
    yield AddedToken(" spaced ", normalized=False)
    yield AddedToken("ÀB", normalized=True)


def fixtures():
    bpe = lambda **k: trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False, **k)
    unigram = lambda **k: trainers.UnigramTrainer(vocab_size=300, unk_token="<unk>", special_tokens=["<unk>", "<s>", "</s>"], show_progress=False, **k)
    pieces = trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    level = trainers.WordLevelTrainer(vocab_size=300, special_tokens=["<unk>", "<s>"], show_progress=False)
    meta = lambda **k: pre_tokenizers.Metaspace(**k)
    split = lambda p, b="isolated", i=False: pre_tokenizers.Split(Regex(p), b, i)
    bl = lambda prefix=False, regex=True: pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    seq = pre_tokenizers.Sequence
    yield "gpt2", byte_level(bl(), added=every_flag())
    yield "gpt2_prefix_space", byte_level(bl(True), post=processors.RobertaProcessing(("<|im_end|>", 501), ("<|im_start|>", 500)))
    yield "llama3", byte_level(seq([split(LLAMA3), bl(regex=False)]), ignore_merges=True)
    yield "qwen_nfc", byte_level(seq([split(LLAMA3), bl(regex=False)]), normalizers.NFC(), added=every_flag())
    yield "o200k", byte_level(seq([split(O200K), bl(regex=False)]))
    yield "deepseek", byte_level(seq([*(split(p) for p in DEEPSEEK), bl(regex=False)]))
    yield "falcon", byte_level(seq([pre_tokenizers.Punctuation("contiguous"), bl(), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")]))
    yield "smollm", byte_level(seq([pre_tokenizers.Digits(True), bl()]))
    yield "bytes_normalized", trained(models.BPE(unk_token="<unk>"), bpe(initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
                                      normalizers.Sequence([normalizers.NFKC(), normalizers.ByteLevel()]), split("Ġ", "merged_with_next"), decoders.ByteLevel())
    llama = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    yield "llama2", with_bytes(trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe(),
                                       normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), meta(prepend_scheme="never"),
                                       decoders.Sequence(llama), lambda t: template(t, "<s> $A </s>"), every_flag()))
    yield "metaspace_first", trained(models.BPE(unk_token="<unk>"), bpe(), normalizers.Strip(), meta(prepend_scheme="first"), decoders.Metaspace(prepend_scheme="first"),
                                     lambda t: template(t, "<s> $A"), every_flag())
    yield "end_of_word", trained(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), bpe(end_of_word_suffix="</w>"),
                                 normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
                                 split(r"<\|startoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True), decoders.BPEDecoder("</w>"))
    yield "continuing_prefix", trained(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True),
                                       bpe(continuing_subword_prefix="##"), None, pre_tokenizers.Whitespace(), decoders.WordPiece("##", False))
    yield "unigram_metaspace", trained(models.Unigram(), unigram(), normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
                                       meta(prepend_scheme="always"), decoders.Metaspace(prepend_scheme="always"), lambda t: template(t, "$A </s>"), every_flag())
    yield "unigram_bytes", with_bytes(trained(models.Unigram(), unigram(), normalizers.Replace(" ", MARK), None, decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])))
    mapped = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "ﬁ": "fi", "²": "2", "½": "1⁄2", "é": "é", "Å": "Å", "\u200b": " ", "…": "...", "Ａ": "A", "\u0001": "",
              "ß": "ss", "̈": "x"}
    yield "unigram_charsmap", trained(models.Unigram(), unigram(), normalizers.Sequence([normalizers.Precompiled(charsmap(mapped)), normalizers.Strip(False, True),
                                      normalizers.Replace(Regex(" {2,}"), MARK)]), seq([pre_tokenizers.WhitespaceSplit(), meta(prepend_scheme="first")]), decoders.Metaspace())
    yield "bert_uncased", trained(models.WordPiece(unk_token="[UNK]"), pieces, normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(),
                                  lambda t: processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]"))), every_flag())
    yield "bert_cased", trained(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20), pieces,
                                normalizers.BertNormalizer(True, True, False, False), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(cleanup=False))
    yield "word_level", trained(models.WordLevel(unk_token="<unk>"), level, normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]),
                                seq([pre_tokenizers.UnicodeScripts(), pre_tokenizers.Punctuation(), pre_tokenizers.WhitespaceSplit()]))
    yield "ctc", trained(models.WordLevel(unk_token="<unk>"), level, normalizers.NFKD(), split(".", "isolated"), decoders.CTC("e", "t", True))
    yield "char_delimiter", trained(models.WordLevel(unk_token="<unk>"), level, normalizers.Strip(True, False), pre_tokenizers.CharDelimiterSplit("e"),
                                    decoders.Sequence([decoders.Replace(Regex("[aeiou]+"), "*"), decoders.Strip("t", 1, 1), decoders.Fuse(), decoders.Replace("h", "HH")]))
    yield "merged_previous", trained(models.BPE(unk_token="<unk>"), bpe(), None, seq([split(r"[.,;]", "merged_with_previous"), split(r"\s", "merged_with_next"), split("[aeiou]x?", "contiguous")]),
                                     decoders.Fuse())
    yield "no_steps", trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe())


def cases(tokenizer, name, size):
    strings = conformance.Strings(tokenizer, sum(name.encode()))
    rng = random.Random(size)
    texts = [t for t in (strings.one(i) for i in range(2, size + 2))]
    vocab = max(tokenizer.get_vocab().values()) + 1
    for text in texts:
        ids = tokenizer.encode(text).ids
        yield {"text": text, "ids": ids, "plain": tokenizer.encode(text, add_special_tokens=False).ids}
        if rng.random() < 0.5:
            ids = [rng.randrange(vocab) for _ in range(rng.randint(0, 12))]
        yield {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False), "skipped": tokenizer.decode(ids, skip_special_tokens=True)}


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, tokenizer in fixtures():
        tokenizer = Tokenizer.from_str(tokenizer.to_str())  # what a reader of the file sees
        (FOLDER / f"{name}.json").write_text(tokenizer.to_str(), encoding="utf-8")
        lines = [json.dumps(case) for case in cases(tokenizer, name, 60)]
        (FOLDER / f"{name}.cases").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
