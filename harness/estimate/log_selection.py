"""Which requests and readings of a log count, and the shapes that its metrics share."""

from __future__ import annotations

from collections.abc import Iterable

from harness.estimate.item_selection import Selection
from harness.model.log_case import Situation
from harness.model.metric import Metric, Part, Source
from harness.model.outcome import Witness
from harness.model.service_log import LoggedRequest, RecordKeeping

READ_AFTER = 300.0
"""Seconds after a request from which on a missing entry counts as missing (LOG-03)."""

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
    service = selection.campaign.service if selection.campaign else None
    return (service.records if service else None) or RecordKeeping()


def is_early(selection: Selection, request: LoggedRequest) -> bool:
    """Whether no reading of the log began late enough after a request."""
    latest = max(one.at for one in selection.logs.readings)
    return (latest - request.ended).total_seconds() < READ_AFTER


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


def witness(request: LoggedRequest, saw: Iterable[str]) -> Witness:
    """A request that speaks against the log."""
    return Witness(
        item=request.item,
        value=request.url,
        category="CTRL",
        state=request.state,
        mechanism="none",
        rule="log",
        saw=tuple(saw),
    )
