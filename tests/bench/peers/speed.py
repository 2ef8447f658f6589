"""Speed, start and memory of Ingot and its peers, one engine after another in every round, medians of the rounds."""
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

from engines import ENGINES, weight_bytes

WORKER = str(pathlib.Path(__file__).with_name("worker.py"))

# Figure: prompts, their length, decoding steps, what is kept of the two times.
FIGURES = {"prompt": (1, 512, 0, "prompt"), "decode": (1, 16, 64, "decode"), "batch8": (8, 16, 32, "decode"),
           "context128": (1, 128, 32, "decode"), "context8k": (1, 8064, 32, "decode")}


class Ingot:
    """`ingot bench`, a process a measurement; its round before the measured one warms up."""

    def __init__(self, tool, model, threads):
        self.tool, self.model, self.threads = tool, model, threads

    def run(self, prompts, steps):
        command = [self.tool, "bench", self.model, "--json", "--no-machine", "--rounds", "1", "--threads", self.threads, "--batch", len(prompts),
                   "--prompt-tokens", len(prompts[0]), "--output-tokens", max(1, steps)]
        result = json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)
        return {"prompt": len(prompts) * len(prompts[0]) / result["prompt_tokens_per_s"],
                "decode": len(prompts) * steps / result["decode_tokens_per_s"]}

    def once(self, ids, steps):
        return [self.tool, "generate", self.model, "--threads", str(self.threads), "--temperature", "0", "--ignore-eos", "--json",
                "--prompt-token-ids", ",".join(map(str, ids)), "--max-tokens", str(steps + 1)]

    def weights(self):
        return pathlib.Path(self.model).stat().st_size


class Peer:
    """A process that keeps its model, stopped while others are measured."""

    def __init__(self, engine, model, threads):
        self.engine, self.model, self.threads, self.process = engine, model, threads, None

    def run(self, prompts, steps):
        if not self.process:
            self.process = subprocess.Popen([sys.executable, WORKER, self.engine, self.model, str(self.threads)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps({"prompts": prompts, "steps": steps}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.engine} ended with {self.process.wait()}; try {' '.join(self.once([1, 2], 1))}")
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def once(self, ids, steps):
        return [sys.executable, WORKER, self.engine, self.model, str(self.threads), ",".join(map(str, ids)), str(steps)]

    def weights(self):
        return weight_bytes(self.engine, self.model)

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def process_once(command):
    """Seconds of a process from its start to its end, its peak memory, and what it said."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024, json.loads(said.splitlines()[-1])


def machine(tool, model, threads):
    command = [tool, "bench", model, "--json", "--rounds", "1", "--prompt-tokens", "1", "--output-tokens", "1", "--threads", str(threads)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {key: result[key] for key in ("read_bandwidth_bytes_per_s", "int8_peak_ops_per_s", "float32_peak_ops_per_s") if key in result}


def measure(engine, figure, draw, vocabulary):
    """One figure of one engine: {name: value}."""
    ids = lambda count: [draw.randrange(3, vocabulary) for _ in range(count)]
    if figure == "start":
        seconds, _, said = process_once(engine.once(ids(8), 0))
        return {"start": seconds, "start without interpreter": said["engine"] if isinstance(engine, Peer) else seconds}
    if figure == "memory":
        _, peak, said = process_once(engine.once(ids(512), 64))
        return {"memory": (peak - said.get("interpreter", 0)) / engine.weights()}
    batch, length, steps, kept = FIGURES[figure]
    seconds = engine.run([ids(length) for _ in range(batch)], steps)[kept]
    return {figure: batch * (length if kept == "prompt" else steps) / seconds}


def compare(arguments):
    """All samples, and the machine's limits before and after each round; written to a file after every round, so that a run cut short is not lost."""
    engines = {"ingot": Ingot(arguments.ingot, arguments.model, arguments.threads)}
    for name in ENGINES:
        if getattr(arguments, name):
            engines[name] = Peer(name, getattr(arguments, name), arguments.threads)
    seed = int.from_bytes(os.urandom(4), "little")
    draw = random.Random(seed)
    result = {"title": arguments.title, "threads": arguments.threads, "seed": seed, "weights": {name: engine.weights() for name, engine in engines.items()},
              "machine": {}, "samples": {name: {} for name in engines}}
    def limits():
        for key, value in machine(arguments.ingot, arguments.model, arguments.threads).items():
            result["machine"].setdefault(key, []).append(value)

    try:
        if arguments.no_warm_up:
            limits()
        for round_ in range(0 if arguments.no_warm_up else -1, arguments.rounds):  # the first one warms up and is dropped
            for figure in arguments.figures:
                for name, engine in engines.items():
                    for key, value in measure(engine, figure, draw, arguments.vocabulary).items():
                        if round_ >= 0:
                            result["samples"][name].setdefault(key, []).append(value)
                            print(f"round {round_ + 1}: {name} {key} {value:.3f}", file=sys.stderr, flush=True)
            limits()
            if round_ >= 0 and arguments.json:
                pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n")
    finally:
        for engine in engines.values():
            if isinstance(engine, Peer):
                engine.end()
    return result


LABELS = {"prompt": "prompt of 512, tok/s", "decode": "decode, batch 1, tok/s", "batch8": "decode, batch 8, tok/s",
          "context128": "decode after 128, tok/s", "context8k": "decode after 8064, tok/s", "context": "decode after 8064 over after 128",
          "start": "process start to first token, s", "start without interpreter": "the same without Python's start and imports, s",
          "memory": "peak memory over weights"}


def peaks(result):
    return result["machine"].get("int8_peak_ops_per_s") or result["machine"]["float32_peak_ops_per_s"]


def steady(result, best):
    """Rounds at whose both ends the machine did its int8 arithmetic at 0.9 of its best or more: nobody else had a core."""
    rounds = max(len(values) for figures in result["samples"].values() for values in figures.values())
    return [i for i in range(rounds) if min(peaks(result)[i:i + 2]) >= 0.9 * best]


def table(results):
    """Rows of figures, columns of engines; in brackets how many times better Ingot is."""
    merged, limits, rounds, kept = {}, {}, 0, 0
    best = max(peak for result in results for peak in peaks(result))
    for result in results:
        good = steady(result, best)
        rounds, kept = rounds + max(len(v) for v in result["samples"]["ingot"].values()), kept + len(good)
        for name, figures in result["samples"].items():
            for key, values in figures.items():
                merged.setdefault(name, {}).setdefault(key, []).extend(values[i] for i in good if i < len(values))
        for key, values in result["machine"].items():
            limits.setdefault(key, []).extend(values[i] for i in good)
    if not kept:
        return "Not one round had the machine to itself."
    merged = {name: {key: values for key, values in figures.items() if values} for name, figures in merged.items()}
    median = {name: {key: statistics.median(values) for key, values in figures.items()} for name, figures in merged.items()}
    for figures in median.values():
        if "context8k" in figures and "context128" in figures:
            figures["context"] = figures["context8k"] / figures["context128"]
    names = list(median)
    lines = ["| " + results[0]["title"] + " | " + " | ".join(["Ingot"] + [ENGINES[n][1] for n in names if n != "ingot"]) + " |", "|---" * (len(names) + 1) + "|"]
    for key, label in LABELS.items():
        if key not in median["ingot"]:
            continue
        ours, smaller, cells = median["ingot"][key], key.startswith("start") or key == "memory", []
        for name in names:
            value = median[name].get(key)
            text = "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
            cells.append(text if name == "ingot" or value is None else f"{text} ({value / ours if smaller else ours / value:.2f}x)")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines.append("| weights, MB | " + " | ".join(f"{results[0]['weights'][n] / 1e6:.0f}" for n in names) + " |")
    unit = {key: [v / 1e9 for v in values] for key, values in limits.items()}
    lines += ["", "The machine: " + ", ".join(
        f"{label} {statistics.median(unit[key]):.3g} ({min(unit[key]):.3g} to {max(unit[key]):.3g}) {of}" for key, label, of in
        (("read_bandwidth_bytes_per_s", "reads", "GB/s"), ("int8_peak_ops_per_s", "int8", "Gop/s"), ("float32_peak_ops_per_s", "float32", "Gop/s")) if key in unit) +
        f". Medians of the {kept} of {rounds} rounds that had the machine to themselves."]
    return "\n".join(lines)
