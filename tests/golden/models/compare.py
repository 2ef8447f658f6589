"""Compares Ingot's log probabilities with the expected ones of make_tiny.py, at every position of every prompt.

    python compare.py CHECKPOINTS --build BUILD [--only NAME ...] [--modes MODE ...] [--limit 1e-3]

Modes: import, passes, double (the interpreter, before and after passes, and in double), chunked, compiled (ingotc and ingot).
Standard library only. Exit status 1 when a difference is over the limit or a command fails.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

REFERENCE = {
    "import": ["--after=import"],
    "passes": ["--after=passes"],
    "double": ["--after=passes", "--double"],
    "chunked": ["--after=passes", "--chunk=3"],
}


class Failed(Exception):
    pass


def output(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{pathlib.Path(command[0]).name}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def ids_of(prompt):
    return ",".join(map(str, prompt))


def interpreted(build, folder, prompts, mode):
    command = [build / "bin" / "ingot-reference", folder, *REFERENCE[mode]]
    for prompt in prompts:
        command += ["--ids", ids_of(prompt)]
    return [json.loads(line)["logprobs"] for line in output(command).splitlines()]


def compiled(build, folder, prompts, vocabulary):
    """What the product says: entry i of prompt_logprobs is the distribution before token i; the first is null."""
    with tempfile.TemporaryDirectory() as scratch:
        model = os.path.join(scratch, "model.ingot")
        output([build / "bin" / "ingotc", folder, "-o", model, "--dtype=float32", "--quiet"])
        command = [build / "bin" / "ingot", "generate", model, f"--prompt-logprobs={vocabulary}", "--max-tokens=1",
                   f"--logprobs={vocabulary}", "--temperature=0", "--json"]
        for prompt in prompts:
            command += ["--prompt-token-ids", ids_of(prompt)]
        lines = [json.loads(line) for line in output(command).splitlines()]
    results = []
    for line in lines:
        rows = line["prompt_logprobs"][1:] + line["outputs"][0]["logprobs"][:1]
        results.append([[row.get(str(i), {}).get("logprob") for i in range(vocabulary)] for row in rows])
    return results


def difference(got, expected):
    """Largest absolute difference over every position and token that both give."""
    worst = 0.0
    for prompt_got, prompt_expected in zip(got, expected, strict=True):
        for row_got, row_expected in zip(prompt_got, prompt_expected, strict=True):
            for a, b in zip(row_got, row_expected, strict=True):
                if a is None:
                    raise Failed("a token has no logprob")
                worst = max(worst, abs(a - b)) if a == a else float("inf")
    return worst


def compare(build, folder, mode):
    expected = json.loads((folder / "expected.json").read_text())
    vocabulary = len(expected["logprobs"][0][0])
    if mode == "compiled":
        got = compiled(build, folder, expected["prompts"], vocabulary)
    else:
        got = interpreted(build, folder, expected["prompts"], mode)
    return difference(got, expected["logprobs"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--modes", nargs="*", default=["import", "passes", "double", "chunked", "compiled"])
    parser.add_argument("--limit", type=float, default=1e-3)
    arguments = parser.parse_args()
    modes = [m for m in arguments.modes if m != "compiled" or (arguments.build / "bin" / "ingot").exists()]
    print(f"{'':22}" + "".join(f"{mode:>12}" for mode in modes))
    failures = []
    for folder in sorted(path.parent for path in arguments.checkpoints.glob("*/expected.json")):
        if arguments.only and folder.name not in arguments.only:
            continue
        cells = []
        for mode in modes:
            try:
                worst = compare(arguments.build, folder, mode)
                cells.append(f"{worst:12.1e}")
                if worst > arguments.limit:
                    failures.append(f"{folder.name}, {mode}: {worst:.1e} is over {arguments.limit:.0e}")
            except Failed as error:
                cells.append(f"{'failed':>12}")
                failures.append(f"{folder.name}, {mode}: {error}")
        print(f"{folder.name:22}" + "".join(cells), flush=True)
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
