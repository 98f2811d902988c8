"""What a re-test finds of harmless pages: a fix must not block or delay what was well before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from harness.errors import first_of
from harness.follow.findings import describe
from harness.model.action_plan import Retest, RetestResult
from harness.model.metric import DelayChange
from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import Scheme

SHOWN = 5
"""How many items a sentence names."""

ALLOWED_DELAY = 0.05
"""Seconds of added delay that this project proposes at most for the median page (PRF-03)."""

SLOWER = 1.05
"""From here on a sentence says how much slower the control line was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedRows:
    """What became of requirements that conformed before, measured again in a re-test.

    ``expected`` are their ids, ``outcomes`` those of the re-test on the same items, ``fresh`` those
    on fresh ones. Of ``pairs`` items that were tried both times, ``worse`` are blocked now and were
    not, and ``better`` the other way round.
    """

    expected: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    fresh: tuple[Outcome, ...] = ()
    pairs: int = 0
    worse: tuple[str, ...] = ()
    better: int = 0

    def is_worse(self, alpha: float) -> bool:
        """Whether more items turned for the worse than chance explains (exact McNemar test)."""
        changed = len(self.worse) + self.better
        tail = sum(math.comb(changed, number) for number in range(len(self.worse), changed + 1))
        return bool(changed) and tail / 2**changed <= alpha


def with_repeated_rows(retest: Retest, rows: RepeatedRows, alpha: float) -> Retest:
    """The re-test that also holds what became of requirements that conformed before.

    One that does not conform any more, or more blocks of harmless items than chance explains, is a
    failure. One that cannot be decided again leaves the re-test undecided.
    """
    found = {one.requirement.id: one for one in rows.outcomes}
    conformity = {
        name: found[name].conformity if name in found else Conformity.INSUFFICIENT
        for name in rows.expected
    }
    worse = [
        f"{name} conformed before and does not conform now: {describe(found[name])}"
        for name, now in conformity.items()
        if now is Conformity.DOES_NOT_CONFORM
    ]
    worse += [
        f"{one.requirement.id} does not conform on fresh harmless items: {describe(one)}"
        for one in rows.fresh
        if one.conformity is Conformity.DOES_NOT_CONFORM
    ]
    if rows.is_worse(alpha):
        names = first_of(list(rows.worse), SHOWN)
        worse.append(
            f"{len(rows.worse)} of {rows.pairs} harmless items are blocked that were not ({names})"
        )
    again = tuple(name for name, now in conformity.items() if now is Conformity.CONFORMS)
    unsure = [name for name, now in conformity.items() if now is Conformity.INSUFFICIENT]
    outcome = retest.outcome
    if worse:
        outcome = RetestResult.DOES_NOT_CONFORM
    elif unsure and outcome is RetestResult.CONFORMS:
        outcome = RetestResult.INSUFFICIENT
    said = [*worse, *(f"{name} could not be decided again" for name in unsure)]
    statement = "; ".join((retest.statement, *(said or [_unchanged(rows)])))
    return msgspec.structs.replace(
        retest, outcome=outcome, statement=statement, unchanged=again, worse=tuple(worse)
    )


def _unchanged(rows: RepeatedRows) -> str:
    if not rows.expected:
        return "no over-blocking was measured with the finding that could be compared"
    conform = "conforms" if len(rows.expected) == 1 else "conform"
    blocked = f"{len(rows.worse)} of {rows.pairs} harmless items are newly blocked"
    return f"{' and '.join(rows.expected)} {conform} as before ({blocked})"


def allowed_change(scheme: Scheme) -> float:
    """The seconds by which the delay of the median page may grow before it is a failure.

    It is the smallest limit of the scheme on added delay, of whatever quantile, or else
    ``ALLOWED_DELAY``: a fix may not take the whole allowance of a service.
    """
    limits = [
        row.threshold.at_most
        for row in scheme.requirements
        if row.measure.metric == "first_byte_overhead"
        and row.threshold is not None
        and row.threshold.at_most is not None
    ]
    return min(limits, default=ALLOWED_DELAY)


def with_repeated_delays(retest: Retest, change: DelayChange, margin: float) -> Retest:
    """The re-test that also says how much longer harmless pages wait than before.

    If they certainly wait more than ``margin`` seconds longer, that is a failure. Where too few
    pages were timed both times the statement says so, and the outcome is as before.
    """
    if change.is_longer_by(margin):
        said = _longer(change, margin)
        return msgspec.structs.replace(
            retest,
            outcome=RetestResult.DOES_NOT_CONFORM,
            statement=f"{retest.statement}; {said}",
            worse=(*retest.worse, said),
        )
    return msgspec.structs.replace(retest, statement=f"{retest.statement}; {_compared(change)}")


def _longer(change: DelayChange, margin: float) -> str:
    return (
        f"harmless pages wait {_milliseconds(change.median)} ms longer than before (median; at "
        f"least {_milliseconds(change.lower)} ms, {change.pairs} pages{_slower(change)}); at most "
        f"{_milliseconds(margin)} ms are allowed"
    )


def _compared(change: DelayChange) -> str:
    if change.median is None or change.upper is None:
        number = change.pairs or "no"
        few = "page was" if change.pairs == 1 else "pages were"
        return (
            f"how long harmless pages wait could not be compared ({number} {few} timed both times)"
        )
    size = abs(_milliseconds(change.median))
    word = "longer" if change.median > 0 or not size else "less"
    return (
        f"harmless pages wait {size} ms {word} than before (median of {change.pairs}; at most "
        f"{max(0, _milliseconds(change.upper))} ms longer{_slower(change)})"
    )


def _slower(change: DelayChange) -> str:
    if change.slower < SLOWER:
        return ""
    return f"; the control line was {change.slower:.1f} times slower, times are divided by that"


def _milliseconds(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1000)
