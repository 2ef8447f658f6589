"""Ingot beside llama.cpp, OpenVINO GenAI and ONNX Runtime GenAI on this machine's CPU; docs/benchmarks.md tells how."""
import argparse
import json
import pathlib


def speed(arguments):
    import speed as module

    print(module.table([module.compare(arguments)]))


def report(arguments):
    import speed as module

    print(module.table([json.loads(pathlib.Path(path).read_text()) for path in arguments.results]))


def models(arguments):
    import models as module

    module.make(arguments)


def vary(arguments):
    import checkpoint as module

    module.vary(arguments.source, arguments.folder, arguments.permute, arguments.noise, arguments.seed)


def perplexity(arguments):
    import quality as module

    module.compare(arguments.ingot, arguments.text, arguments.models, arguments.ids, arguments.threads)


def main():
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("speed", help="interleaved rounds of every engine given, medians")
    command.add_argument("ingot", help="the ingot tool")
    command.add_argument("model", help="a file that ingotc wrote")
    command.add_argument("--llama", help="a GGUF file")
    command.add_argument("--openvino", help="a folder of OpenVINO GenAI")
    command.add_argument("--ort", help="a folder of ONNX Runtime GenAI")
    command.add_argument("--vocabulary", type=int, default=49152, help="prompts are drawn from ids below this")
    command.add_argument("--figures", nargs="+", default=["prompt", "decode", "batch8", "start", "memory"],
                         choices=["prompt", "decode", "batch8", "start", "memory", "context128", "context8k"])
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--no-warm-up", action="store_true", help="for the context figures, whose prompts take a minute each")
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--title", default="model")
    command.add_argument("--json", help="a file for every sample, written after each round")
    command.set_defaults(run=speed)

    command = commands.add_parser("report", help="one table of several runs of one model")
    command.add_argument("results", nargs="+", help="files that speed --json wrote")
    command.set_defaults(run=report)

    command = commands.add_parser("models", help="each peer's 4-bit model of a Hugging Face folder")
    command.add_argument("source", type=pathlib.Path)
    command.add_argument("folder", type=pathlib.Path, help="where q4_0.gguf, openvino/ and ort/ go")
    command.add_argument("--engines", nargs="+", default=["llama", "openvino", "ort"], choices=["llama", "openvino", "ort"])
    command.add_argument("--kinds", nargs="+", default=["q4_0", "q4_k_m", "q8_0"], help="of GGUF")
    command.add_argument("--group", type=int, default=128, help="OpenVINO's; SmolLM2's rows of 576 take 64")
    command.set_defaults(run=models)

    command = commands.add_parser("vary", help="the same model with channels permuted, or with noise on its weights")
    command.add_argument("source", type=pathlib.Path, help="a Hugging Face folder of float32")
    command.add_argument("folder", type=pathlib.Path)
    command.add_argument("--permute", action="store_true")
    command.add_argument("--noise", type=float, default=0, help="share of each row's standard deviation")
    command.add_argument("--seed", type=int, default=1)
    command.set_defaults(run=vary)

    command = commands.add_parser("perplexity", help="of files that ingotc wrote and of GGUF files; the first is the measure")
    command.add_argument("ingot")
    command.add_argument("text")
    command.add_argument("models", nargs="+")
    command.add_argument("--ids", type=int, default=20480)
    command.add_argument("--threads", type=int, default=2, help="of llama.cpp")
    command.set_defaults(run=perplexity)

    arguments = parser.parse_args()
    arguments.run(arguments)


main()
