"""Terminal output and HTML pages hold words for people, and no internal code."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from harness.campaign.origin_file import write_origin
from harness.cli.conclude import conclude_journal
from harness.cli.main import invoke
from harness.model.metric_spec import SPECS
from harness.model.outcome import Assessment
from harness.ports.network import Origin
from harness.schemes.load import shipped
from reports.documents import Report
from reports.documents.html import render
from reports.terminal import render_assessment
from test_suites.kit.campaigns.held import SCHEMES, names, unpacked
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

MARK = re.compile(r"\[[SMP](?:/[SMP])*(?:[ ,:][^\]]*)?\]")
"""A mark of provenance in the catalogue of requirements, such as ``[M]`` or ``[S, summary]``."""
TEX = re.compile(r"\$|\\[a-z]+")
WORDS = ("unbounded", "not implemented", "want of evidence", "leaning", r"\bn=\d", "held against")
ORDINARY = frozenset({"availability", "missed", "contention", "responsiveness", "overrides"})
"""Metric ids that are ordinary English words as well."""
BLOCKED = ["PORN", "ADLT", "VIOL", "DISC", "DRUG", "ILL", "copper-meadow.accredit.test"]
TRIED = ["PORN", "ADLT", "VIOL", "DISC", "DRUG", "ILL.CSAM", "GAMB"]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a simulated campaign, for every shipped scheme."""
    home = tmp_path_factory.mktemp("codes")
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a.pem", key=b"k" * 32
    )
    write_origin(origin, home / "origin.json")
    campaign = write_campaign(
        home / "simulated",
        origin=home / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCKED}}],
        categories=TRIED,
        control={"type": "simulated"},
    )
    return rehearse(campaign).journal


@cache
def metric_ids() -> re.Pattern[str]:
    """Any metric id as a word of its own."""
    return re.compile(rf"\b(?:{'|'.join(sorted(SPECS.keys() - ORDINARY))})\b")


def texts(assessment: Assessment) -> Iterator[tuple[str, str]]:
    """What people read of an assessment, by where they read it."""
    console = Console(width=400, file=io.StringIO(), color_system=None)
    render_assessment(assessment, console)
    yield "terminal", console.file.getvalue()  # type: ignore[attr-defined]
    tree = LexborHTMLParser(render(Report(assessment=assessment)))
    for style in tree.css("style, script"):
        style.decompose()
    assert tree.root is not None
    yield "page", tree.root.text(separator="\n")


def codes_in(assessment: Assessment) -> list[str]:
    """Each internal code in what people read of an assessment."""
    return codes_of(texts(assessment))


def codes_of(read: Iterable[tuple[str, str]]) -> list[str]:
    """Each internal code in texts by place, with where and in which line."""
    return [
        f"{place}: {found[0]!r} in {line.strip()[:160]!r}"
        for place, text in read
        for line in text.splitlines()
        for pattern in (MARK, TEX, metric_ids(), re.compile("|".join(WORDS)))
        for found in pattern.finditer(line)
    ]


@pytest.mark.parametrize("name", names())
def test_reports_of_recorded_journals_hold_no_internal_code(name: str, tmp_path: Path) -> None:
    assessment, _ = conclude_journal(unpacked(name, tmp_path), SCHEMES.get(name))

    assert codes_in(assessment) == []


@pytest.mark.parametrize("scheme", shipped())
def test_reports_by_every_shipped_scheme_hold_no_internal_code(journal: Path, scheme: str) -> None:
    assert codes_in(conclude_journal(journal, scheme)[0]) == []


@pytest.mark.parametrize("scheme", shipped())
def test_a_shown_scheme_holds_no_internal_code(
    scheme: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")

    assert invoke(["scheme", "show", scheme]) == 0
    assert codes_of([("scheme show", capsys.readouterr().out)]) == []
