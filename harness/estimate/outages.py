"""The outage log: how long a service was up and filtered, from checks at random moments.

Between two checks that show the same, at most ``MOST_GAP`` seconds apart, it is taken to have
stayed so. Between checks that differ it may have changed at any moment; such time, and time that is
unknown because the tester or its control line did not work, counts for and against the service, so
that each outage has a least and a greatest length. A check that shows the service up in part
(*partial*) is named like an outage, but is time in which it was up: the share of its requests that
were lost is counted beside the time (``harness.estimate.availability_metrics``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from harness.model.availability import (
    SLOT,
    AvailabilityCheck,
    AvailabilityChecks,
    CheckState,
    Maintenance,
)

MOST_GAP = 2 * SLOT + 6.0
"""Seconds between two checks from which on nothing is known of the time between them.

Random moments of two slots that follow each other are up to two slots apart; a check itself takes a
few seconds.
"""

BAD: frozenset[CheckState] = frozenset({"unfiltered", "down"})
"""What a check shows in an outage: a service without filtering is not available either."""
UP: frozenset[CheckState] = frozenset({"filtered", "partial"})
"""What a check shows while the service is up, at least in part."""


class Outage(NamedTuple):
    """A time in which a service was down, up in part or unfiltered, on a line and for a profile.

    ``begins`` and ``ends`` are the first and the end of the last check that shows it; ``good`` is
    the last check before it that shows a filtered service, ``better`` the first one after it. These
    are None if there is none, as when the outage lasted until the end. ``least`` is its least
    length in seconds, without time in which nothing is known. ``checks`` show it.
    """

    line: str
    profile: str
    state: str
    why: str
    good: datetime | None
    begins: datetime
    ends: datetime
    better: datetime | None
    least: float
    checks: int

    @property
    def most(self) -> float | None:
        """Its greatest length in seconds; None if it is not known when it began or ended."""
        if self.good is None or self.better is None:
            return None
        return (self.better - self.good).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageLog:
    """Seconds of each kind, the outages, and the checks that count.

    ``announced`` is time of maintenance, which does not count otherwise; ``between`` are times
    between checks that differ. ``isolated`` outages were seen by one check,
    ``isolated_seconds`` is their greatest length together. ``lost`` is the share of ordinary
    requests that did not come in checks that show the service up, each check counted as 1.
    """

    good: float
    bad: float
    between: float
    unknown: float
    announced: float
    outages: tuple[Outage, ...]
    checks: tuple[AvailabilityCheck, ...]
    isolated: int
    isolated_seconds: float
    lost: float

    @property
    def total(self) -> float:
        """The time that counts, in seconds."""
        return self.good + self.bad + self.between + self.unknown

    @property
    def share(self) -> float | None:
        """The share of the known time in which the service was up and filtered.

        Half of the time between checks that differ counts, and requests that were lost meanwhile
        are taken off as the share of the checks.
        """
        seen = self.total - self.unknown
        if not seen:
            return None
        decided = sum(one.state != "unknown" for one in self.checks)
        return max(0.0, (self.good + self.between / 2) / seen - self.lost / max(1, decided))


def outage_log(
    checks: Iterable[AvailabilityCheck], maintenance: Sequence[Maintenance] = ()
) -> OutageLog:
    """Return the outage log of the checks of one line and profile, in order of time.

    Checks of a test of a fault do not count: it is caused on purpose. What was down during a
    ``maintenance`` does not count, but what was unfiltered does.
    """
    counted = [
        one
        for one in checks
        if one.note is None
        if one.state == "unfiltered" or not any(_is_in(one.started, each) for each in maintenance)
    ]
    seconds = {"good": 0.0, "bad": 0.0, "between": 0.0, "unknown": 0.0, "announced": 0.0}
    for one, other in pairwise(counted):
        for kind, length in _between(one, other, maintenance):
            seconds[kind] += length
    if counted and counted[-1].state in BAD:
        seconds["bad"] += (counted[-1].ended - counted[-1].started).total_seconds()
    isolated = [one for one in _outages(counted, UP) if one.checks == 1]
    return OutageLog(
        **seconds,
        outages=tuple(_outages(counted, frozenset({"filtered"}))),
        checks=tuple(counted),
        isolated=len(isolated),
        isolated_seconds=sum(one.most or 0.0 for one in isolated),
        lost=sum(1 - one.share for one in counted if one.state in UP),
    )


def all_outages(
    availability: AvailabilityChecks, maintenance: Sequence[Maintenance] = ()
) -> list[Outage]:
    """Return the outages on all lines and for all profiles, by time."""
    places = sorted((one.line, one.profile) for one in availability.spans)
    logs = (outage_log(availability.of(*place).checks, maintenance) for place in places)
    return sorted((one for log in logs for one in log.outages), key=lambda one: one.begins)


def _between(
    one: AvailabilityCheck, other: AvailabilityCheck, maintenance: Sequence[Maintenance]
) -> Iterator[tuple[str, float]]:
    """Yield the kinds of the time between the beginnings of two checks, with its seconds."""
    length = (other.started - one.started).total_seconds()
    is_open = "unfiltered" in (one.state, other.state)
    windows = () if is_open else maintenance
    announced = sum(_overlap(one.started, other.started, each) for each in windows)
    counted = max(0.0, length - announced)
    yield "announced", length - counted
    if counted > MOST_GAP:
        yield "unknown", counted
        return
    states = _kind(one), _kind(other)
    if states[0] == states[1]:
        yield states[0], counted
        return
    seen = 0.0
    if states[0] == "bad":
        seen = min(counted, (one.ended - one.started).total_seconds())
        yield "bad", seen
    yield ("unknown" if "unknown" in states else "between"), counted - seen


def _kind(check: AvailabilityCheck) -> str:
    return "bad" if check.state in BAD else "good" if check.state in UP else "unknown"


def _outages(
    checks: Sequence[AvailabilityCheck], working: frozenset[CheckState]
) -> Iterator[Outage]:
    """Yield each run of checks that show no ``working`` service.

    An unknown check, or a gap, belongs to an outage only between two checks that show it.
    """
    good: datetime | None = None
    run: list[AvailabilityCheck] = []
    for one in checks:
        if one.state in working:
            if run:
                yield _outage(run, good, one.started)
                run = []
            good = one.started
        elif run or one.state != "unknown":
            run.append(one)
    if run:
        yield _outage(run, good, None)


def _outage(
    run: Sequence[AvailabilityCheck], good: datetime | None, better: datetime | None
) -> Outage:
    shown = [one for one in run if one.state != "unknown"]
    lengths = (each for pair in pairwise(run) for each in _between(*pair, ()))
    least = sum(seconds for kind, seconds in lengths if kind == "bad")
    if run[-1].state in BAD:
        least += (run[-1].ended - run[-1].started).total_seconds()
    states = dict.fromkeys(one.state for one in shown)
    return Outage(
        line=run[0].line,
        profile=run[0].profile,
        state=" and ".join(states),
        why=run[0].why,
        good=good,
        begins=run[0].started,
        ends=max(one.ended for one in shown),
        better=better,
        least=least,
        checks=len(shown),
    )


def _is_in(moment: datetime, window: Maintenance) -> bool:
    return window.begins <= moment < window.ends


def _overlap(begins: datetime, ends: datetime, window: Maintenance) -> float:
    both = min(ends, window.ends) - max(begins, window.begins)
    return max(timedelta(0), both).total_seconds()
