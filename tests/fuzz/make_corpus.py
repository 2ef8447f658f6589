#!/usr/bin/env python3
"""Writes the seeds of corpus/{safetensors,gguf,pickle,config,tokenizer_*}; artifact's seed is the plan of a compiled tiny model:
`make_corpus.py model.ingot`. Standard library only."""
import base64
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

HERE = pathlib.Path(__file__).parent / "corpus"


def put(target, name, data):
    folder = HERE / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape, first, last, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


put("safetensors", "two", safetensors({"__metadata__": {"format": "pt"}, "a": tensor([2, 4], 0, 32), "b": tensor([4], 32, 40, "BF16")}, bytes(40)))
put("safetensors", "empty", safetensors({}))
put("safetensors", "overlap", safetensors({"a": tensor([8], 0, 32), "b": tensor([8], 16, 48)}, bytes(48)))
put("safetensors", "overflow", safetensors({"a": tensor([1 << 40, 1 << 40], 0, 32)}, bytes(32)))
put("safetensors", "twice", safetensors(b'{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"a":1}', bytes(8)))
put("safetensors", "huge", struct.pack("<Q", 1 << 63) + b"{}")
put("safetensors", "deep", safetensors(b"[" * 200))


def text(value):
    return struct.pack("<Q", len(value)) + value


def gguf(keys, tensors, version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, kind, value in keys:
        out += text(name) + struct.pack("<I", kind) + value
    for name, shape, kind, offset in tensors:
        out += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape) + struct.pack("<IQ", kind, offset)
    return out + bytes(-len(out) % 32)


LLAMA = [(b"general.architecture", 8, text(b"llama"))]
for key, value in (("block_count", 1), ("context_length", 64), ("embedding_length", 32), ("feed_forward_length", 32), ("attention.head_count", 2),
                   ("attention.head_count_kv", 1), ("vocab_size", 32), ("rope.dimension_count", 16)):
    LLAMA.append((b"llama." + key.encode(), 4, struct.pack("<I", value)))
LLAMA.append((b"llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)))
put("gguf", "llama", gguf(LLAMA, [(b"token_embd.weight", [32, 32], 0, 0), (b"blk.0.attn_q.weight", [32, 32], 8, 4096)]) + bytes(4096 + 34 * 32))
put("gguf", "empty", gguf([], [], 2))
put("gguf", "array", gguf([(b"a", 9, struct.pack("<IQ", 8, 2) + text(b"x") + text(b"\xff"))], []))
put("gguf", "huge", b"GGUF" + struct.pack("<IQQ", 3, 1 << 63, 1 << 63))
put("gguf", "types", gguf([(b"k%d" % kind, kind, bytes(8 if kind > 9 else size)) for kind, size in enumerate((1, 1, 2, 2, 4, 4, 4, 1)) ], []))
for kind in (2, 3, 6, 7, 8, 12, 13, 14, 30, 99):
    put("gguf", f"type{kind}", gguf([], [(b"t", [256, 1], kind, 0)]) + bytes(1024))


def state_dict(module=b"torch._utils\n_rebuild_tensor_v2\n"):
    """{'w': _rebuild_tensor_v2(('storage', FloatStorage, '0', 'cpu', 4), 0, (2, 2), (2, 1), False, OrderedDict())}, by hand."""
    word = lambda s: b"X" + struct.pack("<I", len(s)) + s
    storage = b"(" + word(b"storage") + b"ctorch\nFloatStorage\n" + word(b"0") + word(b"cpu") + b"K\x04tQ"
    return (b"\x80\x02}q\x00" + word(b"w") + b"c" + module + b"(" + storage + b"K\x00K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)Rtq\x01Rs.")


def archive(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, content in (("m/data.pkl", data), ("m/data/0", bytes(16))):
            file.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


put("pickle", "state_dict", state_dict())
put("pickle", "zip", archive(state_dict()))
put("pickle", "forbidden", state_dict(b"os\nsystem\n"))
for protocol in (2, 4):
    put("pickle", f"plain{protocol}", pickle.dumps({"a": [1, 2.5, None, True, -7, "x", (1, 2, 3, 4)], "b": {}}, protocol))

CONFIGS = {
    "llama": {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99,
              "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 32}},
    "yarn": {"model_type": "qwen3", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 16,
             "num_key_value_heads": 2, "vocab_size": 99, "rope_scaling": {"type": "yarn", "factor": 2, "mscale": 1, "mscale_all_dim": 1}},
    "mistral": {"model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 9, "sliding_window": 8},
    "gpt2": {"model_type": "gpt2", "n_embd": 64, "n_layer": 1, "n_head": 4, "n_positions": 32, "vocab_size": 9},
    "bloom": {"model_type": "bloom", "n_embed": 96, "n_layer": 1, "num_attention_heads": 6, "vocab_size": 9, "seq_length": 64, "offset_alibi": 100},
    "opt": {"model_type": "opt", "hidden_size": 64, "ffn_dim": 128, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 9,
            "max_position_embeddings": 32, "word_embed_proj_dim": 32, "do_layer_norm_before": False},
    "unknown": {"model_type": "llama", "mystery": 1},
}
for name, config in CONFIGS.items():
    put("config", name, json.dumps(config).encode())

if len(sys.argv) > 1:
    data = pathlib.Path(sys.argv[1]).read_bytes()
    plan_bytes = struct.unpack_from("<I", data, 12)[0]
    put("artifact", "plan", data[64:64 + plan_bytes])
put("artifact", "header", b"INGOT\x1a\r\n" + struct.pack("<HHIQQ", 1, 0, 0, 4096, 4096) + bytes(4096 - 32))

# Tokenizers: texts and ids of the golden cases, and a small tokenizer.json for every component.
FIXTURES = pathlib.Path(__file__).parent.parent / "golden" / "tokenizers" / "fixtures"
for number, path in enumerate(sorted(FIXTURES.glob("*.cases"))):
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [case["text"] for case in cases if "text" in case and len(case["text"]) < 200][::9]
    ids = [case["ids"] for case in cases if "decoded" in case][:6]
    put("tokenizer_encode", path.stem, bytes([number, 3]) + " ".join(texts[:3]).encode())
    put("tokenizer_encode", f"{path.stem}_plain", bytes([number, 0]) + "".join(texts[3:5]).encode() + b"\xe2\x82 \xff\xf0\x9f")
    put("tokenizer_decode", path.stem, bytes([number, 2]) + b"".join(struct.pack("<H", i) for i in sum(ids[:3], [])))
    put("tokenizer_decode", f"{path.stem}_skip", bytes([number, 1]) + b"".join(struct.pack("<H", i + 100) for i in sum(ids[3:], [])))
    put("tokenizer_tables", path.stem, bytes([number]) + b"".join(struct.pack("<IB", 977 * i * i + 40 * i, i) for i in range(4)))
BPE = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<unk>": 3, "\u2581": 4, "\u0120": 5, "<0x41>": 6}, "merges": [["a", "b"]], "unk_token": "<unk>",
       "byte_fallback": True, "fuse_unk": True}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["ab", -1.5], ["\u2581a", -2.0]], "byte_fallback": False}
WORDS = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9}
LEVEL = {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"}
MARK = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}
PATTERN = {"Regex": "(?i:'s|'t)|[^\\r\\n\\p{L}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}
PIPELINES = {
    "bpe": {"model": BPE, "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace",
            "pattern": {"String": " "}, "content": "\u2581"}]}, "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type":
            "Strip", "content": " ", "start": 1, "stop": 0}]}, "added_tokens": [{"id": 7, "content": "<s>", "single_word": True, "lstrip": True, "rstrip": True,
            "normalized": True, "special": True}]},
    "bytes": {"model": {**BPE, "byte_fallback": False, "ignore_merges": True}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern":
              PATTERN, "behavior": "MergedWithNext", "invert": True}, {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": True,
              "use_regex": False}]}, "decoder": {"type": "ByteLevel"}, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a",
              "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"a": {"id": "a", "ids": [0], "tokens": ["a"]}}}},
    "unigram": {"model": UNIGRAM, "pre_tokenizer": MARK, "decoder": MARK, "normalizer": {"type": "Nmt"}},
    "wordpiece": {"model": WORDS, "normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece"},
                  "post_processor": {"type": "BertProcessing", "sep": ["a", 1], "cls": ["a", 1]}},
    "wordlevel": {"model": LEVEL, "normalizer": {"type": "StripAccents"}, "pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "b"},
                  "decoder": {"type": "CTC"}},
}
for name, pipeline in PIPELINES.items():
    put("tokenizer_json", name, json.dumps(pipeline).encode())

# Found by fuzzing; kept as tests: architecture_not_utf8 is the fuzzer's own, this one had a text for a number of heads.
HEADS = [(b"general.architecture", 8, text(b"llama")), (b"llama.attention.head_count", 8, text(b"four"))]
HEADS += [(b"llama." + key, 4, struct.pack("<I", 32)) for key in (b"block_count", b"context_length", b"embedding_length", b"feed_forward_length")]
put("gguf", "heads_not_a_number", gguf(HEADS, [(b"token_embd.weight", [32, 32], 0, 0), (b"blk.0.attn_q.weight", [32, 32], 0, 0)]) + bytes(4096))


# SentencePiece's protobuf: pieces (1), trainer_spec (2), normalizer_spec (3); and a tiktoken file.
def field(number, value):
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    if isinstance(value, int):
        return bytes([*([number << 3] if number < 16 else [(number << 3) & 0x7F | 0x80, number >> 4]), value])
    value = value if isinstance(value, bytes) else value.encode()
    return bytes([number << 3 | 2, len(value) & 0x7F | 0x80, len(value) >> 7]) + value


def pieces(*texts, kind=1):
    return b"".join(field(1, field(1, text) + field(2, -float(i + 1)) + field(3, kind)) for i, text in enumerate(texts))


RESERVED = pieces("<unk>", kind=2) + pieces("<s>", "</s>", kind=3)
LETTERS = pieces("\u2581", "H", "e", "l", "o", "w", "r", "d", "lo", "el", "\u2581H", "ello", "\u2581wor", "\u2581Hello")
BYTES = pieces(*(f"<0x{i:02X}>" for i in range(256)), kind=6)
put("tokenizer_model", "bpe", RESERVED + LETTERS + field(2, field(3, 2) + field(41, 1) + field(42, 2)))
put("tokenizer_model", "bpe_bytes", RESERVED + BYTES + LETTERS + field(2, field(3, 2)) + field(3, field(3, 0) + field(4, 0)))
put("tokenizer_model", "unused", RESERVED + pieces("l", "o", "e") + pieces("lo", "llo", kind=5) + field(2, field(3, 2)))
put("tokenizer_model", "unigram", RESERVED + LETTERS + pieces("He", "\n\n", kind=4) + field(2, field(3, 1)))
put("tokenizer_model", "characters", RESERVED + LETTERS + field(2, field(3, 4)))
put("tokenizer_model", "charsmap", RESERVED + LETTERS + field(3, field(2, struct.pack("<I", 16) + bytes(16) + b"a\0b\0")))
put("tokenizer_model", "tiktoken", b"".join(base64.b64encode(bytes([i])) + f" {i}\n".encode() for i in range(256)) + base64.b64encode(b"lo") + b" 256\n")
