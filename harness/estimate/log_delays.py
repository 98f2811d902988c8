"""When entries of a log can be seen, and how wrong its clock is (LOG-03)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import Readings, answered, barred, is_clock_known
from harness.estimate.logged_fields import clock_error, constant_error, zone_hint
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.model.metric import Metric
from harness.model.service_log import READ_AFTER, TIME_LIMIT, LoggedRequest


def log_visibility_delay(selection: Selection) -> MeasuredMetric:
    """Compute the time until entries can be seen, and the error of the log's clock.

    Both have a limit of their own; the worse one in proportion to it stands. The clock counts only
    if the clock of this machine was synchronised to within a second while requests were made.
    """
    requests = answered(selection, "ordinary")
    is_known = is_clock_known(selection)
    least, most = _delays(selection, requests)
    errors = [abs(error) for one in requests if (error := clock_error(one)) is not None]

    def clock(at: Selection) -> Metric:
        metric = _times(at, errors, errors, TIME_LIMIT)
        if is_known:
            return metric
        unknown = replace(metric, value=None, n=0, indeterminate=len(errors), p_value=None)
        return replace(unknown, lower=None, upper=None)

    metric = worst_of_groups(
        selection,
        [
            Group(
                label="time until entries can be seen",
                of_items=False,
                measure=lambda at: _times(at, least, most, at.at_most or READ_AFTER),
            ),
            Group(label="clock of the log", of_items=False, limit=TIME_LIMIT, measure=clock),
        ],
    )
    constant = constant_error(requests)
    method = f"{metric.method}; the log's clock is {constant:+.1f} s off{zone_hint(constant)}"
    why = "" if is_known else "the clock of this machine is not known to be right to within 1 s"
    return MeasuredMetric(metric=replace(metric, method=method), barred=barred(selection) or why)


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
    selection: Selection, least: Sequence[float], most: Sequence[float], limit: float
) -> Metric:
    """A quantile of times, infinite where none has an end, compared with a limit."""
    quantile = selection.measure.quantile or 0.95
    sample = TimedSample(
        times=most, least=least, quantile=quantile, alpha=selection.alpha, mark=limit
    )
    return sample.in_seconds("log_visibility_delay")
