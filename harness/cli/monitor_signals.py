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
    from harness.estimate.control_charts import ControlChart
    from harness.estimate.surveillance_evidence import Evidence

LEVEL = math.log(20)
"""The evidence (its log) that raises an alarm: at most one false one in 20 years (METHOD (c))."""

RECENT = timedelta(days=30)
"""A signal that is older than this counts no more, unless the evidence still stands."""


class SeriesView(NamedTuple):
    """A series with its evidence and its control chart, where it has them, and its signals."""

    series: Series
    evidence: Evidence | None
    chart: ControlChart | None
    signals: tuple[Signal, ...]


def series_views(
    runs: Iterable[SurveillanceRun], alarms: Iterable[Alarm]
) -> tuple[SeriesView, ...]:
    """Return what every series of a service shows after its last run."""
    return tuple(_view(series) for series in series_of(runs, alarms))


def _view(series: Series) -> SeriesView:
    from harness.estimate.surveillance_evidence import evidence_over  # noqa: PLC0415 - scipy is heavy

    readings = series.readings
    is_binding = bool(readings) and readings[-1].is_binding
    evidence = None
    if any(reading.is_rate for reading in readings):
        evidence = evidence_over(readings, series.runs_per_year)
    chart = _chart(series)
    signals: list[Signal] = []
    if is_binding:
        signals += plain_signals(series)
        signals += _evidence_signals(series, evidence)
        signals += _chart_signals(series, chart)
    return SeriesView(series, evidence, chart, tuple(signals))


def _evidence_signals(series: Series, evidence: Evidence | None) -> Iterator[Signal]:
    """The signal of the e-process, if it has reached its level and is still of interest."""
    if evidence is None or evidence.alarmed_at is None:
        return
    measured = [point for point in series.points if point.reading is not None]
    crossed = measured[evidence.alarmed_at].run
    if evidence.log_e < LEVEL and not _is_recent(crossed, series.last.run):
        return
    missed, tested = evidence.recent.missed, evidence.recent.tested
    runs = len(measured) - (evidence.since or 0)
    when = "the last run" if runs == 1 else f"the last {runs} runs"
    words = (
        f"{missed:g} of {tested} items failed in {when}, and the required rate is "
        f"not reached (e-value {evidence.e_value:.3g}; {math.exp(LEVEL):.0f} raises an alarm)"
    )
    yield signal_over(series, AlarmRule.EVIDENCE, words, evidence.since or 0)


def _chart(series: Series) -> ControlChart | None:
    """The control chart of a series: of rates where items were counted, else of values."""
    from harness.estimate.control_charts import ChartPoint, chart  # noqa: PLC0415 - numpy is heavy

    readings = series.readings
    if not readings or (readings[-1].at_least is None) == (readings[-1].at_most is None):
        return None
    points = []
    for point in series.points:
        reading = point.reading
        value = reading.value if reading is not None else None
        counted = sum(part.tested for part in reading.parts) if reading is not None else 0
        points.append(ChartPoint(value=value, tested=counted or None))
    return chart(points, worse="lower" if readings[-1].at_least is not None else "higher")


def _chart_signals(series: Series, control: ControlChart | None) -> Iterator[Signal]:
    """The newest signal of a control chart for the worse that a second point confirms."""
    confirmed = control.confirmed_alarms() if control is not None else ()
    if not confirmed:
        return
    found = confirmed[-1]
    if _is_recent(series.points[found.index].run, series.last.run):
        words = f"Nelson rule {found.rule}: {found.words}"
        since = sum(point.reading is not None for point in series.points[: found.index])
        yield signal_over(series, AlarmRule.CHART, words, since)


def _is_recent(run: SurveillanceRun, last: SurveillanceRun) -> bool:
    return _time_of(last) - _time_of(run) <= RECENT


def _time_of(run: SurveillanceRun) -> datetime:
    return run.begun or run.due


def all_signals(views: Sequence[SeriesView]) -> tuple[Signal, ...]:
    """The signals of all series."""
    return tuple(signal for view in views for signal in view.signals)
