#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with Hugging Face `tokenizers` on vocabularies that are trained here in the shapes of well-known ones:
the same models, normalizers, pre-tokenizers, post-processors, decoders and kinds of added tokens, with other tokens.

    python tests/golden/tokenizers/shapes.py build/bin/ingot_tokenizer_driver [NAME ...] --count=20000

Needs the packages tokenizers (0.23.3), sentencepiece and protobuf: the real character map of nmt_nfkc comes out of a model trained with
the library. Exit status 1 says that something differs.
"""
import argparse
import pathlib
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import conformance
import libraries
import make_fixtures
from make_fixtures import MARK, byte_level, template, trained, with_bytes
from sentencepiece import sentencepiece_model_pb2

CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
GPT4O = make_fixtures.O200K
DEEPSEEK_CODER = ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+"]
DEEPSEEK_LLM = ["[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕ]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$",
                "[一-龥ࠀ-一가-퟿]+"]
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
KIMI = "|".join([r"[\p{Han}]+", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                 r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}",
                 r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])


def special(*contents, **flags):
    return [AddedToken(content, special=True, normalized=False, **flags) for content in contents]


def shapes():
    split = lambda regex, behavior="isolated", invert=False: pre_tokenizers.Split(Regex(regex), behavior, invert)
    level = lambda prefix=False, regex=True: pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    seq, meta = pre_tokenizers.Sequence, pre_tokenizers.Metaspace
    bpe = lambda **options: trainers.BpeTrainer(**{"vocab_size": 900, "special_tokens": ["<unk>", "<s>", "</s>"], "show_progress": False, **options})
    unigram = lambda specials=("<pad>", "</s>", "<unk>"): trainers.UnigramTrainer(vocab_size=600, unk_token="<unk>", special_tokens=list(specials), show_progress=False)
    bert = lambda: trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        proto = sentencepiece_model_pb2.ModelProto.FromString(libraries.trained(folder))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    llama = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]

    gemma = with_bytes(trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe(special_tokens=["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]), normalizers.Replace(" ", MARK),
                               pre_tokenizers.Split(" ", "merged_with_previous"), decoders.Sequence(llama), lambda t: template(t, "<bos> $A")))
    gemma.add_special_tokens(special("<start_of_turn>", "<end_of_turn>", *(f"<unused{i}>" for i in range(20))))
    gemma.add_tokens([AddedToken(text, normalized=False) for text in ["\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁▁", "\t", "\t\t", "<table>", "</td>", "<h1>"]])
    yield "gemma", gemma

    phi = with_bytes(trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe(), normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None,
                             decoders.Sequence([*llama, decoders.Strip(" ", 1, 0)]), lambda t: template(t, "<s> $A")))
    phi.add_special_tokens(special("<|endoftext|>") + special("<|assistant|>", "<|system|>", "<|end|>", "<|user|>", "<|placeholder1|>", rstrip=True))
    phi.add_tokens([AddedToken("</s>", rstrip=True, normalized=False)])
    yield "phi3", phi

    mistral = with_bytes(trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe(), None, meta(prepend_scheme="first", split=False),
                                 decoders.Sequence([*llama, decoders.Strip(" ", 1, 0)]), lambda t: template(t, "<s> $A")))
    mistral.add_special_tokens(special("[INST]", "[/INST]", "[TOOL_CALLS]"))
    yield "mistral_v3", mistral

    yield "tekken", byte_level(seq([split(GPT4O.replace(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "").replace(r"\p{N}{1,3}", r"\p{N}")), level(regex=False)]), ignore_merges=True)
    yield "gpt4o", byte_level(seq([split(GPT4O), level(regex=False)]), added=special("<|endofprompt|>"))
    yield "gpt4", byte_level(seq([split(CL100K, "removed", True), level(regex=False)]))
    yield "deepseek_coder", byte_level(seq([*(split(p) for p in DEEPSEEK_CODER), pre_tokenizers.Digits(True), level(regex=False)]))
    yield "deepseek_llm", byte_level(seq([*(split(p) for p in DEEPSEEK_LLM), pre_tokenizers.Digits(True), level(regex=False)]), added=special("<｜begin▁of▁sentence｜>", "<｜User｜>"))
    yield "kimi", byte_level(seq([split(KIMI), level(regex=False)]))
    yield "olmo", byte_level(level(), normalizers.NFC(), added=[AddedToken("  ", normalized=True), AddedToken("    ", normalized=False), *special("|||IP_ADDRESS|||")])
    yield "starcoder", byte_level(seq([pre_tokenizers.Digits(True), level()]), added=special("<fim_prefix>", "<fim_middle>"))
    yield "falcon", byte_level(seq([pre_tokenizers.Punctuation("contiguous"), level(), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")]))
    yield "bloom", byte_level(seq([split(BLOOM), level(regex=False)]))
    yield "gpt_neox", byte_level(level(), added=[AddedToken(" " * n, normalized=True) for n in range(2, 25)])
    whisper = byte_level(level(), added=special("<|startoftranscript|>", "<|en|>", "<|notimestamps|>"))
    whisper.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(50)])
    yield "whisper", whisper
    yield "command_r", byte_level(seq([pre_tokenizers.Digits(True), level()]), normalizers.NFC(), added=special("<|START_OF_TURN_TOKEN|>"))
    yield "roberta", byte_level(level(), post=processors.RobertaProcessing(("<|im_end|>", 502), ("<|im_start|>", 501)),
                                added=[AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    yield "modernbert", byte_level(level(), normalizers.NFC(), added=[AddedToken("|||PHONE|||", normalized=True), AddedToken("[MASK]", lstrip=True), AddedToken("   ", normalized=True)])
    clip = trained(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""),
                   bpe(special_tokens=["<|startoftext|>", "<|endoftext|>"], end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
                   normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
                   seq([split(CLIP, "removed", True), level()]), decoders.ByteLevel(),
                   lambda t: processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False))
    yield "clip", clip

    strip = [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), MARK)]
    for name, scheme in (("t5", "always"), ("t5_new", "first")):
        t5 = trained(models.Unigram(), unigram(), normalizers.Sequence([charsmap, *strip]), meta(prepend_scheme=scheme), decoders.Metaspace(prepend_scheme=scheme),
                     lambda t: template(t, "$A </s>"))
        t5.add_special_tokens(special(*(f"<extra_id_{i}>" for i in range(20))))
        yield name, t5
    yield "mt5", trained(models.Unigram(), unigram(), charsmap, seq([pre_tokenizers.WhitespaceSplit(), meta(prepend_scheme="always")]), decoders.Metaspace(),
                         lambda t: template(t, "$A </s>"))
    yield "xlm_roberta", trained(models.Unigram(), unigram(("<s>", "<pad>", "</s>", "<unk>")), charsmap, seq([pre_tokenizers.WhitespaceSplit(), meta()]), decoders.Metaspace(),
                                 lambda t: template(t, "<s> $A </s>"), [AddedToken("<mask>", lstrip=True, special=True)])
    yield "albert", trained(models.Unigram(), unigram(("<pad>", "<unk>", "[CLS]", "[SEP]")),
                            normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), charsmap,
                                                  normalizers.Replace(Regex(" {2,}"), " ")]), meta(), decoders.Metaspace(), lambda t: template(t, "[CLS] $A [SEP]"))
    yield "unigram_byte_fallback", with_bytes(trained(models.Unigram(), unigram(), normalizers.Sequence([charsmap, *strip]), meta(split=False),
                                                      decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])))

    bert_post = lambda t: template(t, "[CLS] $A [SEP]")
    yield "bert_uncased", trained(models.WordPiece(unk_token="[UNK]"), bert(), normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(), bert_post)
    yield "bert_chinese", trained(models.WordPiece(unk_token="[UNK]"), bert(), normalizers.BertNormalizer(strip_accents=False), pre_tokenizers.BertPreTokenizer(),
                                  decoders.WordPiece(cleanup=False), bert_post)
    yield "mpnet", trained(models.WordPiece(unk_token="[UNK]"), bert(), normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(), bert_post,
                           [AddedToken("<mask>", lstrip=True, special=True, normalized=True)])
    yield "ctc", trained(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=80, special_tokens=["<pad>", "<unk>", "|"], show_progress=False),
                         normalizers.Replace(" ", "|"), split(".", "isolated"), decoders.CTC("<pad>", "|", True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    options = parser.parse_args()
    total = 0
    for name, tokenizer in shapes():
        if options.names and name not in options.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "tokenizer.json"
            path.write_text(tokenizer.to_str(), encoding="utf-8")
            found = conformance.Comparison(options.driver, str(path), options.seed, options.show).run(options.count)
        total += found.row("shapes", name)
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
