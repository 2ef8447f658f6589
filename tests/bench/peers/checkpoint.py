"""Variants of a Llama checkpoint (float32) that no block format of its source fits any more. Numpy only.

A checkpoint that was itself unpacked from 4-bit blocks flatters a format with the same blocks. Two ways out:
- permuted: channels in another order. The same function to the last rounding, while each block of weights now mixes values of many.
- noise: each row of a matrix plus Gaussian noise, a share of the row's standard deviation. Another model, the measure of which is itself.
"""
import json
import shutil

import numpy as np


def open_tensors(path):
    """The tensors of a file as writable float32 maps, by name."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    wrong = [name for name, entry in header.items() if entry["dtype"] != "F32"]
    if wrong:
        raise SystemExit(f"{path}: {wrong[0]} is {header[wrong[0]]['dtype']}, expected F32")
    return {name: np.memmap(path, np.float32, "r+", 8 + size + entry["data_offsets"][0], tuple(entry["shape"])) for name, entry in header.items()}


def permute(tensors, config, draw):
    hidden = draw.permutation(config["hidden_size"])
    head_dim, kv_heads = config["head_dim"], config["num_key_value_heads"]
    group = config["num_attention_heads"] // kv_heads
    for name, tensor in tensors.items():
        kind = name.removesuffix(".weight").split(".")[-1]
        if kind in ("embed_tokens", "lm_head", "q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"):
            tensor[:] = tensor[:, hidden]
        elif kind in ("o_proj", "down_proj"):
            tensor[:] = tensor[hidden, :]
        else:
            tensor[:] = tensor[hidden]
    for layer in range(config["num_hidden_layers"]):
        of = lambda part: tensors[f"model.layers.{layer}.{part}.weight"]
        inner = draw.permutation(config["intermediate_size"])
        for part in ("mlp.gate_proj", "mlp.up_proj"):
            of(part)[:] = of(part)[inner]
        of("mlp.down_proj")[:] = of("mlp.down_proj")[:, inner]
        within = [draw.permutation(head_dim) for _ in range(kv_heads)]  # of each head of V, the same in the heads of O that read it
        kv_rows = np.concatenate([h * head_dim + within[h] for h in range(kv_heads)])
        heads = np.concatenate([(h * group + g) * head_dim + within[h] for h in range(kv_heads) for g in range(group)])
        of("self_attn.v_proj")[:] = of("self_attn.v_proj")[kv_rows]
        of("self_attn.o_proj")[:] = of("self_attn.o_proj")[:, heads]


def add_noise(tensors, share, draw):
    for name, tensor in sorted(tensors.items()):
        if tensor.ndim == 2:
            tensor[:] += share * tensor.std(axis=1, keepdims=True) * draw.standard_normal(tensor.shape, np.float32)


def vary(source, folder, permuted, noise, seed):
    shutil.copytree(source, folder)
    config, draw = json.loads((folder / "config.json").read_text()), np.random.default_rng(seed)
    tensors = {}
    for file in folder.glob("*.safetensors"):
        tensors.update(open_tensors(file))
    if permuted:
        permute(tensors, config, draw)
    if noise:
        add_noise(tensors, noise, draw)
    for tensor in tensors.values():
        tensor.flush()
