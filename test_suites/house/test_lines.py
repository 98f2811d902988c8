"""The reference explains each line that is registered, and each of its options."""

from __future__ import annotations

import re

import pytest

from harness.plugins import LINES
from test_suites.kit.rooms import ROOT

SECTIONS = dict(
    re.findall(
        r"^## `(\w+)`\n(.*?)(?=^## |\Z)",
        (ROOT / "docs/reference/lines.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)


def test_each_line_has_its_section() -> None:
    ours = {name for name, line in LINES.load().items() if line.__module__.startswith("probes.")}

    assert ours == set(SECTIONS)


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_each_option_has_its_row(name: str) -> None:
    rows = [row.split("|")[1] for row in SECTIONS[name].splitlines() if row.startswith("| `")]
    explained = {option for row in rows for option in re.findall(r"`(\w+)`", row)}

    assert set(LINES.load()[name].Options.model_fields) == explained
