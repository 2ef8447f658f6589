"""CUDA kernels on the emulator: the tokens of the CPU target, log-probabilities near its own, and the same bits in every company.

    python cuda_emulated.py CHECKPOINTS --build BUILD [--only NAME ...] [--flags=--quantize=int8 ...]

Standard library only. Exit status 1 at the first difference.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import tempfile

from same_bits import generate, run

WAYS = {"batch": [], "chunks of 5": ["--max-num-batched-tokens=5", "--max-num-seqs=5"], "two threads": ["--threads=2"]}


def logprobs_of(answer):
    """Every log-probability of an answer, by place and token."""
    for sampled in answer:
        prompt, outputs = sampled
        for place, one in enumerate(prompt):
            for token, value in (one or {}).items():
                yield ("prompt", place, token), value["logprob"]
        for place, one in enumerate(outputs[0]["logprobs"]):
            for token, value in one.items():
                yield ("answer", place, token), value["logprob"]


# Sums in another order change the last bits of a float, which is all that may differ in f32. Where activations are rounded to eight
# bits, such a bit now and then decides between two neighbouring codes, which these models of 32 columns feel: of opt-projected in int8
# the CPU's answers and the emulator's are each 0.25 off the f32 model's, and 0.19 off each other; codes of fp8 lie up to an eighth of their
# value apart, and llama-fp8's CPU code is 0.32 off the interpreter's at its worst position, 3e-6 at its best. With bf16 weights tensor cores
# take 16 bits of an activation, with f16 weights 11; attention rounds queries and weights to f16, as the cache is, or where it has bytes.
# There a last bit also decides between neighbours of eight bits, or of e4m3's three: caches of fp8 move log-probabilities by 0.4 to 0.6 here.
def tolerance_of(flags, config):
    if "--quantize=fp8" in flags or ("quantization_config" in config and not flags):
        return 7e-1
    if any("quantize" in flag for flag in flags):
        return 2.5e-1
    if "--kv-cache-dtype=fp8" in flags:
        return 2.5e-1
    if "--kv-cache-dtype=int8" in flags:
        return 1e-1
    dtype = next((flag.split("=")[1] for flag in flags if flag.startswith("--dtype=")), dtype_of(config))
    return 3e-2 if dtype in ("bfloat16", "float16") else 1e-3


# Where the answers part, if they do; there the CPU target must have found both tokens about as likely.
def same_until(name, one, other, tolerance):
    (_, [expected]), (_, [given]) = one, other
    for place, (token, instead) in enumerate(zip(expected["token_ids"], given["token_ids"])):
        if token == instead:
            continue
        likely = {key: value["logprob"] for key, value in expected["logprobs"][place].items()}
        if likely[str(token)] - likely.get(str(instead), -1e9) > 2 * tolerance:
            sys.exit(f"{name}: the emulator gives other tokens than the CPU target")
        return place + 1
    return len(expected["token_ids"])


def compare(name, cpu, emulated, tolerance):
    for one, other in zip(cpu, emulated):
        same = [same_until(name, *pair, tolerance) for pair in zip(one[:1], other[:1])][0]
        # A draw falls on either side of an edge between two tokens, which anything coarser than f32 moves.
        if tolerance < 1e-2 and same == len(one[0][1][0]["token_ids"]) and [s[1][0]["token_ids"] for s in one] != [s[1][0]["token_ids"] for s in other]:
            sys.exit(f"{name}: the emulator gives other sampled tokens than the CPU target")
        expected = dict(logprobs_of(one[:1]))
        worst = max(abs(value - expected.get(place, value)) for place, value in logprobs_of(other[:1]) if place[0] == "prompt" or place[1] < same)
        if worst > tolerance:
            sys.exit(f"{name}: log-probabilities are {worst} off the CPU target's")
    return worst


def dtype_of(config):
    return config.get("dtype") or config.get("torch_dtype")


def check(build, folder, flags):
    config = json.loads((folder / "config.json").read_text())
    # What 16-bit weights as they are come to is held against float32, which has them exactly.
    as_it_is = "quantization_config" not in config and dtype_of(config) in ("bfloat16", "float16") and flags in ([], [f"--dtype={dtype_of(config)}"])
    flags_of = {"cpu": ["--dtype=float32"] if as_it_is else flags, "cuda-emulated": flags}
    vocabulary = config["vocab_size"]
    source = random.Random(folder.name)
    prompts = [[source.randrange(vocabulary) for _ in range(length)] for length in (1, 15, 17)]
    with tempfile.TemporaryDirectory() as scratch:
        models = [os.path.join(scratch, target) for target in ("cpu", "cuda-emulated")]
        for model in models:
            target = os.path.basename(model)
            run([build / "bin" / "ingotc", folder, "-o", model, f"--target={target}", "--quiet", *flags_of[target]])
        alone = [[generate(build, model, [prompt], [])[0] for prompt in prompts] for model in models]
        worst = compare(folder.name, *alone, tolerance_of(flags, config))
        for way, way_flags in WAYS.items():
            if generate(build, models[1], prompts, way_flags) != alone[1]:
                sys.exit(f"{folder.name}, {flags}: {way} differs from alone")
    print(f"{folder.name:22} {' '.join(flags):20} tokens of the CPU target, log-probabilities within {worst:.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--flags", nargs="*", default=["", "--quantize=int8", "--quantize=int4", "--quantize=fp8", "--dtype=bfloat16 --kv-cache-dtype=int8",
                                                             "--dtype=float16", "--dtype=float32", "--dtype=float32 --kv-cache-dtype=fp8"])
    arguments = parser.parse_args()
    folders = [path.parent for path in sorted(arguments.checkpoints.glob("*/config.json"))]
    for i, folder in enumerate(folders):
        if arguments.only and folder.name not in arguments.only:
            continue
        for j, flags in enumerate(arguments.flags):
            # Every model once, and every format on two of them: the emulator takes its time.
            if arguments.only or j == 0 or (i + j) % 4 == 0:
                check(arguments.build, folder, flags.split())
        if not arguments.only and folder.name == "llama-yarn":  # the one of bf16 weights; without flags they become float16
            check(arguments.build, folder, ["--dtype=bfloat16"])


if __name__ == "__main__":
    main()
