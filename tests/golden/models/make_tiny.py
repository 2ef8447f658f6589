"""Makes tiny random checkpoints of every family with transformers, each with the log probabilities that transformers gives.

    python make_tiny.py OUT [--only NAME ...] [--fixtures]

needs torch, transformers, safetensors. OUT/NAME is a checkpoint folder with expected.json beside the weights:
{"prompts": [[ids]], "logprobs": [per prompt, per position, per token], "float32_error": how far float32 is from float64}.
Expected values are computed in float64. --fixtures makes the smaller ones that the unit test reads (data/).
"""
import argparse
import copy
import json
import math
import pathlib

import safetensors.torch
import torch
import transformers

PROMPT_LENGTHS = (1, 7, 40)

LLAMA = dict(vocab_size=130, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=False)
ROPE = {
    "linear": {"rope_type": "linear", "factor": 2.5},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 32},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
    "yarn-mscale": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 16.0,
                    "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 1.3, "truncate": False},
}
OPT = dict(vocab_size=130, hidden_size=64, ffn_dim=96, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64,
           word_embed_proj_dim=64)
GPT2 = dict(vocab_size=130, n_embd=64, n_layer=3, n_head=4, n_positions=64)
BLOOM = dict(vocab_size=130, hidden_size=96, n_layer=3, n_head=6, seq_length=64)


def llama(**changes):
    return "Llama", dict(LLAMA, **changes), {}


def rope(kind, **changes):
    return "Llama", dict(LLAMA, rope_parameters=dict(ROPE[kind], rope_theta=500.0), **changes), {}


def saved(case, **how):
    return case[0], case[1], dict(case[2], **how)


# Name -> (family, config, how it is saved). `legacy`: config.json as transformers 4 spelt it.
CASES = {
    "llama": llama(),
    "llama-tied": llama(tie_word_embeddings=True),
    "llama-bias": llama(attention_bias=True, mlp_bias=True),
    "llama-head-dim": llama(head_dim=32),
    "llama-odd-mlp": llama(intermediate_size=104, vocab_size=101),
    "llama-one-kv-head": llama(num_key_value_heads=1, hidden_act="gelu"),
    "llama-legacy": saved(llama(), legacy=True),
    "llama-bf16": saved(llama(), dtype="bfloat16"),
    "llama-f16": saved(llama(), dtype="float16"),
    "llama-sharded": saved(llama(), shards=True),
    "llama-bin": saved(llama(tie_word_embeddings=True), torch_save=True),
    "llama-bin-bf16": saved(llama(), torch_save=True, dtype="bfloat16"),
    "llama-linear": rope("linear"),
    "llama-dynamic": rope("dynamic"),
    "llama-llama3": rope("llama3"),
    "llama-llama3-legacy": saved(rope("llama3"), legacy=True),
    "llama-yarn": rope("yarn"),
    "llama-yarn-mscale": rope("yarn-mscale"),
    "llama-yarn-legacy": saved(rope("yarn"), legacy=True),
    "mistral": ("Mistral", dict(LLAMA, sliding_window=8), {}),
    "mistral-full": ("Mistral", dict(LLAMA, sliding_window=None, head_dim=32), {}),
    "qwen2": ("Qwen2", dict(LLAMA, use_sliding_window=False, sliding_window=8, max_window_layers=1), {}),
    "qwen2-legacy": saved(("Qwen2", dict(LLAMA, use_sliding_window=False, sliding_window=8, max_window_layers=1), {}), legacy=True),
    "qwen2-sliding": ("Qwen2", dict(LLAMA, use_sliding_window=True, sliding_window=8, max_window_layers=1), {}),
    "qwen3": ("Qwen3", dict(LLAMA, head_dim=32, tie_word_embeddings=True), {}),
    "qwen3-bias": ("Qwen3", dict(LLAMA, head_dim=32, attention_bias=True), {}),
    "opt": ("OPT", dict(OPT), {}),
    "opt-bin": saved(("OPT", dict(OPT), {}), torch_save=True),
    "opt-post-norm": ("OPT", dict(OPT, do_layer_norm_before=False), {}),
    "opt-projected": ("OPT", dict(OPT, do_layer_norm_before=False, word_embed_proj_dim=48), {}),
    "opt-gelu-no-bias": ("OPT", dict(OPT, activation_function="gelu", enable_bias=False), {}),
    "gpt2": ("GPT2", dict(GPT2), {}),
    "gpt2-by-layer": ("GPT2", dict(GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=80), {}),
    "gpt2-unscaled": ("GPT2", dict(GPT2, scale_attn_weights=False, tie_word_embeddings=False), {}),
    "bloom": ("Bloom", dict(BLOOM), {}),
    "bloom-untied": ("Bloom", dict(BLOOM, hidden_size=64, n_head=4, tie_word_embeddings=False), {}),
}

SMALL = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=32)
FIXTURES = {
    "llama-yarn": saved(rope("yarn", **SMALL, attention_bias=True), dtype="bfloat16"),
    "mistral": ("Mistral", dict(LLAMA, **SMALL, sliding_window=8), {"dtype": "float16"}),
    "qwen3": ("Qwen3", dict(LLAMA, **dict(SMALL, num_attention_heads=4, num_key_value_heads=2), head_dim=16, tie_word_embeddings=True),
              {"dtype": "float16"}),
    "opt-projected": ("OPT", dict(OPT, vocab_size=96, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=2,
                                  max_position_embeddings=32, word_embed_proj_dim=16, do_layer_norm_before=False), {"dtype": "float16"}),
    "gpt2": ("GPT2", dict(vocab_size=96, n_embd=32, n_layer=2, n_head=2, n_positions=32), {"dtype": "float16", "torch_save": True}),
    "bloom": ("Bloom", dict(BLOOM, vocab_size=96, hidden_size=48, n_layer=2, n_head=3, seq_length=32), {"dtype": "float16"}),
    "llama-fp8": ("Llama", dict(LLAMA, **dict(SMALL, hidden_size=64, intermediate_size=128)), {"dtype": "bfloat16", "float8": "channel"}),
    "qwen3-fp8": ("Qwen3", dict(LLAMA, **dict(SMALL, hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2), head_dim=16,
                                tie_word_embeddings=True), {"dtype": "bfloat16", "float8": "block"}),
}
# How checkpoints of 8-bit floats say so: vLLM's compressed-tensors, with fixed scales of activations; and Qwen's, with blocks.
BLOCK = 32
FLOAT8 = {
    "channel": {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"], "quantization_status": "compressed",
                "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "channel",
                                                                                "symmetric": True, "dynamic": False}}}},
    "block": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK]},
}
FIXTURE_LENGTHS = (20,)


def fill(model, generator):
    """Values that leave nothing near its neutral element: norms off one, biases off zero, attention far from uniform."""
    for name, value in model.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() == 1:
            value.data = noise * 0.3 + (1.0 if name.endswith("weight") else 0.0)
            continue
        embeds = any(part in name for part in ("embed_", "wte", "wpe", "word_embeddings"))
        conv1d = model.config.model_type == "gpt2" and not embeds and "lm_head" not in name
        fan_in = value.shape[0] if conv1d else value.shape[1]
        value.data = noise * (1.0 if embeds else 1.6 / math.sqrt(fan_in))
    if getattr(model.config, "tie_word_embeddings", False):
        model.get_input_embeddings().weight.data *= 2.0 / math.sqrt(model.get_input_embeddings().weight.shape[1])


def float8(weight, kind):
    """Codes, scales, and the values that they stand for."""
    rows, columns = (1, weight.shape[1]) if kind == "channel" else (BLOCK, BLOCK)
    blocks = weight.reshape(weight.shape[0] // rows, rows, weight.shape[1] // columns, columns)
    scales = (blocks.abs().amax((1, 3)) / 448).to(torch.bfloat16 if kind == "block" else torch.float32)
    spread = scales.float()[:, None, :, None]
    codes = (blocks / spread).clamp(-448, 448).to(torch.float8_e4m3fn)
    return codes.reshape(weight.shape), scales, (codes.float() * spread).reshape(weight.shape)


def float8_names(model):
    return [f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name != "lm_head"]


def save_float8(model, folder, kind, originals):
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del tensors["lm_head.weight"]
    for name, weight in originals.items():
        tensors[name], tensors[name + ("_scale" if kind == "channel" else "_scale_inv")], _ = float8(weight, kind)
        if kind == "channel":
            tensors[name.removesuffix("weight") + "input_scale"] = torch.tensor([0.01])
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = FLOAT8[kind]
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    safetensors.torch.save_file(tensors, folder / "model.safetensors")


def build(family, config, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(**config, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    name = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    model = getattr(transformers, name)._from_config(config, attn_implementation="eager").eval()
    fill(model, generator)
    for value in model.parameters():  # buffers keep their precision, as they do when transformers loads a checkpoint
        value.data = value.data.to(getattr(torch, dtype)).float()
    return model


def fix_dynamic_rope(model):
    """Ingot fixes dynamic NTK scaling for the longest sequence, max_position_embeddings * factor, as vLLM does."""
    for module in model.modules():
        if getattr(module, "rope_type", None) != "dynamic":
            continue
        parameters = model.config.rope_parameters
        length = model.config.max_position_embeddings
        dim = model.config.hidden_size // model.config.num_attention_heads
        grown = parameters["factor"] * (length * parameters["factor"]) / length - (parameters["factor"] - 1)
        base = parameters["rope_theta"] * grown ** (dim / (dim - 2))
        module.inv_freq = 1.0 / (base ** (torch.arange(0, dim, 2).float() / dim))
        module.rope_type = "default"


def logprobs(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)


def legacy(path):
    config = json.loads(path.read_text())
    rope_parameters = config.pop("rope_parameters", None) or {}
    config["rope_theta"] = rope_parameters.pop("rope_theta", 10000.0)
    config["rope_scaling"] = None if rope_parameters.get("rope_type", "default") == "default" else rope_parameters
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    path.write_text(json.dumps(config, indent=1))


def save(model, folder, how, originals):
    model = copy.deepcopy(model).to(getattr(torch, how.get("dtype", "float32")))
    model.config.dtype = how.get("dtype", "float32")
    folder.mkdir(parents=True, exist_ok=True)
    if "float8" in how:
        save_float8(model, folder, how["float8"], originals)
    elif how.get("torch_save"):
        model.config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder, max_shard_size="50KB" if how.get("shards") else "5GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    if how.get("legacy"):
        legacy(folder / "config.json")


def make(name, case, out, lengths, digits):
    family, config, how = case
    seed = sum(map(ord, name))
    model = build(family, config, how.get("dtype", "float32"), seed)
    originals = {}
    if "float8" in how:
        originals = {weight: model.get_parameter(weight).data for weight in float8_names(model)}
        for weight, value in originals.items():
            model.get_parameter(weight).data = float8(value, how["float8"])[2]
    save(model, out / name, how, originals)
    random = torch.Generator().manual_seed(seed + 1)
    prompts = [torch.randint(0, config["vocab_size"], (n,), generator=random).tolist() for n in lengths]
    fix_dynamic_rope(model)
    single = [logprobs(model.float(), ids) for ids in prompts]
    double = [logprobs(model.double(), ids) for ids in prompts]
    error = max(float((a - b).abs().max()) for a, b in zip(single, double))
    spread = float(double[-1].std())
    expected = {"command": "tests/golden/models/make_tiny.py", "transformers": transformers.__version__, "prompts": prompts,
                "float32_error": error, "logprobs": [[[round(x, digits) for x in row] for row in p.tolist()] for p in double]}
    (out / name / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(f"{name:22} float32 error {error:.1e}  spread of logprobs {spread:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--fixtures", action="store_true")
    arguments = parser.parse_args()
    cases = FIXTURES if arguments.fixtures else CASES
    for name, case in cases.items():
        if not arguments.only or name in arguments.only:
            make(name, case, arguments.out, FIXTURE_LENGTHS if arguments.fixtures else PROMPT_LENGTHS, 6 if arguments.fixtures else 9)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
