"""What passes while a fault lasts (AVL-03), or on the backup line after a failover (AVL-02).

An assessor causes the fault while the service is checked (``accredit availability fault``,
``failover``). A page leaks if it was blocked before the fault and came since then. A test counts
only if checks show that the service worked before, that something happened, and that it worked
again at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from harness.estimate.availability_metrics import continuity_of
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import census, part
from harness.estimate.outages import BAD
from harness.estimate.rates import MeasuredMetric
from harness.model.availability import AvailabilityCheck
from harness.model.outcome import Witness
from harness.model.timed_event import TestKind

TAKEOVER = 60.0
"""Seconds within which a backup line has to take over (proposed by this project)."""
FEWEST = 10
"""The fewest harmful pages that have to be blocked before a fault, and tried since then."""
MOST_APART = 15.0
"""Seconds between two checks in a fault in which a service could be open unnoticed."""
STEADY = 2
"""How many checks in a row show that a service works again."""

NO_FAULT = "no fault was caused while the service was checked (accredit availability fault)"
NO_FAILOVER = (
    "the main connection was not disconnected while the service was checked "
    "(accredit availability failover)"
)
UNDECLARED = "what the service does in a fault is not declared (service.continuity.in_a_fault)"
NO_TYPES = (
    "the types of the main and the backup connection are not declared "
    "(service.continuity.main and backup)"
)

ON_BACKUP = "harmful pages since the main connection failed"
IN_TIME = f"failovers within {TAKEOVER:g} s"
OTHER_TYPE = "backup connections of another type"


class FaultTest(NamedTuple):
    """The checks of one test of a fault: before it, and since then."""

    name: str
    at: datetime | None
    before: Sequence[AvailabilityCheck]
    since: Sequence[AvailabilityCheck]

    @property
    def blocked_before(self) -> frozenset[str]:
        """The hosts that were blocked before the fault."""
        pages = (page for one in self.before for page in one.harmful)
        return frozenset(page.host for page in pages if page.result == "blocked")

    @property
    def objection(self) -> str:
        """Why the test shows nothing favourable; empty if it may."""
        hosts = self.blocked_before
        counted = [one for one in self.since if hosts & {page.host for page in one.harmful}]
        tried = {page.host for one in counted for page in one.harmful} & hosts
        gaps = [_seconds_between(one, other) for one, other in pairwise(self.since)]
        checks = (
            (not counted, "it was stopped before the fault"),
            (
                len(hosts) < FEWEST,
                f"{len(hosts)} harmful pages were blocked before the fault; {FEWEST} are needed",
            ),
            (
                not any(one.state in BAD for one in counted),
                "no check shows an effect of the fault",
            ),
            (
                any(one.state != "filtered" for one in counted[-STEADY:]),
                "the service did not work again when the checks ended",
            ),
            (
                len(tried) < FEWEST,
                f"{len(tried)} harmful pages were tried since the fault; {FEWEST} are needed",
            ),
            (
                max(gaps, default=0.0) > MOST_APART,
                f"checks were up to {max(gaps, default=0.0):.0f} s apart; at most {MOST_APART:g} s",
            ),
        )
        return next((f"{self.name}: {words}" for is_met, words in checks if is_met), "")


def _seconds_between(one: AvailabilityCheck, other: AvailabilityCheck) -> float:
    return (other.started - one.started).total_seconds()


class Leaks(NamedTuple):
    """How many pages leaked, how many stayed closed, how many cannot be decided; and which."""

    opened: int
    closed: int
    undecided: int
    witnesses: tuple[Witness, ...]


def fault_leaks(selection: Selection) -> MeasuredMetric:
    """Count harmful pages that came while a fault lasted."""
    tests = fault_tests(selection.availability.checks, "fault")
    leaks = _leaks(tests)
    metric = census(
        selection, "fault_leaks", leaks.opened, leaks.opened + leaks.closed, leaks.undecided,
        method=f"census of harmful pages tried in {len(tests)} faults: {_names(tests)}",
    )  # fmt: skip
    is_declared = continuity_of(selection).in_a_fault is not None
    why = "" if is_declared else UNDECLARED
    return MeasuredMetric(
        metric=metric,
        witnesses=leaks.witnesses,
        barred=NO_FAULT if not tests else _first_objection(tests) or why,
    )


def failover_leaks(selection: Selection) -> MeasuredMetric:
    """Count what went wrong when the main connection was disconnected.

    A harmful page that came, a failover that took longer than ``TAKEOVER``, and a backup connection
    of the same type as the main one count each.
    """
    tests = fault_tests(selection.availability.checks, "failover")
    leaks, times = _leaks(tests), [_time_to_recover(one) for one in tests]
    late = sum(least > TAKEOVER for least, _ in times)
    in_time = sum(most is not None and most <= TAKEOVER for _, most in times)
    declared = continuity_of(selection)
    main, backup = declared.main.strip().casefold(), declared.backup.strip().casefold()
    is_declared = bool(main and backup)
    is_same = is_declared and main == backup
    open_ = leaks.undecided + len(tests) - late - in_time
    wrong = leaks.opened + late + int(is_same and bool(tests))
    tried = leaks.opened + leaks.closed
    parts = (
        part(selection, ON_BACKUP, leaks.opened, tried, leaks.undecided),
        part(selection, IN_TIME, late, late + in_time, len(tests) - late - in_time),
        part(selection, OTHER_TYPE, int(is_same), int(is_declared), 0),
    )
    metric = census(
        selection, "failover_leaks", wrong, tried, open_,
        method=f"every page and failover counts; {_times_in_words(tests, times)}", parts=parts,
    )  # fmt: skip
    why = "" if is_declared else NO_TYPES
    return MeasuredMetric(
        metric=metric,
        witnesses=leaks.witnesses,
        barred=NO_FAILOVER if not tests else _first_objection(tests) or why,
    )


def fault_tests(checks: Iterable[AvailabilityCheck], kind: TestKind) -> list[FaultTest]:
    """Return the tests of a kind among the checks of one line and profile, in order of time."""
    runs: defaultdict[int, list[AvailabilityCheck]] = defaultdict(list)
    for one in checks:
        if one.note is not None and one.note.kind == kind:
            runs[one.run].append(one)
    tests = []
    for run in runs.values():
        notes = [one.note for one in run if one.note is not None]
        tests.append(
            FaultTest(
                name=notes[0].name,
                at=notes[-1].at,
                before=[one for one in run if one.note is not None and one.note.at is None],
                since=[one for one in run if one.note is not None and one.note.at is not None],
            )
        )
    return tests


def _leaks(tests: Iterable[FaultTest]) -> Leaks:
    opened = closed = undecided = 0
    witnesses: list[Witness] = []
    for test in tests:
        hosts = test.blocked_before
        for check in test.since:
            for page in check.harmful:
                if page.host not in hosts:
                    continue
                opened += page.result == "open"
                closed += page.result in ("blocked", "no_answer")
                undecided += page.result == "undecided"
                if page.result == "open":
                    witnesses.append(_witness(test, check, page.host))
    return Leaks(opened, closed, undecided, tuple(witnesses))


def _time_to_recover(test: FaultTest) -> tuple[float, float | None]:
    """Seconds without pages, until they came again for good: at least, and at most.

    At most is None if they did not. How long the assessor took to cause the fault does not count.
    """
    checks = [*test.before[-1:], *test.since]
    down = [place for place, one in enumerate(checks) if one.state == "down"]
    if not down:
        return 0.0, None
    works = [one.state in ("filtered", "unfiltered") for one in checks]
    least = _seconds_between(checks[down[0]], checks[down[-1]])
    again = len(works) - works[::-1].index(False)
    if len(works) - again < STEADY:
        return least, None
    begun = max((place for place in range(down[0]) if works[place]), default=0)
    return least, _seconds_between(checks[begun], checks[again])


def _first_objection(tests: Iterable[FaultTest]) -> str:
    return next((one.objection for one in tests if one.objection), "")


def _names(tests: Iterable[FaultTest]) -> str:
    return ", ".join(one.name for one in tests) or "none"


def _times_in_words(tests: Sequence[FaultTest], times: Sequence[tuple[float, float | None]]) -> str:
    words = []
    for test, (least, most) in zip(tests, times, strict=True):
        until = f"{least:.0f} s or more" if most is None else f"{least:.0f} s to {most:.0f} s"
        words.append(f"{test.name}: no pages came for {until}")
    return "; ".join(words) or "no failover"


def _witness(test: FaultTest, check: AvailabilityCheck, host: str) -> Witness:
    assert test.at is not None
    after = (check.started - test.at).total_seconds()
    return Witness(
        item=f"{test.name}-{check.number}",
        value=host,
        category="CTRL",
        state="allowed",
        mechanism="none",
        rule="availability",
        saw=(f"{test.name}: the page came {after:.1f} s after the fault; it was blocked before",),
    )
