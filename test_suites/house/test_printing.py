"""Whatever is printed goes through one module, which escapes what could steer a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from test_suites.kit.rooms import modules, syntax

SEAM = (Path("harness/cli/printing.py"), Path("harness/cli/drawing.py"))
STREAMS = Path("harness/cli/process.py")
"""Puts the standard streams in order for that module, and prints nothing."""
GUARD = Path("harness/cli/monitored_command.py")
"""Runs without the packages; what it writes goes to the monitor, which prints it."""
STYLED = {*SEAM, Path("reports/terminal.py")}
"""Who makes styled text: both escape it."""


def _called(node: ast.Call) -> str:
    """The dotted name of what is called."""
    return ast.unparse(node.func)


def _printing(path: Path) -> Iterator[str]:
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Call) and _called(node) in {
            "print", "Console", "rich.print", "typer.echo", "typer.secho", "click.echo",
            "pprint", "pprint.pprint", "warnings.warn",
        }:  # fmt: skip
            yield f"{path}:{node.lineno}: {_called(node)}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"}:
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def test_nothing_prints_beside_the_printing_module() -> None:
    rooms = ("harness", "corpora", "probes", "reports")
    found = [
        each
        for path in modules(*rooms)
        if path not in (*SEAM, STREAMS, GUARD)
        for each in _printing(path)
    ]

    assert [] == found


def test_text_is_styled_where_it_is_escaped() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in modules("harness", "corpora", "probes", "reports")
        if path not in STYLED
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and _called(node) in {"Text", "Text.from_markup"}
    ]

    assert [] == found


def test_the_printing_modules_are_found_to_print() -> None:
    assert list(_printing(SEAM[0]))
    assert list(_printing(STREAMS))
