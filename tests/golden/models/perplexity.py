#!/usr/bin/env python3
"""Perplexity of compiled models on a fixed text, in windows of 512 tokens. Standard library only.

    python perplexity.py INGOT TEXT MODEL.ingot [MODEL.ingot ...]

The first model is the measure of the others.
"""
import json
import math
import subprocess
import sys

WINDOW = 512


def perplexity(ingot, model, ids):
    windows = [ids[at:at + WINDOW] for at in range(0, len(ids), WINDOW)]
    windows = [w for w in windows if len(w) > 1]
    command = [ingot, "generate", model, "--json", "--max-tokens", "1", "--prompt-logprobs", "0"]
    for window in windows:
        command += ["--prompt-token-ids", ",".join(map(str, window))]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    total = count = 0
    for line in lines:
        output = json.loads(line)
        for token, entry in zip(output["prompt_token_ids"][1:], output["prompt_logprobs"][1:]):
            total -= entry[str(token)]["logprob"]
            count += 1
    return math.exp(total / count), count


def main():
    ingot, text, models = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(text, "rb") as file:
        ids = subprocess.run([ingot, "tokenize", models[0], "--ids", "--no-special"], stdin=file, capture_output=True, check=True, text=True)
    ids = [int(i) for i in ids.stdout.split()][:20480]
    base = None
    for model in models:
        value, count = perplexity(ingot, model, ids)
        base = base or value
        print(f"{model}: {value:.4f} over {count} tokens, {value / base:.5f} of the first")


main()
