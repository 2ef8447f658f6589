"""tools/dev gpu without a GPU: a driver that runs launches on the host stands in for one. Finds answers that are wrong, and says so.

    python gpu_command.py --build BUILD

Standard library only. Exit status 1 at the first difference, 77 where NVRTC is not installed.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK = "llama-yarn:tests/golden/models/data/llama-yarn:"
SKIPPED = 77


def dev(arguments, **settings):
    done = subprocess.run([ROOT / "tools" / "dev", "gpu", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "INGOT_BUILT": "1", "INGOT_GPU_CHECKS": CHECK, "INGOT_GPU_SHAPES": "", **settings})
    return done.returncode, done.stdout + done.stderr


def expect(condition, message, output):
    if not condition:
        sys.exit(f"{message}:\n{output}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        status, output = dev(["prepare", folder], INGOT_BUILD=str(build), INGOT_GPU_TARGET="cuda:sm_80 cuda-emulated")
        if "NVRTC" in output:
            print("skipped:", output)
            sys.exit(SKIPPED)
        expect(status == 0, "prepare failed", output)
        (model,) = folder.glob("checks/*.ingot")
        stub = {"LD_LIBRARY_PATH": str(build / "stub"), "INGOT_STUB_ARTIFACT": str(model), "INGOT_BUILD": str(build)}
        status, output = dev([folder], **stub)
        expect(status == 0 and "llama-yarn: tokens of the CPU, the same bits" in output, "the checks failed", output)

        expected = model.with_suffix(".expected")
        expected.write_text(expected.read_text().replace(" ", "  ", 1))
        status, output = dev([folder], **stub)
        expect(status == 1 and "other tokens than the CPU" in output, "wrong tokens passed", output)
        expect("other log-probabilities" not in output, "right log-probabilities failed", output)

        logprobs = model.with_suffix(".logprobs")
        place, token, value = logprobs.read_text().splitlines()[-1].split()
        for wrong in (f"{place} {token} {float(value) + 0.05}", f"{int(place) + 1} {token} {value}"):
            logprobs.write_text("\n".join([*logprobs.read_text().splitlines()[:-1], wrong]) + "\n")
            status, output = dev([folder], **stub)
            expect(status == 1 and "other log-probabilities than the CPU" in output, "wrong log-probabilities passed", output)
    print("checked on the driver that is none")


if __name__ == "__main__":
    main()
