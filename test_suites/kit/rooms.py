"""The five rooms as files, for the house rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("harness", "test_suites", "corpora", "probes", "reports")


def modules(*rooms: str) -> Iterator[Path]:
    """Every Python file of the rooms (all five by default), relative to the root."""
    for room in rooms or ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "fixtures" not in path.parts:
                yield path.relative_to(ROOT)


def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file given relative to the root."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
