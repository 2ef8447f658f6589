"""Compares Ingot's log probabilities with the expected ones of make_tiny.py, at every position of every prompt.

    python compare.py CHECKPOINTS --build BUILD [--only NAME ...] [--modes MODE ...] [--limit 1e-3]

Modes: import, passes, double (the interpreter, before and after passes, and in double), chunked, compiled (ingotc and ingot);
kept, int8, int4, fp8, bfloat16, float16: the compiled program against the interpreter with the same weights, rounded alike.
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
# ingotc's flags, the interpreter's, and how far results may lie apart once a value on the edge of two codes (of a row, or of a key
# in the cache) was rounded up by one and down by the other: a sum in another order is enough. Before that they agree: the
# position that agrees best is held to AGREED.
AGREED = 1e-4
ROUNDED = {
    "kept": ([], ["--keep", "--cache=f16"], 1.0),
    "int8": (["--quantize=int8"], ["--quantize=int8", "--cache=f16"], 0.5),
    "int4": (["--quantize=int4"], ["--quantize=int4", "--cache=f16"], 0.5),
    "int8 in groups of 64": (["--quantize=int8", "--group-size=64"], ["--quantize=int8", "--group-size=64", "--cache=f16"], 0.5),
    "fp8": (["--quantize=fp8"], ["--quantize=fp8", "--cache=f16"], 1.0),
    "bfloat16": (["--dtype=bfloat16"], ["--dtype=bfloat16", "--cache=f16"], 2e-2),
    "float16": (["--dtype=float16"], ["--dtype=float16", "--cache=f16"], 2e-2),
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


def interpreted(build, folder, prompts, flags):
    command = [build / "bin" / "ingot-reference", folder, *flags]
    for prompt in prompts:
        command += ["--ids", ids_of(prompt)]
    return [json.loads(line)["logprobs"] for line in output(command).splitlines()]


def compiled(build, folder, prompts, vocabulary, flags):
    """What the product says: entry i of prompt_logprobs is the distribution before token i; the first is null."""
    with tempfile.TemporaryDirectory() as scratch:
        model = os.path.join(scratch, "model.ingot")
        output([build / "bin" / "ingotc", folder, "-o", model, "--quiet", *flags])
        command = [build / "bin" / "ingot", "generate", model, "--prompt-logprobs=-1", "--max-tokens=1", "--logprobs=-1",
                   "--temperature=0", "--json"]
        for prompt in prompts:
            command += ["--prompt-token-ids", ids_of(prompt)]
        lines = [json.loads(line) for line in output(command).splitlines()]
    results = []
    for line in lines:
        rows = line["prompt_logprobs"][1:] + line["outputs"][0]["logprobs"][:1]
        results.append([[row.get(str(i), {}).get("logprob") for i in range(vocabulary)] for row in rows])
    return results


def differences(got, expected):
    """Of every position of every prompt, the largest absolute difference over the vocabulary; ascending."""
    found = []
    for prompt_got, prompt_expected in zip(got, expected, strict=True):
        for row_got, row_expected in zip(prompt_got, prompt_expected, strict=True):
            if None in row_got:
                raise Failed("a token has no logprob")
            worst = [abs(a - b) for a, b in zip(row_got, row_expected, strict=True)]
            found.append(max(worst) if all(x == x for x in worst) else float("inf"))
    return sorted(found)


def compare(build, folder, mode):
    """Differences of one checkpoint in one mode."""
    expected = json.loads((folder / "expected.json").read_text())
    vocabulary = len(expected["logprobs"][0][0])
    prompts = expected["prompts"]
    if mode in ROUNDED:
        ours, reference, _ = ROUNDED[mode]
        return differences(compiled(build, folder, prompts, vocabulary, ours), interpreted(build, folder, prompts, reference))
    if mode == "compiled":
        got = compiled(build, folder, prompts, vocabulary, ["--dtype=float32"])
    else:
        got = interpreted(build, folder, prompts, REFERENCE[mode])
    return differences(got, expected["logprobs"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--modes", nargs="*", default=["import", "passes", "double", "chunked", "compiled"])
    parser.add_argument("--limit", type=float, default=1e-3)
    arguments = parser.parse_args()
    modes = [m for m in arguments.modes if m in REFERENCE or (arguments.build / "bin" / "ingot").exists()]
    print(f"{'':22}" + "".join(f"{mode:>12}" for mode in modes))
    failures = []
    for folder in sorted(path.parent for path in arguments.checkpoints.glob("*/expected.json")):
        if arguments.only and folder.name not in arguments.only:
            continue
        cells = []
        for mode in modes:
            try:
                found = compare(arguments.build, folder, mode)
                worst = found[-1]
                if mode in ROUNDED and found[0] > AGREED:
                    failures.append(f"{folder.name}, {mode}: no position agrees, the best differs by {found[0]:.1e}")
                cells.append(f"{worst:12.1e}")
                limit = ROUNDED[mode][2] if mode in ROUNDED else arguments.limit
                if worst > limit:
                    failures.append(f"{folder.name}, {mode}: {worst:.1e} is over {limit:.0e}")
            except Failed as error:
                cells.append(f"{'failed':>12}")
                failures.append(f"{folder.name}, {mode}: {error}")
        print(f"{folder.name:22}" + "".join(cells), flush=True)
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
