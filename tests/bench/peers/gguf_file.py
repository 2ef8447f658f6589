"""A Hugging Face folder as GGUF files, with nothing but numpy, the `gguf` package and llama.cpp's own quantiser."""
import json
import os
import pathlib

import gguf
import numpy as np

# llama.cpp's name, its file type (enum llama_ftype)
KINDS = {"q4_0": 2, "q8_0": 7, "q4_k_m": 15}

NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
LAYER_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
               "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
               "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def safetensors(path):
    """Name and float32 array of each tensor of one file, one after another."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        raw = np.memmap(path, np.uint8, "r", 8 + size + start, (end - start,))
        if entry["dtype"] == "BF16":
            array = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = raw.view({"F32": np.float32, "F16": np.float16}[entry["dtype"]]).astype(np.float32)
        yield name, array.reshape(entry["shape"])


def gguf_name(name):
    base = name.removesuffix(".weight")
    if base in NAMES:
        return NAMES[base] + ".weight"
    layer, rest = base.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{LAYER_NAMES[rest]}.weight"


def interleaved(array, heads):
    """Rows of Q and K in the order of llama.cpp's rotation: pairs side by side instead of half a head apart."""
    rows, columns = array.shape
    return array.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def add_vocabulary(writer, folder, size):
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokens, types = [f"[PAD{i}]" for i in range(size)], [gguf.TokenType.UNUSED] * size
    for token, at in tokenizer["model"]["vocab"].items():
        tokens[at], types[at] = token, gguf.TokenType.NORMAL
    for token in tokenizer["added_tokens"]:
        tokens[token["id"]], types[token["id"]] = token["content"], gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in tokenizer["model"]["merges"]])
    writer.add_add_bos_token(False)


def write(folder, path):
    """FOLDER's Llama model as a GGUF file of float32."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(config.get("rope_theta") or config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    add_vocabulary(writer, folder, config["vocab_size"])
    tensors = [item for file in sorted(folder.glob("*.safetensors")) for item in safetensors(file)]
    for name, array in tensors:
        writer.add_tensor_info(gguf_name(name), array.shape, np.dtype(np.float32), array.nbytes)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, array in tensors:
        heads_of = {"q_proj": heads, "k_proj": kv_heads}.get(name.split(".")[-2])
        writer.write_tensor_data(np.ascontiguousarray(interleaved(array, heads_of) if heads_of else array))
    writer.close()


def quantize(source, path, kind):
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = KINDS[kind], os.cpu_count()
    if llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(path), parameters) != 0:
        raise SystemExit(f"llama.cpp did not quantise {source} to {kind}")
