"""Metrics of a loaded line: steadiness, responsiveness, and whether filtering stays accurate (PRF).

A round loads each line once with ordinary transfers at once; that time is one interval here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean, median, pstdev
from typing import Literal

from harness.estimate.interval_choice import TrialShare
from harness.estimate.intervals import clopper_pearson, smallest_level
from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.estimate.transfer_pairs import NOT_MEASURED, bytes_between
from harness.model.metric import Metric, Part, Source
from harness.model.outcome import Witness
from harness.model.service_speed import SpeedRound, TimedTransfer, TriedUnderLoad

INTERVALS = 5
"""Equal parts of a load in which its rate and its connections are compared."""
TRIMMED = 0.95
"""The share of times, the shortest, that a trimmed mean takes (TMP)."""
MOVING = 4
"""Intervals of a moving average (MAD)."""
TOLERATED = 0.05
"""The standard deviation of moving averages, as a share, up to which they are stable (SDT)."""
MILLISECONDS_A_MINUTE = 60_000
LEAST_LOAD = 2
"""Transfers under way beside an item, at least, for it to have been tried under load."""

NOT_BLOCKED_IDLE = "no item was blocked while the line was idle, so nothing could change under load"
NO_LOAD = "the line was not under load: too few transfers came whole beside the items"

Confidence = Literal["low", "medium", "high"]


def load_deviation(selection: Selection) -> MeasuredMetric:
    """Compute how far rate and connections deviate from their mean while a line is loaded.

    Each load is divided into ``INTERVALS`` equal parts; the largest deviation of a part counts. The
    median of all loads is reported, of the rate, with that of the connections beside it.
    """
    loads = [each for one in selection.speed.rounds if (each := _loaded(one.service))]
    rates = [found for each in loads if (found := _deviation(each, _rate)) is not None]
    connections = [found for each in loads if (found := _deviation(each, _under_way)) is not None]
    parts = tuple(
        Part(group=words, source=Source(), metric=_middle(selection, values), of_items=False)
        for words, values in (("rate", rates), ("connections", connections))
    )
    metric = replace(_middle(selection, rates), parts=parts)
    return MeasuredMetric(metric=metric, barred=_barred(selection))


def _middle(selection: Selection, values: Sequence[float]) -> Metric:
    return Metric(
        name="load_deviation",
        unit="share",
        value=median(values) if values else None,
        k=len(values),
        n=len(values),
        indeterminate=0,
        lower=None,
        upper=None,
        method=f"median of the largest deviation in {INTERVALS} parts of each load",
        alpha=selection.alpha,
    )


Reading = Callable[[Sequence[TimedTransfer], float, float], float]


def _deviation(load: Sequence[TimedTransfer], read: Reading) -> float | None:
    """The largest deviation of a part of a load from its mean; None if there are too few parts.

    The time counts from when the first transfer ended until the last one began, in which all
    connections were in use.
    """
    first, last = min(one.began + one.seconds for one in load), max(one.began for one in load)
    length = (last - first) / INTERVALS
    if length <= 0 or len(load) < 2 * INTERVALS:
        return None
    values = [
        read(load, first + place * length, first + (place + 1) * length)
        for place in range(INTERVALS)
    ]
    mean = fmean(values)
    return max(abs(one - mean) for one in values) / mean if mean > 0 else None


def _rate(load: Sequence[TimedTransfer], first: float, last: float) -> float:
    return bytes_between(load, first, last) / (last - first)


def _under_way(load: Sequence[TimedTransfer], first: float, last: float) -> float:
    """How many transfers were under way, on average."""
    times = (min(last, one.began + one.seconds) - max(first, one.began) for one in load)
    return sum(max(0.0, one) for one in times) / (last - first)


def _loaded(transfers: Iterable[TimedTransfer]) -> list[TimedTransfer]:
    return [one for one in transfers if one.transfer.situation == "load"]


def responsiveness(selection: Selection) -> MeasuredMetric:
    """Compute the round trips per minute of new connections while the line is loaded.

    draft-ietf-ippm-responsiveness, its foreign responsiveness: over HTTP/1.1 nothing can be asked
    on the connections that make the load. The last ``MOVING`` loads count.
    """
    rounds = [one for one in selection.speed.rounds if _beside(one.service)]
    last = rounds[-MOVING:]
    value = _rpm([each for one in last for each in _beside(one.service)])
    control = _rpm([each for one in last for each in _beside(one.control)])
    confidence = _confidence(rounds)
    beside = f"; {control:,.0f} rpm on the control line" if control is not None else ""
    metric = Metric(
        name="responsiveness",
        unit="rpm",
        value=value,
        k=len(rounds),
        n=len(rounds) if value is not None else 0,
        indeterminate=0,
        lower=None,
        upper=None,
        method=f"round trips per minute of new connections, confidence {confidence}{beside}",
        alpha=selection.alpha,
    )
    return MeasuredMetric(metric=metric, barred=_barred(selection))


def _beside(transfers: Iterable[TimedTransfer]) -> list[TimedTransfer]:
    return [one for one in transfers if one.transfer.situation == "beside" and one.came == "whole"]


def _rpm(transfers: Sequence[TimedTransfer]) -> float | None:
    """60,000 divided by the mean of the trimmed means of each phase in milliseconds."""
    means: list[float] = []
    for phase in ("connect", "tls", "first_byte"):
        times = [each for one in transfers if (each := getattr(one.timings, phase)) is not None]
        if times:
            means.append(trimmed_mean(times) * 1000)
    total = fmean(means) if means else 0.0
    return MILLISECONDS_A_MINUTE / total if total > 0 else None


def trimmed_mean(times: Sequence[float]) -> float:
    """Return the mean of the shortest 95 % of times. Raises ValueError without one."""
    ordered = sorted(times)
    return fmean(ordered[: max(1, math.ceil(TRIMMED * len(ordered)))])


def _confidence(rounds: Sequence[SpeedRound]) -> Confidence:
    """High if rate and responsiveness were stable at the end, low with fewer than MAD loads."""
    if len(rounds) < MOVING:
        return "low"
    rates = [_whole_rate(one.service) for one in rounds]
    trips = [_rpm(_beside(one.service)) or 0.0 for one in rounds]
    return "high" if is_stable(rates) and is_stable(trips) else "medium"


def _whole_rate(transfers: Iterable[TimedTransfer]) -> float:
    load = _loaded(transfers)
    if not load:
        return 0.0
    first, last = min(one.began for one in load), max(one.began for one in load)
    return _rate(load, first, last) if last > first else 0.0


def is_stable(values: Sequence[float]) -> bool:
    """Whether the last ``MOVING`` moving averages deviate by at most ``TOLERATED`` of the last one.

    False for fewer values than these averages need.
    """
    ends = range(len(values) - MOVING + 1, len(values) + 1)
    averages = [fmean(values[end - MOVING : end]) for end in ends if end >= MOVING]
    if len(averages) < MOVING or averages[-1] <= 0:
        return False
    return pstdev(averages) <= TOLERATED * averages[-1]


def peak_block_rate_loss(selection: Selection) -> MeasuredMetric:
    """Compute the share of items blocked on the idle line that are open under load.

    Items that were open when idle and blocked under load, as a filter that is unsteady anyway shows
    them, are subtracted from the value and the lower bound, and never from the upper one.
    """
    pairs = list(_both_ways(selection))
    idle = [(before, after) for before, after in pairs if before.state == "blocked"]
    opened = [after for _, after in idle if _is_opened(after)]
    closed = sum(
        before.state == "allowed" and after.state == "blocked" and is_under_load(after)
        for before, after in pairs
    )
    trials = TrialShare(_is_opened(after) for _, after in idle)
    n, undecided = trials.n, trials.undecided
    upper = trials.bounds(selection.alpha).upper
    metric = Metric(
        name="peak_block_rate_loss",
        unit="share",
        value=(len(opened) - closed) / n if n else None,
        k=len(opened),
        n=n,
        indeterminate=undecided,
        lower=_least(trials, closed, selection.alpha) if n else None,
        upper=upper,
        method=f"items blocked on the idle line and open under load, {trials.method}; {closed} the "
        "other way round",
        alpha=selection.alpha,
        p_value=_p_value(selection, trials, closed) if n else None,
    )
    why = _barred(selection)
    if not why and not idle:
        why = NOT_BLOCKED_IDLE
    if not why and not n:
        why = NO_LOAD
    return MeasuredMetric(metric=metric, witnesses=tuple(map(_opened, opened)), barred=why)


def is_under_load(tried: TriedUnderLoad) -> bool:
    """Whether the line really was loaded when an item was tried."""
    return tried.loaded_by >= LEAST_LOAD


def _both_ways(selection: Selection) -> Iterable[tuple[TriedUnderLoad, TriedUnderLoad]]:
    """Items that must be blocked, as they were tried idle and under load in one round."""
    wanted = [one for one in selection.speed.items if selection.expects(one.category) == "block"]
    loaded = {(one.item, one.round): one for one in wanted if one.is_loaded}
    for one in wanted:
        if not one.is_loaded and (one.item, one.round) in loaded:
            yield one, loaded[one.item, one.round]


def _is_opened(after: TriedUnderLoad) -> bool | None:
    """Whether an item that is blocked on the idle line was open under load."""
    is_decided = after.state in ("allowed", "blocked") and is_under_load(after)
    return after.state == "allowed" if is_decided else None


def _least(opened: TrialShare, closed: int, alpha: float) -> float:
    """A lower bound of the loss: half of the level for each way in which items change."""
    n = opened.n + opened.undecided
    lower = opened.bounds(alpha / 2).lower or 0.0
    upper = clopper_pearson(min(closed, n), n, alpha / 2).upper or 0.0
    return lower - (upper if closed else 0.0)


def _p_value(selection: Selection, opened: TrialShare, closed: int) -> float | None:
    limit = selection.at_most
    if limit is None:
        return None
    return smallest_level(lambda alpha: _least(opened, closed, alpha) > limit)


def _opened(tried: TriedUnderLoad) -> Witness:
    return Witness(
        item=tried.item,
        value=tried.value,
        category=tried.category,
        state=tried.state,
        mechanism="none",
        rule="speed",
        saw=(f"blocked on the idle line, open beside {tried.loaded_by} transfers",),
    )


def _barred(selection: Selection) -> str:
    return "" if selection.speed.rounds else NOT_MEASURED
