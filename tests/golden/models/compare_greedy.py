#!/usr/bin/env python3
"""Greedy tokens of `ingot generate` against transformers, on a Hugging Face folder compiled with --dtype=float32.

    python compare_greedy.py CHECKPOINT MODEL.ingot INGOT [TOKENS]

Counts positions at which they differ although transformers' two best logits are 1e-4 or more apart. Needs torch and transformers.
"""
import json
import subprocess
import sys

import torch
import transformers

PROMPTS = [
    "The capital of France is", "Once upon a time", "def fibonacci(n):", "The quick brown fox", "In 1969, humans first",
    "Water boils at", "The meaning of life is", "List three fruits:", "To be or not to be", "import numpy as np\n",
    "The best way to learn programming is", "A haiku about the sea:\n", "Photosynthesis is the process by which", "SELECT name FROM",
    "Dear Sir or Madam,\n\n", "The stock market", "Bonjour, je m'appelle", "1, 1, 2, 3, 5, 8,", "Breaking news:", "Once the rain stopped, she",
]


def main():
    checkpoint, model_file, ingot = sys.argv[1:4]
    tokens = int(sys.argv[4]) if len(sys.argv) > 4 else 64
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    command = [ingot, "generate", model_file, "--json", "--temperature", "0", "--repetition-penalty", "1", "--max-tokens", str(tokens),
               "--ignore-eos"] + PROMPTS
    ours = [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()]
    wrong = close = 0
    for prompt, output in zip(PROMPTS, ours):
        ids = tokenizer(prompt)["input_ids"]
        if output["prompt_token_ids"] != ids:
            wrong += 1
            print("prompt ids differ:", repr(prompt))
            continue
        got = output["outputs"][0]["token_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids + got])).logits[0, len(ids) - 1:-1]
        for at, token in enumerate(got):
            best = logits[at].topk(2).values
            if logits[at].argmax().item() == token:
                continue
            if best[0] - logits[at][token] < 1e-4:
                close += 1
            else:
                wrong += 1
                print(f"{prompt!r} token {at}: {token}, expected {logits[at].argmax().item()}")
    print(f"{len(PROMPTS)} prompts x {tokens} tokens: {wrong} wrong, {close} within 1e-4 of the best")
    sys.exit(wrong != 0)


main()
