"""What is compared of a journal: outcomes, counts, rules and figures, but no sentence."""

from __future__ import annotations

import re
from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from harness.cli.conclude import conclude_journal
from harness.judge.composite_measurements import judge_of
from harness.store.assessments import assessment_document
from harness.store.journal.journal import open_journal
from reports.documents import Report
from reports.documents.html import render
from test_suites.kit.campaigns.held import SCHEMES

CODES = frozenset({
    "id", "conformity", "leaning", "qualifier", "kind", "name", "profile", "line", "category",
    "frame", "decision", "exit_code", "items", "unit", "group", "scheme", "scheme_version",
})  # fmt: skip
"""Keys whose texts are codes, not sentences."""

LEFT = frozenset({
    "concluded", "rules_version", "journal_head", "registry_head", "owner_head", "requirement", "witnesses",
    "corpora", "latencies", "lines", "warnings", "registration", "witnessed",
})  # fmt: skip
"""Of an assessment, what is no result, or is long: times of answers count in the report."""

TOLERANCE = 1e-12
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def figures_of(journal: Path, name: str) -> dict[str, Any]:
    """What is concluded from the journal that is kept as ``name``, as plain values."""
    assessment, _ = conclude_journal(journal, SCHEMES.get(name))
    document = assessment_document(assessment)
    outcomes = {each["id"]: _figures(each) for each in document["outcomes"]}
    return {
        "assessment": _figures(document) | {"outcomes": outcomes},
        "verdicts": _verdicts(journal),
        "report": _tables(render(Report(assessment=assessment))),
    }


def _figures(value: Any, key: str = "") -> Any:
    """Numbers, codes and what holds them; sentences are left out."""
    if isinstance(value, dict):
        kept = {name: _figures(each, name) for name, each in value.items() if name not in LEFT}
        return {name: each for name, each in kept.items() if each not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [each for each in (_figures(one, key) for one in value) if each is not None]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value if key in CODES else None
    return value


def _verdicts(folder: Path) -> dict[str, int]:
    """How many verdicts each rule gave, by line, profile, probe and state."""
    journal = open_journal(folder)
    judge = judge_of(journal.header, journal.sentinels())
    counted = Counter(
        f"{one.key.line} {one.key.profile} {one.key.probe} {one.state} {one.rule} {one.mechanism}"
        for one in judge.verdicts(journal.observations())
    )
    return dict(sorted(counted.items()))


def _tables(page: str) -> list[list[str]]:
    """The numbers in each table of a report, in order, but for those in sentences of reasons."""
    tree = LexborHTMLParser(page)
    for sentence in tree.css("td .why"):
        sentence.decompose()
    return [
        _NUMBER.findall(" ".join(cell.text() for cell in table.css("td")))
        for table in tree.css("table")
    ]
