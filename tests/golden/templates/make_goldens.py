#!/usr/bin/env python3
"""Writes goldens.json and chat_goldens.json: what Jinja2, set up by transformers, makes of the templates below.

    cd tests/golden/templates && python3 make_goldens.py goldens.json --chat chat_goldens.json

Needs jinja2 and transformers (no torch). With --driver BUILD/bin/template_render it compares instead of writing.
"""
import argparse
import copy
import datetime
import json
import re
import subprocess
import sys

import transformers.utils.chat_template_utils as reference

import conformance
from conversations import all_conversations

VARIABLES = {
    "i": 7, "neg": -3, "zero": 0, "big": 2 ** 70, "f": 2.5, "s": "Hello, World", "u": "Grüße ßİ Σας 世界😀", "e": "", "none_": None, "t": True,
    "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "d": {"b": 1, "a": 2, "C": 3}, "nested": {"x": {"y": [1, {"z": "deep"}]}},
    "users": [{"name": "Bob", "age": 30, "tags": ["x"]}, {"name": "alice", "age": 25, "tags": []}, {"name": "Carl", "age": 30}],
    "html": "<a href=\"x\">T&amp;'</a>", "lines": "one\n two\n\nthree  ", "spaces": "  a  b \t c\n", "items_": {"items": 5, "keys": "k"},
    "msgs": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}, {"role": "user", "content": "bye"}],
}

# Each is printed with {{ }}.
EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2 | 7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3 | 7.5 // 2, -7.5 % 2, 2 ** 10, 2 ** -1, 2 ** 0.5 | 10 ** 30 // 7, -(10 ** 30) % 97, big * big, big - big
-2 ** 2, +i, -f, -t, +t | 1 / 3, 1e16, 1e15, 123456789.123, 1e-5, 0.0001, -0.0, 1e300 * 1e10 | t + t, t * 3, 1 == 1.0, t == 1, "1" == 1
i / zero | i // zero | i % zero | f / zero | f % zero | zero ** -1 | big / 3, big / 1.5, big > 1e20, big == big + 0.0
"a" + "b" ~ 1 ~ none ~ 2.0 ~ [1] ~ true | "ab" * 3, 2 * "x", [1] * 2, (1,) * 2, "x" * -1 | "a" + 1 | 1 + "a" | [1] + "a" | none + 1 | "a" + none | [1] + [2], (1,) + (2,) | {} + {}
"a" - "b" | "a" * "b" | "a" / 2 | [1] * 1.5 | -"a" | -none | not 1, not "" | nope + 1 | 1 + nope | "a" + nope | nope ~ "x" | -nope | nope * 2 | nope.x | nope["x"] | nope() | d.nope.x | d.nope + "x" | l[10] | l[10].x | l.nope.y
1 < 2 < 3, 1 < 3 < 2, 1 == 1 != 2 | "a" < "b", "a" < "B", "Z" < "a", [1, 2] < [1, 3], (1,) < (1, 2) | 1 < "a" | [1] < (1,) | none < 1 | d < d | nope < 1 | nope == nope2, nope == 1, nope != 1
1 in l, 9 in l, 1 not in l, "a" in d, "z" in d, "ell" in s, "" in s, 1 in nope, "x" in nope | 1 in s | 1 in 5 | [] in d | none in [none] | "a" in none
1 and 0, 1 and 2, 0 or "", 0 or "x", nope or 5, nope and 5, not nope | (1 if t else 2), (1 if e), (1 if e) is defined, ("x" if nope else "y") | (1 if e).foo
l[0], l[-1], l[1:], l[:-1], l[::-1], l[::2], l[5:], l[-2:], l[2:1] | s[0], s[-1], s[1:4], s[::-1], s[::3], s[-5:], s[100:], s[99] | u[0], u[4], u[-1], u[-3:], u[::-1], u[2:5], u | length
(1, 2, 3)[1:], (1,)[0], range(10)[2:5], range(10)[3], range(3)[-1], range(10)[::-3] | s["0"], s["upper"]() | l["0"], l[1.5], l[true], l[none] | d[none], d[1], d["b"], d.b, d["get"]("a"), d.get("zz"), d.get("zz", 4) | l[::0] | none_[1:] | d[1:] | i[1:] | l["a":] | nope[1:]
nested.x.y[1].z, nested["x"]["y"][0], nested.x.y.1.z | items_.items(), items_["items"], items_.keys(), items_.get("keys") | d.items(), d.keys(), d.values() | d.items()|list, d.keys()|list, d.values()|list
d.__class__ | d.__class__.__mro__ | s.__len__ | l.append(1) | d.update({}) | d.pop("a") | l.append | s._private | s.nope | s.nope() | 5.bar | 5() | s() | d() | none() | none.x
"a".upper(), "ABC".lower(), "hello world".title(), "they're bill's".title(), "hELLO".capitalize(), "aBc".swapcase(), "ß".upper(), "ΑΣ".lower(), "ǆ".title(), "ŉ".upper(), "ﬀ".title(), "İ".lower()|length, "STRASSE".casefold(), "ß".casefold()
" a ".strip(), " a ".lstrip() ~ "|", " a ".rstrip() ~ "|", "xxaxx".strip("x"), "abcxa".strip("abc"), "\u00a0\u2003x\u3000".strip(), "éaé".strip("é") | "a".strip(1) | "a".strip("b", "c")
"a,b,,c".split(","), "a b  c".split(), " a b ".split(" "), "a,b,c".split(",", 1), "a,b,c".rsplit(",", 1), " a  b  c ".split(none, 1), " a  b  c ".rsplit(none, 1), "".split(), "".split(","), "abc".split("") | "abc".split(1) | "a b c".split(maxsplit=1), "a-b".split(sep="-")
"a\nb\r\nc\rd\x0be\u2028f".splitlines(), "a\nb\n".splitlines(true), "".splitlines() | "abc".find("c"), "abc".find("z"), "abcabc".rfind("b"), "üüa".find("a"), "abc".index("z") | "abc".count("b"), "aaa".count("aa"), "abc".count(""), "abcabc".find("b", 2), "abcabc".count("b", 0, 3)
"abc".startswith("a"), "abc".startswith(("x", "a")), "abc".endswith("bc"), "abc".startswith("b", 1), "".startswith(""), "abc".endswith(("z",)) | "abc".startswith(1) | "abc".startswith(["a"]) | "abc".startswith(("a", 1))
"a-b".replace("-", "+"), "aaa".replace("a", "b", 2), "abc".replace("", "-"), "aaa".replace("a", ""), "é".replace("é", "e") | "a".replace("a") | "a".replace(1, 2) | ", ".join(["a", "b"]), "".join([]), "-".join("abc"), "-".join(d) | ",".join([1]) | ",".join(1)
"a".center(5) ~ "|", "ab".center(5, "*"), "abc".ljust(5, "."), "abc".rjust(5) ~ "|", "42".zfill(5), "-42".zfill(5), "+1".zfill(4), "a".center(4, "é") | "a=b=c".partition("="), "a=b=c".rpartition("="), "abc".partition("x"), "abc".rpartition("x") | "prefix".removeprefix("pre"), "name.txt".removesuffix(".txt")
"abc".isalpha(), "ab1".isalnum(), "12".isdigit(), "½".isnumeric(), "²".isdigit(), "²".isdecimal(), "٣".isdecimal(), " ".isspace(), "".isspace(), "Ab".istitle(), "AB".isupper(), "ab".islower(), "a1".isidentifier(), "1a".isidentifier(), "é".isascii(), "\n".isprintable(), "1".islower()
"a\tb".expandtabs(), "a\tbc\td".expandtabs(4) | "{} {}".format(1, "a"), "{0}{1}{0}".format("x", "y"), "{a}".format(a=1), "{:>5}|{:<5}|{:^5}".format("a", "b", "c"), "{:05d} {:+d} {:x} {:#x} {:b} {:o} {:,}".format(42, 42, 255, 255, 5, 8, 1234567)
"{:.2f} {:10.3f} {:e} {:g} {:%} {:.0%} {}".format(3.14159, 2.5, 12345.678, 0.0001, 0.25, 0.5, 1.0), "{!r} {!s}".format("a", "b"), "{:*^9}".format("mid"), "{{}}".format(), "{:_}".format(1234567), "{:08.2f}".format(-3.14159) | "{0.x}".format(1) | "{0[a]}".format({"a": 5}) | "{".format() | "{}".format() | "{a}".format() | "{:d}".format("x") | "{:d}".format(1.5) | "{:s}".format(1) | "{:>3}".format([1]) | "{0}{}".format(1, 2)
"{i:d}".format(i=3), "{:c}".format(65), "{:n}".format(5), "{:5}|{:5}|".format(1, "a"), "{:<5}|{:=+5}|{:^5}|".format(1, 2, 3), "{:.3}".format("abcdef"), "{:.3}".format(3.14159), "{:,.2f}".format(1234567.891), "{:010,}".format(1234567)
"%s %d %r" % ("a", 5, "b"), "%5s|%-5s|" % ("a", "b"), "%05d %+d %x %X %o %#x" % (42, 42, 255, 255, 8, 255), "%.2f %e %g %G" % (3.14159, 12345.678, 0.00001, 1e20), "%%" % (), "%(a)s" % {"a": 1}, "%c%c" % ("a", 66), "%s" % 5, "%s" % none, "%s" % [1], "%10.3f|%-10.2e|" % (2.5, 2.5), "%i" % 3.99, "%.3s" % "abcdef", "%*d" % (5, 3) | "%s" % (1, 2) | "%s %s" % 1 | "%d" % "a" | "%z" % 1 | "%(a)s" % 1 | "a" % 1 | "%s" % nope, "a" % {} | "%d" % nope | "%x" % 1.5 | "%" % 1
l.index(1), l.count(1), (1, 2).index(2), l.copy(), (1, 1).count(1) | l.index(9) | (1,).index(9) | i.bit_length(), i.real, i.imag, i.numerator, f.is_integer(), f.real, (2.0).is_integer(), i.conjugate(), big.bit_length() | range(5).start, range(5).stop, range(1, 9, 2).step, range(3).count(1), range(3).index(2)
range(3), range(1, 4), range(5, 0, -2), range(3)|list, range(3)|length, range(0)|list, 2 in range(3) | range(1000000) | range("a") | range() | range(1, 2, 3, 4) | range(1, 2, 0) | range(2.5) | range(nope)
dict(a=1, b=2), dict([("x", 1)]), dict({"p": 2}, q=3), dict() | dict(1) | dict([1]) | dict.fromkeys("ab", 0) | namespace(a=1), namespace({"x": 1}, y=2) | namespace(_x=1) | namespace(a=1).a, namespace(a=1).b is defined, namespace(a=1)["a"] | namespace(a=1).b.c | namespace()()
{"a": 1, 2: "b", none: 3, true: 4, (1, 2): 5, 1.5: 6}, {1: "a", true: "b", 1.0: "c"}, {"x": [1, {"y": ()}]}, (), (1,), [], {} | {[]: 1} | {{}: 1} | "a" "b", 'it''s', "\x41\u00e9\n".strip(), "\101", "\q" | 0x1f, 0b101, 0o17, 1_000, 1_0.5_0e1_0, 00 | "it's", 'say "x"', "both ' and \"" , "tab\t\x00\x7f\u200b é 😀 \ud83d"|string|length
["it's", 'say "x"', "both ' and \"", "\t\n\\", "é\u200b\u00a0😀", "\x00"] | [1.0, 1e100, 1.5e-7, 100000000000000000.0, 12345678901234567890, true, none] | true, True, none, None, false
s|upper, s|lower, s|title, s|capitalize, s|length, s|trim, s|list, s|first, s|last, s|reverse, s|wordcount, s|string, 5|string, none|upper, l|upper, 5|length | none|length | nope|length, nope|upper, nope|trim, nope|list, nope|first is defined, nope|join, nope|default("d"), nope|d("x"), ""|default("d"), ""|default("d", true), none|default("d"), e|default("y", boolean=true)
l|sort, l|sort(reverse=true), ls|sort, ls|sort(case_sensitive=true), users|sort(attribute="name")|map(attribute="name")|list, users|sort(attribute="age,name")|map(attribute="name")|list, [1, "a"]|sort | [none, 1]|sort | d|sort, "cab"|sort | users|sort(attribute="nope")|length | [{"a": 1}, {"a": 2}]|sort
d|dictsort, d|dictsort(true), d|dictsort(by="value"), d|dictsort(reverse=true), d|dictsort(false, "value", true) | d|dictsort(by="x") | l|dictsort | {"a": 1, 2: 3}|dictsort | d|items|list, nope|items|list | l|items|list | d|items
l|sum, l|min, l|max, ls|min, ls|max, []|min is defined, []|max, users|map(attribute="age")|sum, users|sum(attribute="age"), users|sum("age", 5), [[1], [2]]|sum(start=[]), ls|max(case_sensitive=true), users|max(attribute="age"), [1.5, 2]|sum | ["a"]|sum | [1, "a"]|max | 5|sum
l|join, l|join("-"), l|join(1), ls|join(", "), users|join(", ", attribute="name"), [none, 1, "a"]|join("/"), "abc"|join(","), d|join(",") | 5|join | [1]|join(d=":", attribute=none)
ls|map("upper")|list, ls|map("upper")|join, users|map(attribute="name")|join(","), users|map(attribute="tags", default="none")|list, users|map(attribute="tags.0", default="-")|list, [1, 2]|map("string")|list, ["1", "x"]|map("int", 5)|list, [" a "]|map("trim")|first, []|map("nope")|list, ls|map("replace", "a", "z")|list | ls|map("nope")|list | ls|map()|list | ls|map(attribute="x", foo=1)|list | ls|map(nope)|list | [1]|map(attribute=0)|list, ["ab"]|map(attribute=1)|list
l|select("odd")|list, l|reject("odd")|list, l|select(">", 1)|list, [0, 1, "", "a", none]|select|list, [0, 1]|reject|list, l|select("divisibleby", 3)|list, ls|select("in", ["a", "b"])|list, l|select("nope")|list | users|selectattr("age", "equalto", 30)|map(attribute="name")|list, users|selectattr("tags")|map(attribute="name")|list, users|rejectattr("tags")|map(attribute="name")|list, users|selectattr("tags", "defined")|list|length, users|selectattr("tags", "undefined")|list|length, users|rejectattr("name", "eq", "Bob")|list|length, users|selectattr("tags.0", "==", "x")|list|length | users|selectattr()|list | msgs|selectattr("role", "equalto", "user")|list|last, msgs|selectattr("role", "in", ["user"])|list|length
users|groupby("age")|list, (users|groupby("age"))[0].grouper, (users|groupby("age"))[0].list|length, users|groupby("name")|map(attribute="grouper")|list, users|groupby("tags", default=[])|length | ["A", "a", "b"]|groupby(0)|list | l|batch(2)|list, l|batch(2, "x")|list, range(7)|batch(3)|list, l|slice(2)|list, range(7)|slice(3)|list, range(7)|slice(3, "x")|list, range(2)|slice(5)|list, []|batch(2)|list | l|slice(0)|list
[1, 1, 2]|unique|list, ["a", "A", "b"]|unique|list, ["a", "A"]|unique(true)|list, users|unique(attribute="age")|map(attribute="name")|list | [[1]]|unique|list | l|reverse|list, "abc"|reverse, (1, 2)|reverse|list, d|reverse|list, range(3)|reverse|list, d.items()|reverse|list | 5|reverse | l|first, l|last, []|first is defined, d|first, d|last, "abc"|last, range(3)|last, nope|last is defined | 5|first | 5|last | l|select|last
3.7|int, "42"|int, "42.9"|int, "x"|int, "x"|int(5), "0x1f"|int(base=16), "1f"|int(0, 16), "0b11"|int(0, 0), none|int, " 12 "|int, "1_000"|int, "-5"|int, true|int, [1]|int, "٣"|int, "1e3"|int, 1e20|int, big|int, ""|int, "inf"|int | nope|int | "3.5"|float, "x"|float, "x"|float(1.5), 3|float, "1e5"|float, none|float, "inf"|float, "nan"|float, "-inf"|float, " 1.5 "|float, "1_0.5"|float, ".5"|float, "5."|float, "1e400"|float | nope|float
42.55|round, 42.55|round(1, "floor"), 42.5|round, 43.5|round, 2.675|round(2), 1234.5|round(-2), 7|round, 15|round(-1), 25|round(-1), 42.1|round(0, "ceil"), -1.5|round, 1.005|round(2) | "a"|round | 1|round(method="x") | 5|abs, -5|abs, -2.5|abs, true|abs | "a"|abs | nope|abs | 5|abs(1)
1000|filesizeformat, 1|filesizeformat, 0|filesizeformat, 999|filesizeformat, 1500000|filesizeformat, 1024|filesizeformat(true), 123456789012|filesizeformat, "2048"|filesizeformat(binary=true), 1e30|filesizeformat
"<b>&\"'"|escape, "<b>"|e, "<b>"|safe, ("<b>"|safe)|escape, ("<b>"|safe) + "<i>", "<i>" + ("<b>"|safe), ("<b>"|safe) ~ "<i>", "<b>"|forceescape, ("<b>"|safe)|forceescape, ("%s"|safe) % "<x>", ("{}"|safe).format("<x>"), ("<b>"|safe)|upper, [("a"|safe)], ("a"|safe)|string, ("a,b"|safe).split(","), (","|safe).join(["<", "b"]), ("x"|safe).replace("x", "<"), ("a"|safe) * 2, ("abc"|safe)[1], ("abc"|safe)[1:], "a"|safe is escaped, "a" is escaped, ("a"|safe) == "a", ("<"|escape)|length | ("a"|safe) + 1 | 1 + ("a"|safe)
html|striptags, "<p>a  b\n<i>c</i> &lt;&eacute;&#233;&#x41;&notit;&amp;</p><!-- x -->"|striptags, html|urlencode, "a b/ü?&=~"|urlencode, {"a b": "c&d", "e": 1}|urlencode, [("x", "y z")]|urlencode, 5|urlencode, s|xmlattr | {"class": "a\"b", "n": none, "id": 5}|xmlattr, {"a": 1}|xmlattr(false) | {"a b": 1}|xmlattr | nope|xmlattr
lines|indent, lines|indent(2, true), lines|indent("> ", blank=true), lines|indent(first=true), "x"|indent, ""|indent, "a\n"|indent ~ "|" | 5|indent | nope|indent | l|indent | s|truncate(5), s|truncate(9, true), s|truncate(9, true, ".."), s|truncate(9, leeway=0), s|truncate(100), "foo bar baz qux"|truncate(9), "foo bar baz qux"|truncate(11), "foo bar baz qux"|truncate(11, false, "...", 0), u|truncate(9, true, "") | s|truncate(2)
"the quick-brown fox jumps over the lazy dog"|wordwrap(12), "abcdefghijklmnop qrs"|wordwrap(5), "abcdefghijklmnop"|wordwrap(5, false), "a b\n\nc d"|wordwrap(3), "long-hyphenated-words here"|wordwrap(8), "one two"|wordwrap(3, wrapstring="|"), "well-known--really fine"|wordwrap(10, break_on_hyphens=false), "a--b c"|wordwrap(2) | "a"|wordwrap(0) | s|center(20) ~ "|", s|center, s|replace("l", "L"), s|replace("l", "L", 1), 12321|replace(2, 0), s|wordcount, "a-b c_d é1"|wordcount, s|format | "%s-%s"|format("a", 1), "%(x)s"|format(x=3), "%d"|format(5) | "%s"|format(1, x=2) | "%s"|format
"see http://example.com/a?b=c&d, (www.foo.org) mail@x.com mailto:a@b.co x.com foo"|urlize, "http://example.com/long/path"|urlize(12), "www.x.org"|urlize(none, true, "_blank"), "ftp://x.y tel:5"|urlize(extra_schemes=["ftp://", "tel:"]), "https://127.0.0.1:80/ <b> e.g."|urlize
d|pprint, users|pprint, nested|pprint, "a long string that has many words in it, so that it is wrapped by pprint as it must be, I think"|pprint, range(40)|list|pprint, (1,)|pprint, {"k" * 30: "v" * 30, "z" * 20: ["w" * 30, "y" * 40]}|pprint
d|tojson, nested|tojson(indent=2), users|tojson, u|tojson, u|tojson(ensure_ascii=true), "</script>'&"|tojson, [1.0, 1e100, none, true, big, -0.0]|tojson, {"b": 1, "a": 2}|tojson(sort_keys=true), d|tojson(separators=(",", ":")), []|tojson(indent=2), {}|tojson(indent=1), [[]]|tojson(indent=4), d|tojson(indent="--"), (1, 2)|tojson, {1: 2, none: 3, true: 4, 1.5: 5}|tojson, "\x00\x1f\x7f\u2028😀"|tojson, d|tojson(false, 2), d|tojson(indent=0) | nope|tojson | {(1, 2): 3}|tojson | d.items()|tojson | range(3)|tojson | l|map("string")|tojson | namespace()|tojson | ("<"|safe)|tojson, {"b": 1, 2: 3}|tojson(sort_keys=true) | ("inf"|float)|tojson, ("nan"|float)|tojson, d|tojson(indent=none)
i is odd, i is even, i is divisibleby(7), i is divisibleby 7, nope is defined, nope is undefined, none is none, none_ is none, t is boolean, i is boolean, t is true, t is false, i is integer, t is integer, f is float, i is number, t is number, s is string, 5 is string, d is mapping, l is mapping, l is sequence, s is sequence, d is sequence, 5 is sequence, range(3) is sequence, nope is sequence, l is iterable, 5 is iterable, nope is iterable, d.items() is sequence, d.get is callable, s is callable, nope is callable, range is callable
"a" is lower, "A" is upper, "1" is lower, 5 is lower, i is sameas i, none is sameas none, t is sameas true, 1 is sameas true, s is sameas s, "a" is in "abc", 1 is in l, 1 is not in l, i is eq 7, i is equalto(7), i is ne 7, i is gt 5, i is ge 7, i is lt 5, i is le 7, i is greaterthan 3, i is lessthan 3, i is not odd, "upper" is filter, "nope" is filter, "odd" is test, i is not none, "a" is odd | "a" is divisibleby 2 | i is divisibleby | i is nope | i is defined(1) | i is eq | s is in 5
s|nope | (s|nope if false else 1) | (s is nope if false else 1) | s|default | s|default(1, 2, 3) | s|replace | s|replace("a") | s|join(1, 2, 3) | s|trim(bogus=1) | s|length(1) | s|indent(1, 2, 3, 4, 5) | s|default(default_value=1, default_value2=2) | s|attr("upper"), d|attr("b") is defined, s|attr("__class__"), d|attr("items") | l|random in l, []|random is defined
loop is defined, self is defined, caller is defined, varargs is defined, raise_exception is defined, strftime_now is callable | raise_exception("boom " ~ 5) | raise_exception(none) | raise_exception() | strftime_now("%Y-%m-%d %H:%M:%S %A %a %B %b %d %j %p %I %y %U %W %u %w %V %G %e %C %D %F %T %R %% %f|%z|%-d|%-m") | strftime_now(5) | lipsum is callable
cycler("a", "b").next(), cycler(1).current | cycler() | joiner()() ~ "x", joiner("|") | d.items, s.upper, range, namespace
""".strip("\n")

TEMPLATES = [
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {{ loop.cycle('a', 'b') }} {{ loop.changed(x % 2) }};{% endfor %}",
    "{% for x in [] %}x{% else %}none{% endfor %}{% for x in l %}{{ x }}{% else %}none{% endfor %}{% for x in nope %}{% else %}undef{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}e{% endfor %}{% for x in l if x > 9 %}{% else %}none{% endfor %}",
    "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}|{% for x in l %}{% if loop.index == 2 %}{% break %}{% endif %}{{ x }}{% else %}E{% endfor %}|{% for x in l %}{% continue %}{% else %}E{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d|dictsort %}{{ k }}{{ v }}{% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}", "{% for a, b in [(1,)] %}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for x in 5 %}{% endfor %}", "{% for x in none %}{% endfor %}",
    "{% for c in 'héé' %}{{ loop.index }}{{ c }}{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for x in range(3) %}{{ x }}{% endfor %}{% for x in (1, 2) %}{{ x }}{% endfor %}",
    "{% for x in l|map('string') %}{{ loop.index }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }};{% endfor %}{% for x in l|select('odd') %}{{ x }}{{ loop.nextitem }}{% endfor %}",
    "{% set g = l|select('odd') %}{{ g|list }}{{ g|list }}{{ g is defined }}{% if g %}true{% endif %}",
    "{% for i in [1, [2, [3]]] recursive %}{% if i is iterable %}[{{ loop(i) }}]{{ loop.depth }}{% else %}{{ i }}@{{ loop.depth0 }}{% endif %}{% else %}E{% endfor %}",
    "{% for x in l %}{{ loop(x) }}{% endfor %}", "{% for x in l %}{{ loop }}{% endfor %}", "{% for x in l %}{% for y in l %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for x in l %}{% set outer = loop %}{% for y in l %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}", "{% for loop in l %}{% endfor %}", "{% for x in l %}{% set loop = 1 %}{% endfor %}",
    "{% set x = 1 %}{% for y in l %}{% set x = y %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(x=0) %}{% for y in l %}{% set ns.x = ns.x + y %}{% endfor %}{{ ns.x }}{{ ns }}",
    "{% set d.x = 1 %}", "{% set nope.x = 1 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = 1 %}", "{% set a, b = [1, 2, 3] %}", "{% set (a, b) = 'xy' %}{{ b }}",
    "{% if false %}{% set x = 1 %}{% endif %}{{ x is defined }}{% if true %}{% set y = 1 %}{% endif %}{{ y }}", "{% if i == 7 %}a{% elif i == 8 %}b{% else %}c{% endif %}{% if e %}x{% elif none_ %}y{% elif l %}z{% endif %}",
    "{% set x %}block {{ i }}{% endset %}{{ x }}{{ x is string }}{% set y | upper | trim %} abc {% endset %}{{ y }}{% set z | replace('a', 'b') %}aaa{% endset %}{{ z }}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=5) }}{{ m(b=1, a=2) }}{{ m() }}{{ m }}{{ m.name }}{{ m.arguments }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(1).x }}", "{% macro m(a, b) %}{{ b.x }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}{% macro n(a) %}{{ a }}{{ varargs|length }}{% endmacro %}{{ n(1, 2, 3) }}", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(*[1], **{'b': 3}) }}", "{{ range(*[1, 3]) }}{{ dict(**{'a': 1}) }}", "{{ range(*5) }}", "{{ dict(**5) }}", "{{ dict(a=1, **{'a': 2}) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{% endcall %}{% macro n() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) n() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m(caller) %}{{ caller() }}{% endmacro %}", "{% call 5 %}{% endcall %}", "{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(20) }}", "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}", "{% for y in l %}{% macro m() %}{{ y }}{% endmacro %}{{ m() }}{% endfor %}", "{{ m() }}{% macro m() %}{% endmacro %}", "{% macro m(a=nope) %}{{ a is defined }}{% endmacro %}{{ m() }}", "{% macro m(a, b=a.x) %}{{ b }}{% endmacro %}{{ m({'x': 3}) }}", "{% macro a() %}{% set q = 5 %}{{ q }}{% endmacro %}{{ a() }}{{ q is defined }}",
    "{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a', 'b') | trim %} aaa {% endfilter %}", "{% filter length %}abc{% endfilter %}", "{% filter nope %}abc{% endfilter %}", "{% if false %}{% filter nope %}x{% endfilter %}{% endif %}ok",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% set c = 3 %}{{ c }}{% endwith %}{{ a is defined }}{{ c is defined }}{% with %}{{ i }}{% endwith %}{% with i = 1, j = i %}{{ i }}{{ j }}{% endwith %}{% with (p, q) = (1, 2) %}{{ p }}{{ q }}{% endwith %}",
    "{% block a %}A{{ i }}{% endblock %}{{ self.a() }}{% block b scoped %}{% block c %}C{% endblock c %}{% endblock b %}{{ self.nope is defined }}{% for x in l %}{% block q scoped %}{{ x }}{% endblock %}{% endfor %}", "{% block a required %}{% endblock %}", "{% block a required %}x{% endblock %}", "{% block a-b %}{% endblock %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}", "{% block a %}{{ super() }}{% endblock %}", "{% for x in l %}{% block z %}{{ x is defined }}{% endblock %}{% endfor %}", "{% set v = 4 %}{% block y %}{{ v }}{% endblock %}",
    "{% extends 'x' %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% if false %}{% include 'x' %}{% endif %}ok", "{% include 'x' ignore missing %}", "{% from 'x' import _y %}",
    "{% generation %}a{{ i }}{% set q = 1 %}{% endgeneration %}{{ q is defined }}", "{% for m in msgs %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}", "{% print 1, 'a' %}{% print i %}", "{% autoescape true %}{{ html }}{{ '<'|safe }}<{{ ['<']|join }}{% endautoescape %}{{ html }}", "{% autoescape true %}{% set x %}<{% endset %}{{ x }}{{ '<' ~ '>' }}{{ html|replace('a', '<') }}{% macro m() %}<{{ '<' }}{% endmacro %}{{ m() }}{% endautoescape %}",
    "{% raw %}{{ x }}{% y %}{# z #}{% endraw %}|{%- raw -%}  a  {%- endraw -%}  |", "  {% raw %}\n  x\n  {% endraw %}\n y", "{% raw %}", "{# a #}b{#- c -#}  d {# multi\nline #}\ne", "{# unclosed", "a\n  {# c #}  \nb\n  {# c #}\nd",
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}\n  b\n  {% endif %}\nc", "a {%- if true -%} b {%- endif %} c", "a {%+ if true %} b {%+ endif +%}\nc", "  {%- if true %}x{% endif -%}  y", "x{{- ' a ' -}}  y", "  {{ i }}\n  {{- i }}", "a\r\nb\rc\n\n", "\n\n{{ i }}\n", "{% if true %}   \nx{% endif %}   \n", "{{ '{{' }}{{ '%}' }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {'a': 1}}}", "{% set x = {'a': '}}'} %}{{ x }}", "  {% set a = 1 %}  {% set b = 2 %}\nx", "\t{% if 1 %}\n\t\ty\n\t{% endif %}", "\u00a0{% if 1 %}z{% endif %}", "{%- for x in l %}\n  {{- x }}\n{%- endfor %}\n", "{{+ 5 }}", "{{ -5 }}", "{{-5}}", "x {{ i -}} \n y",
    "{{", "{{ ", "{%", "{% if", "{% if true %}", "{% for x in %}{% endfor %}", "{% for x l %}", "{{ 1 + }}", "{{ a b }}", "{{ (1 }}", "{{ 1) }}", "{{ [1 }}", "{{ 'abc }}", "{{ a. }}", "{{ a.'b' }}", "{{ a|  }}", "{{ a|1 }}", "{{ a is }}", "{{ a is not }}", "{% endif %}", "{% if true %}{% endfor %}", "{% for x in l %}{% endif %}{% endfor %}", "{% unknown %}", "{% if true %}{% unknown %}{% endif %}", "{% set %}", "{% set 1 = 2 %}", "{% set none = 2 %}", "{% set a.b.c = 2 %}", "{% set x = %}", "{% set x 5 %}", "{{ $ }}", "{{ a ! b }}", "{{ a ? b : c }}", "{% macro %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m(1) %}{% endmacro %}", "{{ f(a=1, 2) }}", "{{ f(*a, *b) }}", "{{ f(**a, b) }}", "{{ f(a b) }}", "{{ }}", "{% %}", "{{ a if }}", "{% if a = b %}{% endif %}", "{{ 5 is odd is even }}", "{{ '\\x4' }}", "{{ '\\u12' }}", "{% for a.b in l %}{% endfor %}", "{% with a %}{% endwith %}", "{% call %}{% endcall %}", "{% filter %}{% endfilter %}", "{% elif %}", "{% else %}", "{% if a %}{% else %}{% else %}{% endif %}", "{% 5 %}", "{% if a %}{% elif %}{% endif %}", "{% raw %}{% endraw", "{{ a[1:2, 3] }}", "{{ a[] }}", "{{ {1} }}", "{{ {1:} }}", "{{ a..b }}", "{{ 1.a }}", "{{ a[1 }}", "{% block %}{% endblock %}", "{% from 'a' %}", "{% import 'a' %}", "{{ not }}", "{% break %}x", "{% for x in l %}{% set q %}a{% break %}{% endset %}{% endfor %}{{ q is defined }}", "{% for x in l %}{% for y in [] %}{% else %}{% break %}{% endfor %}x{% endfor %}", "{% for x in l %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", "{#", "{% raw %}",  "{{ l[1:2:3:4] }}",
    "{{ x }}{% set x = 1 %}", "{% set x = x %}{{ x is defined }}", "{% for x in l %}{{ y }}{% set y = x %}{% endfor %}", "{% if true %}{{ z }}{% set z = 1 %}{% endif %}{{ z }}", "{% set i = i + 1 %}{{ i }}{% for q in l %}{% set i = i + 1 %}{{ i }}{% endfor %}{{ i }}",
    "{% set q = joiner(', ') %}{% for x in l %}{{ q() }}{{ x }}{% endfor %}{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", "{% set ns = namespace(l=[]) %}{% for x in l %}{% set ns.l = ns.l + [x] %}{% endfor %}{{ ns.l }}",
    "{{ [1, 2, 3]|map('nope') is defined }}{% set g = [1]|map('nope') %}ok", "{{ l|map('upper')|first }}", "{% if nope.x %}{% endif %}", "{% if nope is defined and nope.x %}a{% else %}b{% endif %}", "{{ msgs[0]['role'] }}{{ msgs[-1].content }}{{ msgs[1:]|length }}{{ msgs[::-1][0].content }}", "{{ msgs|map(attribute='role')|join(',') }}{{ msgs|map(attribute='role')|unique|list }}",
    "{% for m in msgs %}{% if loop.first and m.role == 'system' %}S{% elif m['role'] == 'user' %}U:{{ m['content'] | trim }}{% else %}{{ raise_exception('Unknown role ' + m.role) }}{% endif %}{% endfor %}", "line1\nline2 {{ nope.x }}\n", "{% set x = namespace(v='') %}{% for c in 'abc' %}{% set x.v = x.v ~ c ~ '-' %}{% endfor %}{{ x.v }}", "{% set x = 'a' %}{% set y = x + 'b' %}{% set z = x + 'c' %}{{ x }}{{ y }}{{ z }}{{ y + 'd' }}{{ y + 'e' }}",
]


CHAT_TEMPLATES = [
    # One text a message, tools up front, reasoning kept.
    "{{ bos_token }}{% if tools %}[tools]{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n{% endif %}{% for message in messages %}"
    "<|{{ message.role }}|>{% if message.reasoning_content is defined %}<think>{{ message.reasoning_content }}</think>{% endif %}"
    "{% if message.thinking is defined %}({{ message.thinking|length }}){% endif %}{{ message.content }}"
    "{% for call in message.tool_calls or [] %}{{ call.function.name }}({{ call.function.arguments | tojson }}){% endfor %}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{% endif %}",
    # Parts, trimmed texts, documents, strict roles.
    "{%- for message in messages -%}\n{%- if message['role'] not in ['system', 'user', 'assistant', 'tool'] -%}"
    "{{ raise_exception('Role ' ~ message['role'] ~ ' is not known') }}{%- endif -%}\n[{{ message['role'] | upper }}]"
    "{%- if message['content'] is string %} {{ message['content'] | trim }}{% else %}{% for part in message['content'] %} {{ part['type'] }}:{{ part['text'] }}{% endfor %}{% endif %}\n"
    "{%- endfor %}{% if documents %}{{ documents | map(attribute='title') | join(', ') }}{% endif %}{{ '[ASSISTANT]' if add_generation_prompt }}",
]


def chat_goldens():
    conversations, expected_all = [], []
    for name, chat in all_conversations():
        packed = {key: json.dumps(chat[key]) for key in ("messages", "tools", "documents", "kwargs") if key in chat}
        conversations.append({"name": name, **chat, **packed})
        row = []
        for source in CHAT_TEMPLATES:
            text, kind, message = conformance.expected(source, chat)
            row.append({"text": text} if kind is None else {"kind": kind, "error": message})
        expected_all.append(row)
    return {"made by": "make_goldens.py", "templates": CHAT_TEMPLATES, "special_tokens": conformance.SPECIAL, "conversations": conversations, "expected": expected_all}


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 7, 26, 13, 4, 5)


def sources():
    for line in EXPRESSIONS.split("\n"):
        for expression in re.split(r" \| (?=\S)", line):
            yield "{{ " + expression + " }}"
            parts = expression.split(", ")
            if len(parts) > 1 and not re.search(r"[(\[{\"']", expression):
                yield from ("{{ " + part + " }}" for part in parts)
    yield from TEMPLATES


def expected(source):
    try:
        return {"text": reference._compile_jinja_template(source).render(**copy.deepcopy(VARIABLES))}
    except SyntaxError as error:  # Python's own, where Jinja lets one through
        return {"kind": "SyntaxError", "error": error.msg}
    except Exception as error:
        return {"kind": type(error).__name__, "error": str(error)}


ADDRESS = re.compile(r"(0x[0-9a-f]+)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", nargs="?")
    parser.add_argument("--chat", help="also write the goldens of conversations")
    parser.add_argument("--driver")
    options = parser.parse_args()
    reference.datetime = FixedClock
    cases = []
    for source in dict.fromkeys(sources()):
        want = expected(source)
        if not ADDRESS.search(want.get("text", "") + want.get("error", "")):
            cases.append({"source": source, **want})
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            rows = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
            file.write('{"made by": "make_goldens.py", "variables":\n' + json.dumps(VARIABLES) + ',\n"cases": [\n' + rows + "\n]}\n")
    if options.chat:
        with open(options.chat, "w", encoding="utf-8") as file:
            goldens = chat_goldens()
            file.write("{" + ",\n".join(f"{json.dumps(key)}: " + ("[\n" + ",\n".join(map(json.dumps, value)) + "]" if isinstance(value, list) else json.dumps(value))
                                        for key, value in goldens.items()) + "}\n")
    if not options.driver:
        return
    driver = subprocess.Popen([options.driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    bad = 0
    for case in cases:
        driver.stdin.write(json.dumps({"source": case["source"], "variables": VARIABLES}) + "\n")
        driver.stdin.flush()
        line = driver.stdout.readline()
        if not line:
            sys.exit(f"the driver ended at {case['source']}")
        answer = json.loads(line)
        if "text" in case:
            good = answer.get("text") == case["text"]
        elif answer.get("kind") == "compile":
            good = answer["error"].split(": ", 2)[2] == case["error"].split("\n")[0]
        else:
            good = not answer["ok"] and answer["kind"] == case["kind"] and answer["error"] == case["error"]
        if not good:
            bad += 1
            print(f"{case['source']!r}\n  expected {case.get('text', (case.get('kind'), case.get('error')))!r}\n  found    {answer.get('text', (answer.get('kind'), answer.get('error')))!r}")
    print(f"{len(cases)} cases, {bad} differ")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
