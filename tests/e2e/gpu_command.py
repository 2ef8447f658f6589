"""tools/dev gpu without a GPU: a driver that runs launches on the host stands in for one. Finds answers that are wrong, and says so.

Its benchmark shapes are tiny here, under the names of the large ones: figures mean nothing, and each has its row.

    python gpu_command.py --build BUILD

Standard library only. Exit status 1 at the first difference, 77 where NVRTC is not installed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECK = "llama-yarn:tests/golden/models/data/llama-yarn:"
SHAPE = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
         "vocab_size": 256, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "max_position_embeddings": 4096, "bos_token_id": 1,
         "eos_token_id": 2, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 1, "num_attention_heads": 2,
         "num_key_value_heads": 1, "head_dim": 64}
BARS = 6
FIGURES = ("decode_share_of_bandwidth", "prompt_share_of_matrix_peak", "host_s_per_step", "file_to_first_token_s", "upload_bytes_per_s")
SKIPPED = 77


def dev(arguments, build, **settings):
    done = subprocess.run([ROOT / "tools" / "dev", "gpu", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "INGOT_BUILT": "1", "INGOT_BUILD": str(build), "INGOT_GPU_CHECKS": "", "INGOT_GPU_SHAPES": "", **settings})
    return done.returncode, done.stdout + done.stderr


def make_shapes(folder):
    for name in "llama-1b", "llama-8b":
        shape = folder / "checkpoints" / name
        shape.mkdir(parents=True)
        (shape / "config.json").write_text(json.dumps(SHAPE))
        yield str(shape)


def expect(condition, message, output):
    if not condition:
        sys.exit(f"{message}:\n{output}")


def checks(build, folder):
    status, output = dev(["prepare", folder], build, INGOT_GPU_CHECKS=CHECK, INGOT_GPU_TARGET="cuda:sm_80 cuda-emulated")
    if "NVRTC" in output:
        print("skipped:", output)
        sys.exit(SKIPPED)
    expect(status == 0, "prepare failed", output)
    (model,) = folder.glob("checks/*.ingot")
    stub = {"LD_LIBRARY_PATH": str(build / "stub"), "INGOT_STUB_ARTIFACT": str(model)}
    status, output = dev([folder], build, **stub)
    expect(status == 0 and "llama-yarn: as the CPU, the same bits" in output, "the checks failed", output)
    expect(output.count("not measured") == BARS, "a bar has a figure without its file", output)

    status, output = dev([folder], build, INGOT_GPU_CHECK_SECONDS="0.001", **stub)
    expect(status == 1 and "llama-yarn: no answer" in output and "batch 1" not in output, "silent models were measured", output)

    expected = model.with_suffix(".expected")
    expected.write_text(expected.read_text().replace(" ", "  ", 1))
    status, output = dev([folder], build, **stub)
    expect(status == 1 and "other tokens than the CPU" in output, "wrong tokens passed", output)
    expect("other log-probabilities" not in output, "right log-probabilities failed", output)

    logprobs = model.with_suffix(".logprobs")
    place, token, value = logprobs.read_text().splitlines()[-1].split()
    for wrong in (f"{place} {token} {float(value) + 0.05}", f"{int(place) + 1} {token} {value}"):
        logprobs.write_text("\n".join([*logprobs.read_text().splitlines()[:-1], wrong]) + "\n")
        status, output = dev([folder], build, **stub)
        expect(status == 1 and "other log-probabilities than the CPU" in output, "wrong log-probabilities passed", output)


# Launches do nothing here, and take time by the stub's clock.
def measurements(build, folder):
    prepared = {"INGOT_GPU_SHAPES": " ".join(make_shapes(folder.parent)), "INGOT_GPU_TARGET": "cuda:sm_80", "INGOT_GPU_TYPES": "auto:none"}
    status, output = dev(["prepare", folder], build, **prepared)
    expect(status == 0, "prepare failed", output)
    expect("all targets 1.0000 of the size with one target" in output and "MiB (bar <= 48)" in output, "no sizes", output)
    status, output = dev(["prepare", folder], build, INGOT_GPU_MOST_MIB="0.5", **prepared)
    expect(status == 1 and "more than 0.5 MiB" in output, "too much to carry passed", output)
    stub = {"LD_LIBRARY_PATH": str(build / "stub"), "INGOT_STUB_MEMORY": str(128 << 20), "INGOT_GPU_BATCHES": "1"}
    status, output = dev([f"{folder}.tar.gz"], build, **stub)
    expect(status == 0 and output.count("meets") + output.count("misses") == BARS, "a bar has no figure", output)
    expect("llama-8b.auto  " in output and "of limit" in output, "no table or no profile", output)
    figures = [json.loads(line)["figures"] for line in (folder / "figures.jsonl").read_text().splitlines()]
    expect(all(one[name] > 0 for one in figures for name in FIGURES), "a figure is missing", output)

    # A block takes as long as any other, so that larger tiles pay at once.
    status, output = dev(["--tune", folder], build, **stub)
    rows = [line for line in (folder / "measured.inc").read_text().splitlines() if line.startswith("{")]
    expect(status == 0 and '{"sm_80", "gemm.f16.n256.k128", 17},' in rows and rows == sorted(set(rows)), "no measured rows", output)


# Each wide shape begins where it has fewer blocks than all before it, by rows that were measured, or behind all of them (tiles of 192 rows are launched as
# many as there may be, were all of them shorter); a token alone is measured as one kernel too.
def wide(build, folder):
    status, output = dev(["prepare", folder], build, INGOT_GPU_SHAPES=" ".join(make_shapes(folder.parent)), INGOT_GPU_TARGET="cuda:sm_90a",
                         INGOT_GPU_TYPES="auto:none auto:none:cuda-persistent")
    expect(status == 0, "prepare failed", output)
    status, output = dev(["--tune", folder], build, LD_LIBRARY_PATH=str(build / "stub"), INGOT_STUB_GPU="9.0", INGOT_STUB_MEMORY=str(128 << 20))
    rows = (folder / "measured.inc").read_text().splitlines()
    expect(sum(row.startswith('{"sm_90a", "program.') for row in rows) == 1, "no row of a token alone as one kernel", output)
    for kernel, shape, least in ("wide_runs", 32, 17), ("wide_runs", 64, 33), ("wide", 128, 17), ("wide", 192, 2050):
        expect(status == 0 and f'{{"sm_90a", "{kernel}.f16.n256.k128.r{shape}", {least}}},' in rows, "wrong rows of wide shapes", output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        checks(build, pathlib.Path(scratch) / "checks")
        measurements(build, pathlib.Path(scratch) / "shapes")
        wide(build, pathlib.Path(scratch) / "wide" / "files")
    print("checked on the driver that is none")


if __name__ == "__main__":
    main()
