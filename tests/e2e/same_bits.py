"""The same requests give the same bits: alone, in a batch, with the prompt in chunks, with one thread or two, in small memory.

    python same_bits.py CHECKPOINTS --build BUILD [--only NAME ...]

Standard library only. Exit status 1 at the first difference.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

WAYS = {
    "batch": [],
    "chunks of 5": ["--max-num-batched-tokens=5", "--max-num-seqs=5"],
    "one thread": ["--threads=1"],
    "two threads": ["--threads=2"],
    "two at a time": ["--max-num-seqs=2"],
}


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def generate(build, model, prompts, flags):
    """Per prompt: tokens and the log probabilities behind them, seeded sampling and greedy."""
    command = [build / "bin" / "ingot", "generate", model, "--json", "--prompt-logprobs=5", "--logprobs=5", "--max-tokens=9",
               "--ignore-eos", *flags]
    for prompt in prompts:
        command += ["--prompt-token-ids", ",".join(map(str, prompt))]
    lines = []
    for sampling in (["--temperature=0"], ["--temperature=1.0", "--seed=7", "--top-p=0.9"]):
        for line in run(command + sampling).splitlines():
            answer = json.loads(line)
            assert len(answer["outputs"][0]["token_ids"]) == 9, line
            lines.append((answer["prompt_logprobs"], answer["outputs"]))
    half = len(lines) // 2
    return list(zip(lines[:half], lines[half:]))


def check(build, folder, quantize):
    vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
    source = random.Random(folder.name)
    prompts = [[source.randrange(vocabulary) for _ in range(length)] for length in (1, 4, 15, 16, 17, 21)]
    with tempfile.TemporaryDirectory() as scratch:
        model = os.path.join(scratch, "model.ingot")
        run([build / "bin" / "ingotc", folder, "-o", model, f"--quantize={quantize}", "--quiet"])
        alone = [generate(build, model, [prompt], [])[0] for prompt in prompts]
        for way, flags in WAYS.items():
            if generate(build, model, prompts, flags) != alone:
                sys.exit(f"{folder.name}, {quantize}: {way} differs from alone")
    print(f"{folder.name:22} {quantize:5} the same alone, " + ", ".join(WAYS), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for folder in sorted(path.parent for path in arguments.checkpoints.glob("*/config.json")):
        if arguments.only and folder.name not in arguments.only:
            continue
        for quantize in ("none", "int8", "int4"):
            check(arguments.build, folder, quantize)


if __name__ == "__main__":
    main()
