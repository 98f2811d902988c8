"""What reviewers state for tests: good answers about every requirement that people judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from harness.cli.assess import keep_stated
from harness.model.people_facts import PeopleAnswerFacts, SeenDocument
from harness.ports.storage import Clock, WallClock
from harness.schemes.people_questions import questions

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
LEAD, GOVERNOR = "Safeguarding lead", "A. Governor"
REPORT = SeenDocument(name="report.pdf", sha256="ab" * 32, bytes=9)


def days_ago(number: int) -> str:
    return (TODAY - timedelta(days=number)).isoformat()


def hours_ago(*numbers: float) -> str:
    return ", ".join((NOW - timedelta(hours=number)).isoformat() for number in numbers)


FIGURES = {
    ("ILL-08", "tested"): days_ago(40),
    ("URL-14", "differences"): "0",
    ("MAL-06", "updated"): hours_ago(30),
    ("MAL-06", "looked"): hours_ago(10),
    ("TLS-04", "public_keys"): ", ".join(str(number) * 64 for number in range(3)),
    ("PRF-09", "ratio"): "3",
    ("PRF-09", "use_percent"): "60",
    ("UPD-01", "updates"): hours_ago(58, 36, 22),
    ("UPD-01", "looked"): hours_ago(10),
    ("PRV-02", "leaks"): "0",
    ("SEC-01", "penetration_test"): days_ago(100),
    ("SUP-02", "references"): "2",
    ("SUP-03", "accredited"): days_ago(200),
    ("SUP-04", "reviewed"): days_ago(300),
}
"""Good answers that are no choice; of choices the good one is what is asked for."""


def good(requirement: str) -> dict[str, str]:
    """Answers by which a requirement is met."""
    choices = {"document": "present", "judgement": "adequate"}
    return {
        one.key: FIGURES.get((requirement, one.key)) or choices.get(one.kind, one.wanted)
        for one in questions()[requirement].asks
    }


def stated(
    requirement: str,
    reviewer: str = LEAD,
    other: Mapping[str, str] = MappingProxyType({}),
    *,
    at: datetime = NOW,
    documents: tuple[SeenDocument, ...] = (REPORT,),
) -> PeopleAnswerFacts:
    """One reviewer's good answers about a requirement, but for ``other`` ones."""
    return PeopleAnswerFacts(
        requirement=requirement,
        reviewer=reviewer,
        at=at,
        said={**good(requirement), **other},
        documents=documents,
        note="because it says so",
    )


def both(
    requirement: str, other: Mapping[str, str] = MappingProxyType({})
) -> list[PeopleAnswerFacts]:
    """The same answers of two reviewers."""
    return [stated(requirement, name, other) for name in (LEAD, GOVERNOR)]


def keep(journal: Path, answers: Iterable[PeopleAnswerFacts], clock: Clock | None = None) -> None:
    """Keep answers in a journal."""
    keep_stated(journal, [(one.requirement, one) for one in answers], clock or WallClock())


BROKEN: Mapping[str, Mapping[str, str]] = {
    "ILL-08": {"tested": days_ago(93)},
    "URL-14": {"differences": "1"},
    "MAL-06": {"updated": hours_ago(35)},
    "TLS-04": {"public_keys": f"{'1' * 64}, {'2' * 64}, {'1' * 64}"},
    "PRF-09": {"ratio": "4"},
    "PRV-02": {"leaks": "1"},
    "UPD-01": {"updates": hours_ago(70, 40, 22)},
    "PRV-01": {"impact": "missing"},
    "SEC-01": {"reachable_by_pupils": "yes"},
    "SUP-01": {"limits": "missing"},
    "SUP-02": {"references": "1"},
    "SUP-03": {"accredited": days_ago(367)},
    "SUP-04": {"reviewed": days_ago(367)},
    "SUP-05": {"private_items": "no"},
}
"""What breaks each requirement alone."""
