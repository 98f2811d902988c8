"""Which requests and readings of a log count, and what metrics of logs and alerts share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from harness.estimate.interval_choice import TrialShare
from harness.estimate.item_selection import Selection
from harness.estimate.logged_fields import constant_error
from harness.model.log_case import Situation
from harness.model.metric import Metric, Part, Source
from harness.model.outcome import Witness
from harness.model.service_log import READ_AFTER, TIME_LIMIT, LoggedRequest, RecordKeeping

MARGIN = timedelta(seconds=TIME_LIMIT)
"""How far before the first or after the last entry of a log a request may be for the log to cover
its time."""

NOT_READ = "no log of the service was read (accredit log import)"
NOT_SENT = "no requests for a log were made (accredit log send)"


def answered(selection: Selection, situation: Situation) -> list[LoggedRequest]:
    """The requests of a situation that the service answered; none if its log was not read."""
    if not selection.logs.readings:
        return []
    return [
        one
        for one in selection.logs.requests
        if one.situation == situation and one.state in ("blocked", "allowed")
    ]


def barred(selection: Selection) -> str:
    """Why the log cannot show conformity: nothing was sent, or no log was read."""
    if not selection.logs.requests:
        return NOT_SENT
    return "" if selection.logs.readings else NOT_READ


def records_of(selection: Selection) -> RecordKeeping:
    """What the supplier declares of the log; the defaults if nothing is declared."""
    service = selection.service
    return (service.records if service else None) or RecordKeeping()


def is_clock_known(selection: Selection) -> bool:
    """Whether the clock of this machine was right to within a second while requests were made."""
    clocks = [one.clock for one in selection.instrument]
    return bool(clocks) and all(one.is_exact for one in clocks)


class Readings:
    """The readings of a log, for requests that are in none of them."""

    def __init__(self, selection: Selection) -> None:
        clock = timedelta(seconds=constant_error(selection.logs.requests))
        self._spans = [
            (one.at, one.first - clock, one.last - clock)
            for one in selection.logs.readings
            if one.first is not None and one.last is not None
        ]

    def last_look(self, request: LoggedRequest) -> datetime | None:
        """When a log that covers the time of a request was last read; ``None`` if none does.

        A log covers the time from its first to its last entry, by its own clock.
        """
        return max(
            (
                at
                for at, first, last in self._spans
                if first - MARGIN <= request.started <= last + MARGIN
            ),
            default=None,
        )

    def leave_open(self, request: LoggedRequest) -> bool:
        """Whether an entry may still come, or be in a part of the log that was not read.

        A log that was read too early, or is of another time, does not show that an entry is
        missing.
        """
        looked = self.last_look(request)
        return looked is None or request.ended > looked - timedelta(seconds=READ_AFTER)


def rate(
    selection: Selection, name: str, found: Iterable[bool | None], *, is_least: bool = True
) -> Metric:
    """The share of trials that were found so, with bounds whatever the undecided ones are.

    They are in the order of trial, so that spells are allowed for. With ``is_least`` the
    requirement asks for at least a share, otherwise for at most one.
    """
    trials = TrialShare(found)
    bounds, threshold = trials.bounds(selection.alpha), selection.requirement.threshold
    p_value: float | None = None
    mark: float | None = None
    if threshold is not None:
        mark = threshold.at_least if is_least else threshold.at_most
    if mark is not None and trials.n:
        p_value = trials.p_below(mark) if is_least else trials.p_above(mark)
    return Metric(
        name=name,
        unit="share",
        value=trials.k / trials.n if trials.n else None,
        k=trials.k,
        n=trials.n,
        indeterminate=trials.undecided,
        lower=bounds.lower,
        upper=bounds.upper,
        method=trials.method,
        alpha=selection.alpha,
        p_value=p_value,
        alone=trials.alone(selection.alpha),
    )


def exact_share(
    selection: Selection, name: str, k: int, n: int, undecided: int = 0, *, method: str
) -> Metric:
    """A share of all that there are, not of a sample: its bounds are the share itself."""
    share = k / n if n else None
    return Metric(
        name=name,
        unit="share",
        value=share,
        k=k,
        n=n,
        indeterminate=undecided,
        lower=share,
        upper=share,
        method=method,
        alpha=selection.alpha,
    )


def part(selection: Selection, words: str, k: int, n: int, undecided: int) -> Part:
    """A part of a metric in which every request counts."""
    metric = census(selection, selection.measure.metric, k, n, undecided, method="census")
    return Part(group=words, source=Source(), metric=metric, of_items=False)


def census(
    selection: Selection,
    name: str,
    k: int,
    n: int,
    undecided: int,
    *,
    method: str,
    parts: tuple[Part, ...] = (),
) -> Metric:
    """A metric in which every request counts; ``undecided`` ones may be wrong as well."""
    return Metric(
        name=name,
        unit="items",
        value=float(k) if n else None,
        k=k,
        n=n,
        indeterminate=undecided,
        lower=float(k) if n else None,
        upper=float(k + undecided) if n else None,
        method=method,
        alpha=selection.alpha,
        parts=parts,
    )


def witness(request: LoggedRequest, saw: Iterable[str], rule: str = "log") -> Witness:
    """A request that speaks against the log, or by another rule against the alerts."""
    return Witness(
        item=request.item,
        value=request.url,
        category="CTRL",
        state=request.state,
        mechanism="none",
        rule=rule,
        saw=tuple(saw),
    )
