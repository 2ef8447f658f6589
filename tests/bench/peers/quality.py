"""Perplexity of Ingot's files and of GGUF files under llama.cpp, on the same windows of the same ids."""
import ctypes
import json
import math
import pathlib
import subprocess

WINDOW = 512


def read_ids(tool, model, text, count):
    with open(text, "rb") as file:
        said = subprocess.run([tool, "tokenize", model, "--ids", "--no-special"], stdin=file, capture_output=True, check=True, text=True)
    return [int(i) for i in said.stdout.split()][:count]


def ingot_loss(tool, model, windows):
    command = [tool, "generate", model, "--json", "--max-tokens", "1", "--prompt-logprobs", "0"]
    for window in windows:
        command += ["--prompt-token-ids", ",".join(map(str, window))]
    loss = 0.0
    for line in subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines():
        output = json.loads(line)
        loss -= sum(entry[str(token)]["logprob"] for token, entry in zip(output["prompt_token_ids"][1:], output["prompt_logprobs"][1:]))
    return loss


def llama_loss(model, windows, threads):
    import numpy

    from engines import LlamaCpp

    llama, loss = LlamaCpp(model, threads), 0.0
    for window in windows:
        llama.prepare(1, WINDOW)
        llama.decode([(0, i, token, True) for i, token in enumerate(window)])
        pointer = llama.api.llama_get_logits(llama.context)
        logits = numpy.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (len(window), llama.vocabulary))[:-1]
        top = logits.max(axis=1)
        norm = top + numpy.log(numpy.exp(logits - top[:, None]).sum(axis=1, dtype=numpy.float64))
        loss += float((norm - logits[numpy.arange(len(window) - 1), window[1:]]).sum())
    return loss


def compare(tool, text, models, count, threads):
    ids = read_ids(tool, next(m for m in models if not m.endswith(".gguf")), text, count)
    windows = [ids[at:at + WINDOW] for at in range(0, len(ids) - 1, WINDOW)]
    scored, first = sum(len(window) - 1 for window in windows), None
    print(f"| {scored} ids scored | perplexity | over the first | MB |\n|---|---|---|---|", flush=True)
    for model in models:
        loss = llama_loss(model, windows, threads) if model.endswith(".gguf") else ingot_loss(tool, model, windows)
        value = math.exp(loss / scored)
        first = first or value
        print(f"| {pathlib.Path(model).name} | {value:.4f} | {value / first:.5f} | {pathlib.Path(model).stat().st_size / 1e6:.1f} |", flush=True)
