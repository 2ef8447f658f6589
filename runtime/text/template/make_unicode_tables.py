#!/usr/bin/env python3
"""Writes unicode_tables.inc: what Python's str knows of characters. Run with the Python whose answers are wanted:

    python3 runtime/text/template/make_unicode_tables.py > runtime/text/template/unicode_tables.inc
"""
import html.entities
import re
import sys
import unicodedata

MAX = 0x110000
SURROGATES = range(0xD800, 0xE000)


def is_cased(c):
    # A sigma before it is not the last letter.
    return ("A\u03a3" + c).lower()[1] == "\u03c3"


def flags(cp):
    c = chr(cp)
    if cp in SURROGATES:
        return 0
    tests = (c.isalpha(), c.isdecimal(), c.isdigit(), c.isnumeric(), c.isspace(), c.isupper(), c.islower(),
             unicodedata.category(c) == "Lt", c.isprintable(), is_cased(c), is_ignorable(c), c.isidentifier(),
             ("a" + c).isidentifier(), re.match(r"\w", c) is not None)
    return sum(1 << i for i, t in enumerate(tests) if t)


def is_ignorable(c):
    # Skipped when the letter after a sigma is looked for.
    return ("A\u03a3" + c + "A").lower()[1] == "\u03c3" and ("A\u03a3" + c).lower()[1] == "\u03c2"


def write_flags():
    print("constexpr ClassRange kClasses[] = {")
    row, previous = [], None
    for cp in range(MAX):
        f = flags(cp)
        if f != previous:
            row.append(f"{{{cp},{f}}}")
            previous = f
        if len(row) == 12:
            print(",".join(row) + ",")
            row = []
    print(",".join(row) + "};")


def write_case(name, convert):
    single, special = [], []
    for cp in range(MAX):
        if cp in SURROGATES:
            continue
        mapped = convert(chr(cp))
        if mapped == chr(cp):
            continue
        if len(mapped) == 1:
            single.append((cp, ord(mapped) - cp))
        else:
            special.append((cp, [ord(m) for m in mapped]))
    ranges = []
    for cp, delta in single:
        if ranges and ranges[-1][3] == delta:
            first, last, step, _ = ranges[-1]
            gap = cp - last
            if (first == last and gap in (1, 2)) or gap == step:
                ranges[-1] = (first, cp, gap, delta)
                continue
        ranges.append((cp, cp, 1, delta))
    print(f"constexpr CaseRange k{name}Case[] = {{")
    print(",\n".join(",".join(f"{{{a},{b},{c},{d}}}" for a, b, c, d in ranges[i:i + 8]) for i in range(0, len(ranges), 8)) + "};")
    print(f"constexpr CaseSpecial k{name}Special[] = {{")
    rows = [f"{{{cp},{{{','.join(map(str, m))}}}}}" for cp, m in special] or ["{0,{0}}"]
    print(",\n".join(",".join(rows[i:i + 8]) for i in range(0, len(rows), 8)) + "};")


def write_entities():
    print("// Name, text, name, text ..., each ended by a zero byte.\nconstexpr char kEntities[] =")
    names = sorted(html.entities.html5)

    def quote(text):
        out = []
        for byte in text.encode():
            out.append(chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}")
        return "".join(out)
    rows = [f"{quote(n)}\\000{quote(html.entities.html5[n])}\\000" for n in names]
    for i in range(0, len(rows), 6):
        print('"' + "".join(rows[i:i + 6]) + '"')
    print(";")


print(f"// Written by make_unicode_tables.py with Unicode {unicodedata.unidata_version}. Don't edit.")
write_flags()
write_case("Upper", str.upper)
write_case("Lower", str.lower)
write_case("Title", str.title)
write_case("Fold", str.casefold)
write_entities()
