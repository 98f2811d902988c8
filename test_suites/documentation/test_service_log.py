"""The reference of the test range's log: its example is read, and each fault has its row."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cli.range import read_faults
from probes.range.faults import HOLDING_KINDS, LOG_KINDS, SHARE_KINDS, Fault, FaultKind
from probes.range.log_faults import SEARCH_NAMES
from test_suites.kit.networks.service_log import LogLine
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/service-log.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(log-[a-z-]+)` \| (.*)$", PAGE, re.MULTILINE))


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_each_fault_of_the_log_has_its_row_in_order() -> None:
    assert [kind for kind in FaultKind if kind in LOG_KINDS] == list(ROWS)


def test_each_row_names_the_options_of_its_fault() -> None:
    takes_seconds = HOLDING_KINDS | {FaultKind.LOG_CLOCK}
    for kind in LOG_KINDS:
        assert (kind in SHARE_KINDS) == (f"(default {Fault(kind=kind).share})" in ROWS[kind])
        assert (kind in takes_seconds) == (
            f"(default {Fault(kind=kind).seconds:.0f})" in ROWS[kind]
        )
    assert f"(default `{Fault(kind=FaultKind.LOG_WRONG_USER).user}`)" in ROWS["log-wrong-user"]
    assert {"q", "query", "search"} <= SEARCH_NAMES


def test_the_faults_file_of_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(block("yaml"))

    assert ["log-dropped", "log-wrong-user", "log-clock", "log-late"] == [
        fault.kind for fault in read_faults(path).faults
    ]


def test_the_lines_of_the_page_are_of_the_format() -> None:
    lines = [LogLine.read(line) for line in block("text").splitlines()]

    assert ["GET", "CONNECT", "DNS"] == [line.method for line in lines]
    fields = PAGE.partition("## Format")[2].partition("## Faults")[0]
    assert 12 == len(re.findall(r"^\| (?!field|-)", fields, re.MULTILINE))
