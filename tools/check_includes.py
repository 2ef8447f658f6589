#!/usr/bin/env python3
"""Holds every #include to the "uses" column of docs/architecture.md: a folder includes itself and what it may use.

Usage: check_includes.py [ROOT]. Prints `file:line: FOLDER may not include FOLDER` and fails when there is one.
"""
import pathlib
import re
import sys

# Folder -> folders that it may include beside itself. The longest matching folder counts; acyclic, checked below.
USES = {
    "kernels/abi": "",
    "kernels/prim": "kernels/abi",
    "kernels/kvcache": "kernels/abi kernels/prim",
    "kernels/linear": "kernels/abi kernels/prim",
    "kernels/rows": "kernels/abi kernels/prim kernels/linear",
    "kernels/embedding": "kernels/abi kernels/prim kernels/linear",
    "kernels/rope": "kernels/abi kernels/prim kernels/kvcache",
    "kernels/attention": "kernels/abi kernels/prim kernels/kvcache",
    "kernels/alone": "kernels/abi kernels/prim kernels/kvcache kernels/linear kernels/rows kernels/rope kernels/attention",
    "kernels/program": "kernels/abi kernels/prim kernels/attention",
    "kernels/sample": "kernels/abi kernels/prim",
    "kernels/ref": "kernels/abi kernels/linear kernels/kvcache",
    "kernels": "",
    "runtime/base": "",
    "runtime/format": "runtime/base kernels/abi",
    "runtime/device": "runtime/base",
    "runtime/exec": "runtime/base runtime/format runtime/device kernels/abi",
    "runtime/kv": "runtime/base",
    "runtime/sched": "runtime/base runtime/kv",
    "runtime/sample": "runtime/base kernels/abi",
    "runtime/text/tokenizer": "runtime/base",
    "runtime/text/template": "runtime/base",
    "runtime/engine": "runtime/base runtime/format runtime/exec runtime/kv runtime/sched runtime/sample runtime/text runtime/device",
    "runtime/api": "runtime/base runtime/engine",
    "runtime/server": "runtime/base runtime/engine runtime/text",
    "dialects": "",
    "dialects/llm": "",
    "dialects/exec": "",
    "compiler/support": "runtime/base",
    "compiler/import": "dialects/llm compiler/support runtime/base runtime/text",
    "compiler/text": "compiler/support runtime/base runtime/text",
    "compiler/reference": "dialects/llm kernels/ref compiler/pack compiler/support runtime/base",
    "compiler/calibrate": "dialects/llm compiler/import compiler/pack compiler/reference runtime/text runtime/base",
    "compiler/passes": "dialects/llm compiler/support runtime/base",
    "compiler/pack": "dialects/llm compiler/import compiler/support kernels/linear runtime/base",
    "compiler/lower": "dialects kernels compiler/support runtime/base",
    "compiler/codegen": "kernels dialects compiler/support runtime/base runtime/format",
    "compiler/emit": "dialects compiler/pack compiler/lower compiler/codegen compiler/import compiler/support runtime/base runtime/format",
    "compiler/pipeline": "dialects compiler kernels runtime/base runtime/format runtime/text",
    "samples": "ingot",
}
# Arrows that the table does not have and the code still does: to be paid back, never added to.
DEBTS = {
    ("compiler/text", "compiler/emit"),        # TextContents, which the emitter takes, stands in emit/contents.h
    ("compiler/text", "compiler/import"),      # readText() takes a CheckpointSource
    ("compiler/reference", "compiler/import"), # parameters straight from a Checkpoint
}
# Whole trees that no file of ours but theirs may name.
OWN = ("compiler", "runtime", "dialects", "kernels", "tools", "tests", "samples", "ingot")
# The runtime links no compiler: these include prefixes stay out of it.
FOREIGN = {"runtime": ("llvm/", "mlir/", "clang/", "lld/"), "kernels": ("llvm/", "mlir/", "clang/", "lld/", "fmt/", "nlohmann/")}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def folder_of(path):
    """The longest folder of USES that holds `path`, or its own folder."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in USES:
            return "/".join(parts[:length])
    return "/".join(parts)


def within(folder, allowed):
    return folder == allowed or folder.startswith(allowed + "/")


def check_file(root, path):
    name = path.relative_to(root).as_posix()
    here = folder_of(name)
    top = name.split("/")[0]
    problems = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1) or match.group(2)
        for prefix in FOREIGN.get(top, ()):
            if target.startswith(prefix):
                problems.append(f"{name}:{number}: {here} may not include <{prefix}...>: {target}")
        if target.split("/")[0] not in OWN or "/" not in target:
            continue
        there = folder_of(target)
        if within(there, here) or here not in USES or (here, there) in DEBTS:
            continue
        if not any(within(there, allowed) for allowed in USES[here].split()):
            problems.append(f"{name}:{number}: {here} may not include {there}: the arrow {here} -> {there} is missing")
    return problems


def check_acyclic():
    """Arrows between listed folders; an arrow to a folder reaches all below it."""
    edges = {a: [b for b in USES if b != a and not within(a, b) and any(within(b, c) for c in USES[a].split())] for a in USES}
    done, open_ = set(), []

    def visit(folder):
        if folder in open_:
            sys.exit("the table has a cycle: " + " -> ".join(open_[open_.index(folder):] + [folder]))
        if folder in done:
            return
        open_.append(folder)
        for other in edges[folder]:
            visit(other)
        open_.pop()
        done.add(folder)

    for folder in USES:
        visit(folder)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    check_acyclic()
    problems, count = [], 0
    for top in ("compiler", "runtime", "dialects", "kernels"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".cuh", ".c"):
                problems += check_file(root, path)
                count += 1
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"{len(problems)} includes against the architecture; its table is in docs/architecture.md and in {pathlib.Path(__file__).name}")
    print(f"{count} files, every include has its arrow")


if __name__ == "__main__":
    main()
