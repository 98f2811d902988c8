"""A line that one probe passes unfiltered counts against the service, and voids nothing.

A filter that reads names but no pages, or HTTP but no HTTPS, lets the must-block sentinels of one
probe pass in every batch, while it stops those of another on the same line. That is no filter
that was switched off: what passes there passes for pupils as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from harness.judge.pairing import Course
from harness.judge.sentinels import FILTER_IS_ON, Bracket
from harness.model.observation import Observation
from harness.model.outcome import Precondition
from harness.model.verdict import NOTED_PROBES, State, Verdict

NOT_FILTERED = "not-filtered-by-this-probe"

TEACHING = frozenset(
    {
        "tunnel-trouble",
        "token-missing-server-error",
        "dns-servfail",
        "dns-address-unknown",
        "failure-unclear",
        "resolve-trouble",
        "page-not-recognised",
        "notice-beside-content",
        "page-unlike",
        "frame-not-followed",
        "redirect-not-followed",
        "private-redirect",
        "private-address",
        "dns-inner-unvisited",
    }
)
"""Rules that say *insufficient* of an item; of a must-block sentinel, they show how the supplier
blocks."""


class _Place(NamedTuple):
    line: str
    profile: str
    probe: str


class Unfiltered:
    """Whether the must-block sentinels of each probe passed or were stopped, in a whole journal."""

    def __init__(self) -> None:
        self._passed: dict[_Place, int] = {}
        self._stopped: dict[_Place, int] = {}
        self._unclear: set[_Place] = set()

    def count(self, course: Course, judged: Iterable[tuple[Observation, Verdict]]) -> None:
        """Take the sentinels of one course into account."""
        place = _Place(course.line, course.profile, course.probe)
        if place.probe in NOTED_PROBES:
            return
        for seen, verdict in judged:
            if seen.role == "must_allow":
                if verdict.state is not State.ALLOWED:
                    self._unclear.add(place)
            elif verdict.state is State.ALLOWED:
                self._passed[place] = self._passed.get(place, 0) + 1
            elif may_teach(verdict):
                self._stopped[place] = self._stopped.get(place, 0) + 1
            else:
                self._unclear.add(place)

    def excused(self, bracket: Bracket) -> Bracket:
        """The bracket, held where the filter is not off but never looks at what this probe does."""
        course = bracket.course
        place = _Place(course.line, course.profile, course.probe)
        if bracket.failed != FILTER_IS_ON or not self._is_unfiltered(place):
            return bracket
        return Bracket(course=course, failed="", detail="", is_excused=True)

    def preconditions(
        self, excused: Mapping[tuple[str, str, str], int]
    ) -> tuple[Precondition, ...]:
        """One for each probe that a line does not filter; it held, for nothing is void by it.

        ``excused`` are the numbers of batches by line, profile and probe.
        """
        return tuple(
            Precondition(
                name=NOT_FILTERED, line=place.line, profile=place.profile, held=True,
                detail=f"{place.probe} passes unfiltered, the sentinels agreed to be blocked too; "
                f"{', '.join(self._filtered_beside(place))} is filtered on this line",
                batches=excused.get(place, 0),
            )
            for place in sorted(self._passed)
            if self._is_unfiltered(place)
        )  # fmt: skip

    def _is_unfiltered(self, place: _Place) -> bool:
        never = place in self._passed and place not in self._stopped
        return never and place not in self._unclear and bool(self._filtered_beside(place))

    def _filtered_beside(self, place: _Place) -> list[str]:
        """The other probes on the same line whose must-block sentinels were always stopped."""
        return sorted(
            other.probe
            for other in self._stopped
            if (other.line, other.profile) == (place.line, place.profile)
            and other not in self._passed
            and other not in self._unclear
        )


def may_teach(verdict: Verdict) -> bool:
    """Whether a must-block sentinel was stopped by something other than our own trouble."""
    if verdict.state is State.BLOCKED:
        return True
    return verdict.state is State.INSUFFICIENT and verdict.rule in TEACHING
