#!/usr/bin/env python3
"""Compares ingot_tokenizer_driver with llama.cpp's own vocabulary vectors: FOLDER holds ggml-vocab-*.gguf with .inp and .out.

They are in the source package of llama-cpp-python, which tests/golden/fetch_sdist.py fetches:
    tests/golden/tokenizers/llama_cpp_vectors.py build/bin/ingot_tokenizer_driver llama_cpp_python-0.3.36/vendor/llama.cpp/models
"""
import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import report


def main():
    driver, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    failed = 0
    for vocabulary in sorted(folder.glob("ggml-vocab-*.gguf")):
        inputs, outputs = pathlib.Path(f"{vocabulary}.inp"), pathlib.Path(f"{vocabulary}.out")
        if not inputs.exists():
            continue
        texts = inputs.read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")
        wanted = [[int(i) for i in line.split()] for line in outputs.read_text(encoding="utf-8").split("\n")]
        if len(wanted) < len(texts) or any(wanted[len(texts):]):
            sys.exit(f"{outputs}: {len(wanted)} lines for {len(texts)} texts")
        requests = "".join(json.dumps(text) + "\n" for text in texts)
        run = subprocess.run([driver, str(vocabulary)], input=requests, capture_output=True, text=True, encoding="utf-8")
        if run.returncode:
            report.row("vectors", vocabulary.name, 0, len(texts), "refused")
            print(run.stderr.strip(), file=sys.stderr)
            failed += 1
            continue
        found = [json.loads(line)["plain"] for line in run.stdout.splitlines()]
        wrong = [(t, w, f) for t, w, f in zip(texts, wanted, found) if w != f]
        report.row("vectors", vocabulary.name, len(found), len(wrong))
        for text, one, other in wrong[:2]:
            print(f"  {text[:100]!r}\n    expected {one[:40]}\n    found    {other[:40]}", file=sys.stderr)
        failed += bool(wrong)
    sys.exit(failed > 0)


main()
