"""When entries of a log can be seen, and how wrong its clock is (LOG-03)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import Readings, answered, barred, is_clock_known
from harness.estimate.logged_fields import clock_error, constant_error, zone_hint
from harness.estimate.quantile_bounds import TimedSample, of_the_worse
from harness.estimate.rates import MeasuredMetric
from harness.estimate.waits import badness, in_proportion
from harness.model.metric import Metric, Part, Source
from harness.model.service_log import READ_AFTER, TIME_LIMIT, LoggedRequest


def log_visibility_delay(selection: Selection) -> MeasuredMetric:
    """Compute the time until entries can be seen, and the error of the log's clock.

    Both have a limit of their own; the worse one in proportion to it stands. The clock counts only
    if the clock of this machine was synchronised to within a second while requests were made.
    """
    requests = answered(selection, "ordinary")
    quantile = selection.measure.quantile or 0.95
    least, most = _delays(selection, requests)
    limit = _limit(selection)
    delay = _times(selection, "time until entries can be seen", least, most, quantile, limit)
    is_known = is_clock_known(selection)
    errors = [abs(error) for one in requests if (error := clock_error(one)) is not None]
    clock = _times(selection, "error of the log's clock", errors, errors, quantile, TIME_LIMIT)
    if not is_known:
        clock = replace(clock, value=None, n=0, indeterminate=len(errors), lower=None, upper=None)
        clock = replace(clock, p_value=None)
    worst, scale = delay, 1.0
    if is_known and badness(clock, TIME_LIMIT) > badness(delay, limit):
        worst, scale = clock, limit / TIME_LIMIT
    constant = constant_error(requests)
    method = f"{worst.method}; the log's clock is {constant:+.1f} s off{zone_hint(constant)}"
    if scale != 1:
        method += f"; in proportion to its own limit of {TIME_LIMIT:g} s"
    metric = replace(
        in_proportion(worst, scale),
        name="log_visibility_delay",
        method=method,
        p_value=of_the_worse((delay, clock)),
        parts=(
            Part(
                of_items=False,
                group="time until entries can be seen",
                source=Source(),
                metric=delay,
            ),
            Part(group="clock of the log", source=Source(), metric=clock, of_items=False),
        ),
    )
    why = "" if is_known else "the clock of this machine is not known to be right to within 1 s"
    return MeasuredMetric(metric=metric, barred=barred(selection) or why)


def _delays(
    selection: Selection, requests: Iterable[LoggedRequest]
) -> tuple[list[float], list[float]]:
    """The least and the greatest delay of each request in seconds; infinite if never seen."""
    readings = Readings(selection)
    least, most = list[float](), list[float]()
    for one in requests:
        if one.seen_at is None:
            most.append(math.inf)
            looked = readings.last_look(one)
            least.append(max(0.0, (looked - one.ended).total_seconds()) if looked else 0.0)
            continue
        most.append(max(0.0, (one.seen_at - one.ended).total_seconds()))
        missed = (one.missed_at - one.ended).total_seconds() if one.missed_at else 0.0
        least.append(max(0.0, missed))
    return least, most


def _times(
    selection: Selection,
    name: str,
    least: Sequence[float],
    most: Sequence[float],
    quantile: float,
    limit: float,
) -> Metric:
    sample = TimedSample(
        times=most, least=least, quantile=quantile, alpha=selection.alpha, mark=limit
    )
    return Metric(
        name="log_visibility_delay",
        unit="s",
        value=sample.value,
        k=sum(map(math.isfinite, most)),
        n=len(most),
        indeterminate=0,
        lower=sample.bounds.lower,
        upper=sample.bounds.upper,
        method=f"{quantile:g} quantile, {sample.method}: {name}",
        alpha=selection.alpha,
        p_value=sample.p_above(limit),
    )


def _limit(selection: Selection) -> float:
    return selection.at_most or READ_AFTER
