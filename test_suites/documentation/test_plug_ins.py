"""The reference page names every table of plug-ins, and none that is not there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from harness.cli.list_plugins import TABLES

PAGE = Path(__file__).parents[2] / "docs/reference/plug-ins.md"
ROW = re.compile(r"^\| `accredit\.(\w+)` \| `([\w.]+)\.([A-Z_]+)` \|", re.MULTILINE)


def test_every_table_is_on_the_page_with_its_group() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    named = [getattr(import_module(module), table) for _, module, table in rows]

    assert list(map(id, TABLES)) == list(map(id, named))
    assert [table.kind for table in TABLES] == [kind for kind, _, _ in rows]
