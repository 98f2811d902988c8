"""The table of requirements: areas, rows, and a small chart beside the numbers of each row.

One reading rule holds for all charts: dot measured, bar where the true value may lie, shaded
allowed. A bar inside the shade conforms, one outside does not, one across the line is not decided.
All positions are per cent of the chart's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.scheme import ITEM_BY_ITEM, Threshold
from reports import phrases
from reports.phrases import RATES, Direction, tight
from reports.tables import groups_of
from reports.words import AREAS, SHORT_PROVENANCES

Status = Literal["conforms", "does-not-conform", "insufficient", "information"]
STARTS = (0.9, 0.8, 0.5, 0.0)
"""Where an axis of rates that must be high may start, the shortest axis first."""
STEPS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Where other axes may end, times a power of ten."""
LEAST_COUNT = 5.0
"""The shortest axis of counts."""
SLIVER = 1.5
"""The width of a zone that is one point: none allowed."""
WORST_FIRST = (Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT, Conformity.CONFORMS)
SHOWN_PLACES = 3
"""Of a requirement with more outcomes than this, those that conform are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values at both ends of the charts of a group, in the metric's unit."""

    low: float
    high: float
    ends: tuple[str, str]

    def place(self, value: float) -> float:
        """Where a value lies, in per cent of the width."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(1.0, max(0.0, share)) * 100, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Positions in per cent; ``zone`` and ``bar`` are start and width. ``None``: there is none."""

    zone: tuple[float, float] | None
    limit: float | None
    bar: tuple[float, float] | None
    dot: float | None
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One outcome in words and numbers, and its chart."""

    outcome: Outcome
    status: Status
    anchor: str
    required: str
    source: str
    measured: str
    bounds: str
    items: str
    notes: tuple[str, ...]
    chart: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Rows that share an axis. ``folded`` conform like others of their requirement."""

    title: str
    about: str
    axis: Axis | None
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasured:
    """The requirements of an area that bind nobody and were not measured."""

    title: str
    count: int
    subjects: str


def status_of(outcome: Outcome) -> Status:
    """The form and colour of an outcome: its conformity, or that it is only reported."""
    if outcome.requirement.rule == "report":
        return "information"
    return outcome.conformity.value


Where = tuple[str, str, str]
"""Requirement, profile and line: an outcome's id does not tell "a-b", "c" from "a", "b-c"."""


def where_of(outcome: Outcome) -> Where:
    """What tells an outcome from all others of its assessment."""
    return outcome.requirement.id, outcome.profile, outcome.line


def anchors(assessment: Assessment) -> dict[Where, str]:
    """Names for links to rows: the requirement's id, numbered where it has several outcomes."""
    seen: dict[str, int] = {}
    return {where_of(each): _anchor(each, seen) for each in assessment.outcomes}


def areas(
    assessment: Assessment, *, binding: bool, names: Mapping[Where, str] | None = None
) -> tuple[Area, ...]:
    """The outcomes that bind, or those that do not and were measured, in the scheme's order.

    Of one requirement the worst outcome stands first. ``names`` are the anchors, if known.
    """
    names = anchors(assessment) if names is None else names
    grouped: dict[tuple[str, str, Direction], list[Outcome]] = {}
    for outcome in filter(is_shown, assessment.outcomes):
        if outcome.requirement.binding is not binding:
            continue
        pointing = phrases.direction(outcome.requirement.threshold)
        key = outcome.requirement.area, outcome.metric.unit, pointing
        grouped.setdefault(key, []).append(outcome)
    return tuple(_area(key, each, names) for key, each in grouped.items())


def not_measured(assessment: Assessment) -> tuple[NotMeasured, ...]:
    """What the scheme shows, does not require, and this campaign did not measure, by area."""
    grouped: dict[str, dict[str, None]] = {}
    for outcome in assessment.outcomes:
        if not is_shown(outcome):
            named = grouped.setdefault(outcome.requirement.area, {})
            named[phrases.plain(outcome.requirement.subject)] = None
    return tuple(
        NotMeasured(
            title=AREAS.get(area, area),
            count=len(subjects),
            subjects="; ".join(subjects),
        )
        for area, subjects in grouped.items()
    )


def is_shown(outcome: Outcome) -> bool:
    """Whether an outcome has a row of its own: it binds, or something was measured."""
    return outcome.requirement.binding or outcome.metric.tried > 0


def _area(
    key: tuple[str, str, Direction], outcomes: list[Outcome], names: Mapping[Where, str]
) -> Area:
    area, unit, direction = key
    axis = axis_of(outcomes, unit, direction)
    rows: list[Row] = []
    folded: list[Row] = []
    for group in groups_of(outcomes):
        ordered = sorted(group.outcomes, key=lambda each: WORST_FIRST.index(each.conformity))
        made = [_row(each, axis, direction, names[where_of(each)]) for each in ordered]
        good = [row for row in made if row.status == "conforms"]
        hidden = good[1:] if len(made) > SHOWN_PLACES else []
        rows += [row for row in made if row not in hidden]
        folded += hidden
    abouts = {spec_of(each.metric.name).title for each in outcomes}
    return Area(
        title=AREAS.get(area, area),
        about=abouts.pop() if len(abouts) == 1 else "",
        axis=axis,
        rows=tuple(rows),
        folded=tuple(folded),
    )


def _anchor(outcome: Outcome, seen: dict[str, int]) -> str:
    code = outcome.requirement.id
    seen[code] = seen.get(code, 0) + 1
    return code if seen[code] == 1 else f"{code}-{seen[code]}"


def axis_of(outcomes: Sequence[Outcome], unit: str, direction: Direction) -> Axis | None:
    """An axis that holds every value, bound and threshold of a group; ``None`` without numbers."""
    limits = [phrases.limit_of(each.requirement.threshold) for each in outcomes]
    ends = [each.metric.value for each in outcomes]
    ends += [each.metric.lower for each in outcomes] + [each.metric.upper for each in outcomes]
    return axis_over(ends, limits, unit, direction)


def axis_over(
    ends: Iterable[float | None], limits: Iterable[float | None], unit: str, direction: Direction
) -> Axis | None:
    """An axis that holds these values and bounds, and thresholds; ``None`` without numbers."""
    numbers = [each for each in ends if each is not None]
    marks = [each for each in limits if each is not None]
    if not numbers:
        return None
    low, high = 0.0, _round_up(max(*numbers, *(2 * mark for mark in marks), 0.0))
    if unit not in RATES and unit not in phrases.SECONDS and unit != phrases.RATIO:
        high = max(high, LEAST_COUNT)
    if unit in RATES:
        high = max(min(high, 1.0), *numbers)
    if unit in RATES and direction == "at_least":
        lowest = min(*numbers, *(mark - 1e-9 for mark in marks), 1.0)
        low, high = next(start for start in STARTS if start <= lowest or not start), 1.0
    if high <= low:
        high = low + 1
    ends_shown = tight(_end(low, unit)), tight(_end(high, unit))
    return Axis(low=low, high=high, ends=ends_shown)


def _end(value: float, unit: str) -> str:
    if unit in RATES:
        return f"{value * 100:.4g} %"
    return f"{value * 1000:.4g} ms" if unit in phrases.SECONDS else f"{value:.6g}"


def _round_up(value: float) -> float:
    """The next of ``STEPS`` times a power of ten."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-9))


def _row(outcome: Outcome, axis: Axis | None, direction: Direction, anchor: str) -> Row:
    limit = outcome.requirement.threshold
    return Row(
        outcome=outcome,
        status=status_of(outcome),
        anchor=anchor,
        required=tight(required_in_words(outcome)) or phrases.NONE,
        source=_provenance(limit) if limit is not None else "",
        measured=tight(measured_in_words(outcome)),
        bounds=tight(bounds_in_words(outcome)),
        items=_items(outcome),
        notes=_notes(outcome),
        chart=_chart(outcome, axis, direction),
    )


def required_in_words(outcome: Outcome) -> str:
    """What is required: "at least 90 %", "none"; empty if nothing is."""
    limit, metric = outcome.requirement.threshold, outcome.metric
    if limit is not None and limit.at_most == 0 and phrases.is_counted(metric):
        return "none"
    required = phrases.threshold(outcome.requirement, metric.unit)
    return required.removesuffix(f" ({phrases.INFORMATION})").replace(phrases.INFORMATION, "")


def _provenance(limit: Threshold) -> str:
    return SHORT_PROVENANCES[limit.provenance].removeprefix("widely ")


def measured_in_words(outcome: Outcome) -> str:
    """What was measured: "98.3 %", "2 got through", or that nothing was."""
    metric = outcome.metric
    if metric.value is None:
        return "nothing decided" if metric.tried else "not measured"
    is_count = phrases.is_counted(metric) and metric.unit not in RATES
    verb = spec_of(metric.name).verb
    return f"{metric.k:,} {verb}" if is_count else phrases.value(outcome)


def bounds_in_words(outcome: Outcome) -> str:
    """The bounds that decide: "95.9 to 98.6 %", "each item counts", or nothing."""
    if outcome.requirement.rule == "evidence":
        return "as people state it" if outcome.metric.n else ""
    if outcome.requirement.rule in ITEM_BY_ITEM and outcome.metric.n:
        return "each item counts"
    shown = phrases.bounds(outcome)
    return "" if shown == phrases.NONE else shown


def _items(outcome: Outcome) -> str:
    metric = outcome.metric
    if not metric.tried:
        return "0"
    is_rate = phrases.is_counted(metric) and metric.unit in RATES
    return f"{metric.k:,} of {metric.n:,}" if is_rate else f"{metric.n:,}"


def _notes(outcome: Outcome) -> tuple[str, ...]:
    """What limits or explains an outcome beside its numbers."""
    metric = outcome.metric
    notes = []
    if outcome.kind:
        notes.append(f"on {phrases.items_of(outcome)}")
    if metric.indeterminate:
        notes.append(f"{metric.indeterminate:,} undecided")
    if metric.unnamed:
        notes.append(f"{metric.unnamed:,} without a registrable domain")
    notes += [*phrases.left_out(outcome)]
    notes += filter(None, (phrases.by_domain(outcome), phrases.planned(outcome)))
    notes += filter(None, (phrases.corrected(outcome),))
    return tuple(map(tight, notes))


def _chart(outcome: Outcome, axis: Axis | None, direction: Direction) -> Chart | None:
    metric = outcome.metric
    limit = phrases.limit_of(outcome.requirement.threshold)
    ends = (metric.lower, metric.upper)
    if outcome.requirement.rule in ITEM_BY_ITEM:
        ends = (None, None)
    return chart_over(axis, metric.value, ends, (limit, direction), status_of(outcome))


def chart_over(
    axis: Axis | None,
    value: float | None,
    bounds: tuple[float | None, float | None],
    required: tuple[float | None, Direction],
    status: Status,
) -> Chart | None:
    """The small chart of a value with its bounds; ``None`` if there is nothing to draw."""
    if axis is None or value is None:
        return None
    number, direction = required
    limit = None if number is None else axis.place(number)
    zone = None
    if limit is not None:
        start, end = (limit, 100.0) if direction == "at_least" else (0.0, limit)
        zone = start, max(end - start, SLIVER)
    bar = None
    if bounds != (None, None):
        low = 0.0 if bounds[0] is None else axis.place(bounds[0])
        high = 100.0 if bounds[1] is None else axis.place(bounds[1])
        bar = low, round(high - low, 2)
    return Chart(zone=zone, limit=limit, bar=bar, dot=axis.place(value), status=status)
