"""What the runs of a service's surveillance show: signals of each series, and the alarms due.

Statistics come from ``harness.estimate``, rules from ``harness.monitor``. Nothing here measures,
and the same runs give the same result at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from harness.model.alarm import Alarm, AlarmRule
from harness.model.surveillance_event import SurveillanceRun
from harness.monitor.alarms import Signal, plain_signals, signal_over
from harness.monitor.series import Series, series_of

if TYPE_CHECKING:
    from harness.estimate.control_charts import ControlChart, Worse
    from harness.estimate.surveillance_evidence import Evidence

RECENT = timedelta(days=30)
"""A signal that is older than this counts no more, unless the evidence still stands."""


class SeriesView(NamedTuple):
    """A series with its evidence and its control chart, where it has them, and its signals.

    ``alarm_at`` is the e-value that raises an alarm.
    """

    series: Series
    evidence: Evidence | None
    chart: ControlChart | None
    signals: tuple[Signal, ...]
    alarm_at: float


def series_views(
    runs: Iterable[SurveillanceRun], alarms: Iterable[Alarm], sites: int = 1
) -> tuple[SeriesView, ...]:
    """Return what every series of a service shows after its last run.

    ``sites`` is how many sites must show something before an alarm is raised.
    """
    from harness.estimate.surveillance_evidence import level_of  # noqa: PLC0415 - keep the start light

    found = series_of(runs, alarms)
    alpha = level_of(sum(map(_may_alarm, found)), sites)
    return tuple(_view(series, alpha) for series in found)


def _may_alarm(series: Series) -> bool:
    """Whether the evidence of a series can raise an alarm."""
    readings = series.readings
    return bool(readings) and readings[-1].is_binding and any(each.is_rate for each in readings)


def _view(series: Series, alpha: float) -> SeriesView:
    from harness.estimate.surveillance_evidence import FEWEST_RUNS, evidence_over  # noqa: PLC0415 - keep the start light

    readings = series.readings
    is_binding = bool(readings) and readings[-1].is_binding
    evidence = None
    if any(reading.is_rate for reading in readings):
        evidence = evidence_over(
            readings, series.runs_per_year, alpha=alpha, fewest_runs=FEWEST_RUNS
        )
    signals: list[Signal] = []
    if is_binding:
        signals += plain_signals(series)
        signals += _evidence_signals(series, evidence, 1 / alpha)
    return SeriesView(series, evidence, _chart(series), tuple(signals), 1 / alpha)


def _evidence_signals(
    series: Series, evidence: Evidence | None, alarm_at: float
) -> Iterator[Signal]:
    """The signal of the e-process, if it has reached its level and is still of interest."""
    if evidence is None or evidence.alarmed_at is None:
        return
    measured = [point for point in series.points if point.reading is not None]
    crossed = measured[evidence.alarmed_at].run
    if evidence.log_e < math.log(alarm_at) and not _is_recent(crossed, series.last.run):
        return
    missed, tested = evidence.recent.missed, evidence.recent.tested
    runs = len(measured) - (evidence.since or 0)
    when = "the last run" if runs == 1 else f"the last {runs} runs"
    words = (
        f"{missed:g} of {tested} items failed in {when}, and the required rate is "
        f"not reached (e-value {evidence.e_value:.3g}; {alarm_at:.3g} raises an alarm)"
    )
    yield signal_over(series, AlarmRule.EVIDENCE, words, evidence.since or 0)


def _chart(series: Series) -> ControlChart | None:
    """The control chart of a series: of rates where items were counted, else of values."""
    from harness.estimate.control_charts import ChartPoint, baseline_of, chart  # noqa: PLC0415 - keep the start light

    readings = series.readings
    if not readings or (readings[-1].at_least is None) == (readings[-1].at_most is None):
        return None
    points = []
    for point in series.points:
        reading = point.reading
        value = reading.value if reading is not None else None
        counted = sum(part.tested for part in reading.parts) if reading is not None else 0
        points.append(ChartPoint(value=value, tested=counted or None))
    worse: Worse = "lower" if readings[-1].at_least is not None else "higher"
    return chart(points, worse=worse, baseline=baseline_of(series.runs_per_year))


def _is_recent(run: SurveillanceRun, last: SurveillanceRun) -> bool:
    return _time_of(last) - _time_of(run) <= RECENT


def _time_of(run: SurveillanceRun) -> datetime:
    return run.begun or run.due


def all_signals(views: Sequence[SeriesView]) -> tuple[Signal, ...]:
    """The signals of all series."""
    return tuple(signal for view in views for signal in view.signals)
