"""Each type that msgspec reads is made known to it while its module is imported.

msgspec 0.22 learns the fields of a type when it first reads one. A second thread that reads the
same type meanwhile finds it half learnt, and the process ends by a segmentation fault.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from test_suites.kit.rooms import modules, syntax

ROOMS = ("harness", "corpora", "probes", "reports")

TWO_THREADS = """
import sys, threading
import msgspec
sys.setswitchinterval(1e-6)
for number in range(200):
    inner = msgspec.defstruct(f"Inner{number}", [(f"f{each}", int) for each in range(20)])
    outer = msgspec.defstruct(f"Outer{number}", [(f"g{each}", inner) for each in range(5)])
    decoder = msgspec.json.Decoder(outer)
    text = msgspec.json.encode({f"g{a}": {f"f{b}": 1 for b in range(20)} for a in range(5)})
    barrier = threading.Barrier(2)
    def read():
        barrier.wait()
        decoder.decode(text)
    threads = [threading.Thread(target=read) for _ in range(2)]
    [each.start() for each in threads]
    [each.join() for each in threads]
"""


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node


def _is_plain(kind: ast.expr) -> bool:
    """Whether a type has no fields to learn."""
    return ast.unparse(kind).startswith(("dict[", "list[")) or ast.unparse(kind) == "Time"


def test_no_function_makes_a_type_known() -> None:
    found = [
        f"{path}:{call.lineno}: use a Decoder that is made at import"
        for path in modules(*ROOMS)
        for call in _calls(path, "msgspec.json.decode")
        for keyword in call.keywords
        if keyword.arg == "type" and not _is_plain(keyword.value)
    ]

    assert [] == found


def test_what_is_converted_is_known_before() -> None:
    found = [
        f"{path}:{call.lineno}: make a Decoder of the type at import"
        for path in modules(*ROOMS)
        for call in _calls(path, "msgspec.convert")
        if not _is_plain(call.args[1]) and not list(_decoders(path))
    ]

    assert [] == found


def _decoders(path: Path) -> Iterator[ast.Call]:
    return _calls(path, "msgspec.json.Decoder")


def _at_import(path: Path, call: ast.Call) -> bool:
    """Whether a call is in no function."""
    functions = [node for node in ast.walk(syntax(path)) if isinstance(node, ast.FunctionDef)]
    return not any(each.lineno <= call.lineno <= (each.end_lineno or 0) for each in functions)


def test_every_decoder_is_made_at_import() -> None:
    found = [
        f"{path}:{call.lineno}"
        for path in modules(*ROOMS)
        for call in _decoders(path)
        if not _at_import(path, call)
    ]

    assert [] == found


def test_two_threads_read_a_type_that_is_known() -> None:
    ended = subprocess.run([sys.executable, "-c", TWO_THREADS], check=False, capture_output=True)

    assert 0 == ended.returncode, ended.stderr.decode()
