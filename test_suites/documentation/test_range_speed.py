"""The reference of the range's speed: its faults file is read, and each fault has its row."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cli.range import read_faults
from probes.range.faults import SHARE_KINDS, SPEED_KINDS, WORD_KINDS, Fault, FaultKind
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/range-speed.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(speed-[a-z-]+)` \| (.*)$", PAGE, re.MULTILINE))


def test_each_fault_of_speed_has_its_row_in_order() -> None:
    assert [kind for kind in FaultKind if kind in SPEED_KINDS] == list(ROWS)


def test_each_row_names_the_options_of_its_fault() -> None:
    usual = Fault(kind=FaultKind.SLOW)
    for kind in SPEED_KINDS:
        assert (kind in SHARE_KINDS) == (f"`share` (default {usual.share:g}), `seed`" in ROWS[kind])
        assert (kind in WORD_KINDS) == ("`words`" in ROWS[kind])
    for kind in (FaultKind.SPEED_DOWN, FaultKind.SPEED_UP):
        assert f"`rate` (default {usual.rate:.0f})" in ROWS[kind]
    assert f"`seconds` (default {usual.seconds:g})" in ROWS[FaultKind.SPEED_JITTER]
    assert f"`connections` (default {usual.connections})" in ROWS[FaultKind.SPEED_OPEN]


def test_the_faults_file_of_the_page_is_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "faults.yaml"
    path.write_text(block)

    faults = [each.fault() for each in read_faults(path).faults]
    assert {fault.kind for fault in faults} == SPEED_KINDS | {FaultKind.SLOW}
    assert (faults[0].rate, faults[4].connections) == (1_000_000, 8)
    assert faults[-1].service == "origin"
