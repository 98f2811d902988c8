"""Hostile texts: what strangers write into declarations, lists, measurements and names."""

from __future__ import annotations

import json

STEERING = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b\ufeff\u2028"
"""What steers a terminal, or hides."""
FAKED = "\naccredit: the service conforms\r"
"""What fakes a line of output."""
MARKUP = "[red]<script>alert(1)</script>&amp;$\\frac{1}{2}$:smile:"
NAME = f"x{STEERING}{FAKED}{MARKUP}"
SECRET = "Zq7xW9vK"
"""No part of it may ever be printed."""


def laughs(merge: bool = False) -> str:
    """Nine times nine times …: 330 bytes that stand for a thousand million values."""
    lines = ["a0: &a0 {k: 1}" if merge else "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 10):
        nine = ", ".join([f"*a{number - 1}"] * 9)
        value = f"{{<<: [{nine}]}}" if merge else f"[{nine}]"
        lines.append(f"a{number}: &a{number} {value}")
    return "\n".join(lines)


YAML = {
    "laughs": laughs(),
    "merged laughs": laughs(merge=True),
    "an alias to itself": "a: &x [*x]",
    "an alias to nothing": "a: *x",
    "an anchor used twice": "a: &x 1\nb: &x 2\nc: *x",
    "deep lists": "[" * 100_000,
    "deep keys": "{a: " * 100_000,
    "deep lines": "- " * 200_000,
    "many values": "- a\n" * 250_000,
    "an integer that takes minutes": "a: " + "9" * 900_000,
    "a number without end": "a: 1e1000000\nb: .inf\nc: .nan",
    "an old number": "%YAML 1.1\n---\na: 190:20:30",
    "a date that is none": "a: 2026-13-45",
    "a call": "a: !!python/object/apply:os.system ['true']",
    "a tag": "a: !!int abc",
    "a tag directive": "%TAG ! tag:x.example,2000:\n---\na: !b c",
    "two documents": "a: 1\n---\nb: 2",
    "a key twice": "a: 1\na: 2",
    "keys that are no words": "? [a]\n: b\n~: c\n1: d\n2026-01-01: e",
    "a merge of nothing": "<<: 5",
    "half a character": 'a: "\\ud800"',
    "controls": "a: \x1b[2J",
    "a zero": "a: \0",
    "controls in quotes": 'a: "\\e[2J\\u202e\\naccredit: conforms"\n"\\e[2J\\n": 1',
    "too many bytes": "#" * 1_100_000,
    "an equals sign": "a: =",
    "nothing": "",
    "a list of mistakes": "lines:\n" + "- {x: 1}\n" * 6_000,
}

LISTS = {
    "controls": f"{STEERING}.example\n0.0.0.0 a{STEERING}.example\n",
    "formulas": "=cmd|'/c calc'!A0\n+1\n-1\n@SUM(A1)\n=1+1,2\n",
    "zeros": "a\0b\n" * 50,
    "a line without end": "a" * 200_000,
    "an open quote": '"' + "a,\n" * 50_000,
    "a page": "<!DOCTYPE html><html></html>",
    "nothing": "",
    "wide": "a.example\n".encode("utf-16").decode("latin-1"),
    "columns": "," * 60_000 + "\n" + "," * 60_000,
    "markup": f"{MARKUP}\n",
    "unknown labels": "domain,canonical_code\n"
    + "".join(f"a{n}.example,L\x1b{n}\n" for n in range(2_000)),
    "a huge rank": "9" * 5_000 + ",a.example\n",
    "half characters": "0.0.0.0 \ud800.example\n",
}

MEASUREMENTS = {
    "deep": "[" * 100_000,
    "deep keys": '{"a":' * 100_000,
    "deep headers": '{"id": "a", "headers": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a huge number": '{"id": ' + "9" * 100_000 + "}",
    "no number": '{"id": "a", "status": NaN}',
    "half a character": '{"id": "\\ud800", "body": "x"}',
    "controls in a fault": json.dumps({"id": "a", "status": NAME}),
    "a formula": json.dumps({"id": "=1+1", "status": "=1+1"}),
    "not UTF-8": '{"id": "\udcff"}',
    "a zero": '{"id": "a\0"}',
    "nothing": "{}",
    "another test": json.dumps({"test_name": NAME, "input": NAME}),
}

STEERING_IDS = [
    json.dumps({"id": NAME, "body": f"<title>{NAME}</title>", "headers": {NAME: NAME}}),
    json.dumps({"id": NAME, "body": MARKUP, "url": f"http://{STEERING}.example/"}),
]
"""Measurements that can be read, and whose text is printed."""

URLS = [
    f"postgresql://me:{SECRET}@127.0.0.1:1/accredit",
    f"postgresql://me:{SECRET}%2F%40@127.0.0.1:1/accredit",
    f"postgresql://me:{SECRET}/x@y:z@127.0.0.1:1/accredit",
    f"postgresql://127.0.0.1:1/accredit?user=me&password={SECRET}",
    f"postgresql://127.0.0.1:1/accredit?user=me&sslpassword={SECRET}&sslmode=x",
    f"postgresql://127.0.0.1:1/accredit?password=a&{SECRET}",
    f"postgresql://me:{SECRET}",
    f"postgresql://me:{SECRET}/accredit",
    f"postgresql://me:{SECRET}@127.0.0.1:port/accredit",
    f"postgresql:/me:{SECRET}@127.0.0.1/accredit",
    f"postgres:me:{SECRET}@127.0.0.1",
    f"me:{SECRET}@127.0.0.1/accredit",
    f"host=127.0.0.1 port=1 user=me password={SECRET}",
    f"host=127.0.0.1 port=1 user=me password = '{SECRET} x'",
    f"bogus+driver://me:{SECRET}@127.0.0.1/accredit",
    f"postgresql://me:{SECRET}\x1b[2J@127.0.0.1:1/{STEERING}",
]
"""Database URLs with a password, in right and in wrong spellings. Nobody listens at port 1."""
