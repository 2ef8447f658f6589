#!/usr/bin/env python3
"""Writes unicode_16.inc: ranges that Unicode 16 assigns and the older Unicode of Python's own unicodedata did not, with their general category.

Needs the package unicodedata2 16.0.0:
    python3 compiler/text/make_unicode_16.py > compiler/text/unicode_16.inc
"""
import unicodedata

import unicodedata2

assert unicodedata2.unidata_version.startswith("16"), unicodedata2.unidata_version
ranges = []
for point in range(0x110000):
    new = unicodedata2.category(chr(point))
    if unicodedata.category(chr(point)) != "Cn" or new == "Cn":
        continue
    if ranges and ranges[-1][1] == point - 1 and ranges[-1][2] == new:
        ranges[-1][1] = point
    else:
        ranges.append([point, point, new])
for first, last, category in ranges:
    print(f'{{0x{first:x}, 0x{last:x}, "{category}"}},')
