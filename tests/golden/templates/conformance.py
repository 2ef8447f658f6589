#!/usr/bin/env python3
"""Renders every template of some folders over many conversations, with transformers and with Ingot, and compares.

    python3 tests/golden/templates/conformance.py --driver BUILD/bin/template_render FOLDER...

Needs jinja2 and transformers (no torch). Prints each difference to stderr and one row of counts; exits with 1 on a difference.
"""
import argparse
import collections
import datetime
import json
import pathlib
import re
import subprocess
import sys

import transformers.utils.chat_template_utils as reference

from conversations import all_conversations

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import report

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 7, 26, 13, 4, 5)


def expected(source, chat):
    """(text, None, None), or (None, name of the exception, message)."""
    try:
        # What apply_chat_template does before it calls render_jinja_template.
        conversation = reference._normalize_chat_messages(chat["messages"])
        text, _ = reference.render_jinja_template(
            conversations=[conversation], tools=chat.get("tools"), documents=chat.get("documents"), chat_template=source,
            continue_final_message=chat.get("continue_final_message", False), add_generation_prompt=chat.get("add_generation_prompt", False),
            **{**SPECIAL, **chat.get("kwargs", {})})
        return text[0], None, None
    except Exception as error:  # whatever a template raises
        return None, type(error).__name__, str(error)


def same_refusal(kind, message, answer):
    if answer["kind"] == "compile":  # name:line:column: TemplateSyntaxError: message
        found = re.match(r"template:\d+:\d+: (\w+): (.*)", answer["error"], re.S)
        return found[2] == message.split("\n")[0]
    # Addresses of objects differ from run to run.
    plain = re.compile(r"0x[0-9a-f]+")
    if kind == "RecursionError":  # at another depth, which our message names
        return answer["kind"] == kind and answer["error"].startswith("maximum recursion depth exceeded")
    return answer["kind"] == kind and plain.sub("0x", answer["error"]) == plain.sub("0x", message)


def difference(kind, message, text, answer):
    if kind is None and answer["ok"]:
        at = next((i for i, (a, b) in enumerate(zip(text, answer["text"])) if a != b), min(len(text), len(answer["text"])))
        at = max(0, at - 40)
        return f"  expected ...{text[at:at + 120]!r}\n  found    ...{answer['text'][at:at + 120]!r}"
    expected_part = f"{kind}: {message[:200]}" if kind else repr(text[:80])
    found = repr(answer["text"][:80]) if answer["ok"] else f"{answer['kind']}: {answer['error'][:200]} (line {answer.get('line')})"
    return f"  expected {expected_part}\n  found    {found}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", required=True)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    reference.datetime = FixedClock
    files = sorted({path for folder in options.folders for path in pathlib.Path(folder).rglob("*.jinja")})
    driver = subprocess.Popen([options.driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    counts, shown, seen, reported = collections.Counter(), 0, set(), set()
    for path in files:
        source = path.read_text(encoding="utf-8")
        if source in seen:
            continue
        seen.add(source)
        counts["templates"] += 1
        for name, chat in all_conversations():
            packed = {key: json.dumps(chat[key]) for key in ("messages", "tools", "documents", "kwargs") if key in chat}
            request = {"source": source, "chat": {**chat, **packed, "special_tokens": SPECIAL}}
            driver.stdin.write(json.dumps(request) + "\n")
            driver.stdin.flush()
            line = driver.stdout.readline()
            if not line:
                sys.exit(f"the driver ended at {path} {name}")
            answer = json.loads(line)
            text, kind, message = expected(source, chat)
            counts["rendered" if kind is None else "refused"] += 1
            good = answer["ok"] and answer["text"] == text if kind is None else not answer["ok"] and same_refusal(kind, message, answer)
            if good:
                continue
            counts["text differs" if kind is None and answer["ok"] else "refusal differs" if answer["ok"] or kind is None else "message differs"] += 1
            case = (path.name, kind, message, answer.get("kind"), answer.get("error"))
            if shown < options.show and case not in reported:
                reported.add(case)
                shown += 1
                print(f"{path.name} {name}\n{difference(kind, message, text, answer)}", file=sys.stderr)
    differing = sum(count for name, count in counts.items() if "differ" in name)
    report.row("templates", f"{counts['templates']} templates of {' '.join(options.folders)}", counts["rendered"] + counts["refused"], differing,
               f"{counts['refused']} refused by both")
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
