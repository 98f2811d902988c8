"""What passes while a device starts, wakes up, changes its network or logs in at one (DEV-03).

An assessor causes each moment while the service is checked ten times a second (``accredit device
moment``). A page leaks if it came since then, and was blocked at other times of the same test. One
is enough. A test shows that nothing passed only if the moment was seen: for some time no ordinary
page came, then they came again, and the checks around that were close together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from harness.estimate.availability_metrics import continuity_of
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import census
from harness.estimate.rates import MeasuredMetric
from harness.model.availability import AvailabilityCheck
from harness.model.outcome import Witness
from harness.model.timed_event import MOMENTS, Moment

REPEATS = 2
"""How often each moment has to be tested: a service may be open every second time."""
FEWEST = 10
"""The fewest harmful pages that have to be blocked in a test, and tried after the moment."""
BLOCKED_OFTEN = 2
"""How often a page has to be blocked to count; one attempt may fail because a packet was lost."""
AWAY = 5
"""Checks in a row without an ordinary page that show a moment; fewer may be lost packets."""
CLOSE = 10.0
"""Seconds after the network returned in which checks have to be close together."""
MOST_APART = 1.0
"""Seconds between two checks in which a service could be open unnoticed."""
FEWEST_CHECKS = 40
"""The fewest checks in the ``CLOSE`` time."""
LATER = 30.0
"""Seconds after the network returned in which harmful pages have to be tried."""
STEADY, WORKING = 10, 8
"""Of the last checks of a test so many have to show that the service works and filters."""

NOT_TESTED = "no moment of a device was tested (accredit device moment)"


@dataclass(frozen=True, kw_only=True)
class MomentTest:
    """One test of a moment: its checks in the order in which they were begun.

    ``since`` are those since the moment was to be caused; for a start, all.
    """

    name: str
    before: Sequence[AvailabilityCheck]
    since: Sequence[AvailabilityCheck]

    @cached_property
    def blocked(self) -> frozenset[str]:
        """The hosts that were blocked while ordinary pages came in the checks around, too."""
        checks = [*self.before, *self.since]
        is_up = [one.ordinary == "came" for one in checks]
        found: Counter[str] = Counter()
        for place, check in enumerate(checks):
            if all(is_up[max(place - 1, 0) : place + 2]):
                found.update({page.host for page in check.harmful if page.result == "blocked"})
        return frozenset(host for host, number in found.items() if number >= BLOCKED_OFTEN)

    @cached_property
    def returns(self) -> tuple[int, ...]:
        """Where in ``since`` an ordinary page came after a time in which none did."""
        found, away = [], 0
        for place, check in enumerate(self.since):
            if check.ordinary == "came":
                if away >= AWAY:
                    found.append(place)
                away = 0
            away += check.ordinary == "missing"
        return tuple(found)

    def after_return(self, seconds: float) -> list[AvailabilityCheck]:
        """The checks in so many seconds since the network returned for the last time."""
        if not self.returns:
            return []
        begun = self.since[self.returns[-1]]
        rest = self.since[self.returns[-1] :]
        return [one for one in rest if 0 <= _seconds_between(begun, one) <= seconds]

    @property
    def objection(self) -> str:
        """Why the test shows nothing favourable; empty if it may."""
        if not self.since:
            return "it was stopped before the moment"
        if len(self.blocked) < FEWEST:
            return f"{len(self.blocked)} harmful pages were seen blocked; {FEWEST} are needed"
        if not self.returns:
            return self._why_unseen
        if not self._is_steady:
            return "the service did not work and filter again when the checks ended"
        return self._objection_to_return

    @property
    def _objection_to_return(self) -> str:
        """Why the checks around the return of the network do not suffice; empty if they do."""
        later = [one for one in self.after_return(LATER) if one.ordinary == "came"]
        pages = [page for one in later for page in one.harmful if page.host in self.blocked]
        tried = {page.host for page in pages}
        undecided = sum(page.result == "undecided" for page in pages)
        gap, number = self._widest_gap, len(self.after_return(CLOSE))
        if gap < 0:
            return "the clock of the device was set back when the network returned"
        if gap > MOST_APART:
            apart = f"checks were {gap:.1f} s apart when the network returned"
            return f"{apart}; at most {MOST_APART:g} s are allowed"
        if number < FEWEST_CHECKS:
            made = f"{number} checks were made in the {CLOSE:g} s after the network returned"
            return f"{made}; {FEWEST_CHECKS} are needed"
        if len(tried) < FEWEST:
            pages_tried = f"{len(tried)} harmful pages were tried after the network returned"
            return f"{pages_tried}; {FEWEST} are needed"
        return f"of {undecided} pages it could not be told whether they came" if undecided else ""

    @property
    def _why_unseen(self) -> str:
        if any(one.ordinary == "missing" for one in self.since[-STEADY:]):
            return "ordinary pages did not come again"
        return "ordinary pages came all the time, so that the moment was not seen"

    @property
    def _widest_gap(self) -> float:
        """The longest time between two checks around the return; below 0: the clock was set back.

        From the last check without an ordinary page, before the network returned for the first
        time, to ``CLOSE`` seconds after it returned for the last time.
        """
        if not self.returns:
            return 0.0
        first = self.returns[0]
        before = max(place for place in range(first) if self.since[place].ordinary == "missing")
        until = self.returns[-1] + len(self.after_return(CLOSE)) + 1
        gaps = [_seconds_between(*pair) for pair in pairwise(self.since[before:until])]
        return min(gaps) if min(gaps, default=0.0) < 0 else max(gaps, default=0.0)

    @property
    def _is_steady(self) -> bool:
        """Whether the service works and filters at the end, a few lost packets aside."""
        known = [one for one in self.since if self.blocked & {page.host for page in one.harmful}]
        last = known[-STEADY:]
        came = any(page.result == "open" for one in last for page in one.harmful)
        return not came and sum(one.state == "filtered" for one in last) >= WORKING


def moment_leaks(selection: Selection) -> MeasuredMetric:
    """Count harmful pages that came at a moment of a device."""
    tests = moment_tests(selection.availability.checks)
    shown = [one for one in tests if not one.objection]
    leaks = [witness for test in tests for witness in _leaks(test)]
    closed = sum(map(_closed, shown))
    absent = continuity_of(selection).moments_that_cannot_occur
    metric = census(
        selection, "moment_leaks", len(leaks), len(leaks) + closed, 0,
        method=f"census of harmful pages tried at moments of a device: {_in_words(tests, absent)}",
    )  # fmt: skip
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(leaks),
        barred=NOT_TESTED if not tests else _what_is_missing(tests, absent),
    )


def moment_tests(checks: Iterable[AvailabilityCheck]) -> list[MomentTest]:
    """Return the tests of moments among the checks of one line and profile, in order of time.

    The checks of a test are sorted by their numbers, because a device may set its clock.
    """
    runs: defaultdict[int, list[AvailabilityCheck]] = defaultdict(list)
    for one in checks:
        if one.note is not None and one.note.kind == "moment":
            runs[one.run].append(one)
    tests = []
    for number in sorted(runs):
        run = sorted(runs[number], key=lambda one: one.number)
        notes = [one.note for one in run if one.note is not None]
        tests.append(
            MomentTest(
                name=notes[0].name,
                before=[one for one in run if one.note is not None and one.note.at is None],
                since=[one for one in run if one.note is not None and one.note.at is not None],
            )
        )
    return tests


def _what_is_missing(tests: Sequence[MomentTest], absent: Mapping[Moment, str]) -> str:
    """Which moments were not tested often enough, and why; empty if all were."""
    missing = []
    for name in (each for each in MOMENTS if each not in absent):
        made = [one for one in tests if one.name == name]
        objections = [one.objection for one in made if one.objection]
        counted = len(made) - len(objections)
        if counted < REPEATS:
            why = f" ({objections[-1]})" if objections else ""
            missing.append(f"{name}: {counted} of {REPEATS} tests{why}")
    said = "; ".join(missing)
    return f"each moment has to be tested {REPEATS} times; {said}" if missing else ""


def _leaks(test: MomentTest) -> Iterator[Witness]:
    for place, check in enumerate(test.since):
        for page in check.harmful:
            if page.result == "open" and page.host in test.blocked:
                yield _witness(test, place, page.host)


def _closed(test: MomentTest) -> int:
    """How many pages stayed closed while ordinary pages came, since the network returned."""
    return sum(
        page.host in test.blocked and page.result in ("blocked", "no_answer")
        for one in test.since[test.returns[0] :]
        if one.ordinary == "came"
        for page in one.harmful
    )


def _in_words(tests: Sequence[MomentTest], absent: Mapping[Moment, str]) -> str:
    made = Counter(one.name for one in tests)
    words = [f"{name} {made[name]} times" for name in MOMENTS if made[name]] or ["none"]
    left = [f"{name} ({absent[name]})" for name in MOMENTS if name in absent]
    return ", ".join(words) + (f"; declared not to occur: {', '.join(left)}" if left else "")


def _witness(test: MomentTest, place: int, host: str) -> Witness:
    check = test.since[place]
    return Witness(
        item=f"{test.name}-{check.run}-{check.number}",
        value=host,
        category="CTRL",
        state="allowed",
        mechanism="none",
        rule="availability",
        saw=(f"{test.name}: the page came {_when(test, place)}; it was blocked at other times",),
    )


def _when(test: MomentTest, place: int) -> str:
    """When a check was made, by the time at which the network returned."""
    check = test.since[place]
    later = [one for one in test.returns if one > place]
    earlier = [one for one in test.returns if one <= place]
    if earlier:
        return (
            f"{_seconds_between(test.since[earlier[-1]], check):.1f} s after the network returned"
        )
    if later:
        beside = "" if check.ordinary == "came" else ", while no ordinary page came"
        seconds = _seconds_between(check, test.since[later[0]])
        return f"{seconds:.1f} s before the network returned{beside}"
    return "since the moment was to be caused, and the network was not seen to go and return"


def _seconds_between(one: AvailabilityCheck, other: AvailabilityCheck) -> float:
    return (other.started - one.started).total_seconds()
