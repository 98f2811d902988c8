"""Control charts of a quantity over runs: whether it has changed from what it was at first.

A chart asks whether a service is as it was, not whether it meets a threshold. It shows, and raises
no alarm: that is for ``harness.estimate.surveillance_evidence``, which has a guaranteed error rate.

Rates: Laney's p' chart (Quality Engineering 14 (2002) 531-537). Each point is standardised by the
binomial variance at the centre, z = (p - centre) / sqrt(p (1 - p) / n); the limits are widened by
sigma_z, the mean moving range of z / 1.128, at least 1, because rates of successive runs vary by
more than chance. Other quantities: individuals and moving ranges (XmR; Shewhart; Wheeler, 1993).

The first points (``BASELINE``, or ``FEW`` of a schedule with few runs a year) fix centre and limits
(phase I) and are not judged; later points are (phase II), by Nelson's eight rules (J. Quality
Technology 16 (1984) 237-239). Limits from few points are wider, by Student's t and the error of the
centre: those of a prediction (Hahn & Meeker, Statistical Intervals, 1991, 4.8).

A point without a value is a gap. Nothing is concluded across missing data: a gap ends each run of
points, and no moving range is taken across it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

BASELINE, FEW = 20, 8
"""How many first points fix centre and limits: usually, and where few runs are due a year."""

FEW_RUNS = 100
"""With fewer runs in a year 20 points would take months."""

MEAN_RANGE = 1.128
"""The mean range of two values of a normal distribution with standard deviation 1 (d2)."""

LIMIT = 3.0
"""How many standard deviations the limits are from the centre."""

Worse = Literal["lower", "higher"]
Direction = Literal["worse", "better", "neither"]
State = Literal["learning", "judging"]


class ChartPoint(NamedTuple):
    """The value of one run; for a rate, that of ``tested`` items. A gap has no value."""

    value: float | None
    tested: float | None = None

    @property
    def is_gap(self) -> bool:
        """Whether nothing was measured: no value, or no item."""
        return self.value is None or self.tested == 0


class Limits(NamedTuple):
    """The lower and the upper limit of one point."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NelsonSignal:
    """A rule that the points up to ``index`` meet, and what that says of the service."""

    rule: int
    index: int
    direction: Direction
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChart:
    """Points with their centre, limits and signals.

    ``centre`` is ``None`` while the chart is ``learning``. ``limits`` and ``z`` are one for each
    point, ``None`` for a gap; z counts the standard deviations that limits are made of.
    ``measured`` counts the points that are no gap.
    """

    state: State
    measured: int
    centre: float | None
    limits: tuple[Limits | None, ...]
    z: tuple[float | None, ...]
    signals: tuple[NelsonSignal, ...] = ()


class _Run(NamedTuple):
    """Successive points without a gap: values and z, and the index of the first."""

    first: int
    values: list[float]
    z: list[float]


Side = Literal[-1, 0, 1]
"""Which side of the centre a rule points to: above 1, below -1, or neither."""


class NelsonRule(NamedTuple):
    """A rule: which side the points up to the last of a run point to, ``None`` if it is not met."""

    number: int
    words: str
    side: Callable[[Sequence[float], Sequence[float]], Side | None]


def chart(points: Sequence[ChartPoint], *, worse: Worse, baseline: int = BASELINE) -> ControlChart:
    """Chart some points in order of time; rates if any point has a number of tested items.

    With fewer than ``baseline`` points that have a value the chart is learning and has no signal.
    Raises ``ValueError`` for a baseline of fewer than two points, which shows no variation.
    """
    if baseline < 2:  # noqa: PLR2004 - two points have a moving range
        msg = f"a baseline of {baseline} points shows no variation"
        raise ValueError(msg)
    measured = [index for index, point in enumerate(points) if not point.is_gap]
    if len(measured) < baseline:
        nothing = (None,) * len(points)
        return ControlChart(
            state="learning", measured=len(measured), centre=None, limits=nothing, z=nothing
        )
    first = points[: measured[baseline - 1] + 1]
    is_rate = any(point.tested is not None for point in points)
    centre = _centre(first)
    plain = _binomial_deviations(points, first, centre) if is_rate else [1.0] * len(points)
    scale = _scale(_standardised(first, centre, plain))
    scale = _widened(max(scale, 1.0) if is_rate else scale, baseline)
    deviations = [scale * one for one in plain]
    z = _standardised(points, centre, deviations)
    return ControlChart(
        state="judging",
        measured=len(measured),
        centre=centre,
        limits=tuple(
            None if point.is_gap else _limits(centre, deviation, is_rate=is_rate)
            for point, deviation in zip(points, deviations, strict=True)
        ),
        z=tuple(z),
        signals=tuple(_signals(points, z, len(first), worse)),
    )


def _centre(first: Sequence[ChartPoint]) -> float:
    """Return the mean of the baseline, with points weighted by their items."""
    weights = [0.0 if point.is_gap else point.tested or 1.0 for point in first]
    values = (weight * (point.value or 0.0) for weight, point in zip(weights, first, strict=True))
    return math.fsum(values) / math.fsum(weights)


def _binomial_deviations(
    points: Sequence[ChartPoint], first: Sequence[ChartPoint], centre: float
) -> list[float]:
    """Return the binomial standard deviation of each point (1 for a gap).

    Where the baseline has no miss, or no success, half of one more item is counted as such: a
    variance of 0 would make every later change infinite.
    """
    total = math.fsum(point.tested or 1.0 for point in first if not point.is_gap)
    rate = centre if 0 < centre < 1 else (centre * total + 0.5) / (total + 1)
    return [
        1.0 if point.is_gap else math.sqrt(rate * (1 - rate) / (point.tested or 1.0))
        for point in points
    ]


def _standardised(
    points: Sequence[ChartPoint], centre: float, deviations: Sequence[float]
) -> list[float | None]:
    """Return how many deviations each point is from the centre; ``None`` for a gap."""
    return [
        None if point.is_gap or point.value is None else _ratio(point.value - centre, one, centre)
        for point, one in zip(points, deviations, strict=False)
    ]


def _ratio(difference: float, deviation: float, centre: float) -> float:
    """Return difference / deviation; infinite where nothing varied in the baseline."""
    if abs(difference) <= 1e-12 * max(1.0, abs(centre)):
        return 0.0
    return difference / deviation if deviation else math.copysign(math.inf, difference)


def _scale(z: Sequence[float | None]) -> float:
    """Return the standard deviation by moving ranges; by values where no two are neighbours."""
    ranges = [abs(b - a) for a, b in pairwise(z) if a is not None and b is not None]
    if ranges:
        return math.fsum(ranges) / len(ranges) / MEAN_RANGE
    known = [one for one in z if one is not None]
    mean = math.fsum(known) / len(known)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in known) / (len(known) - 1))


def baseline_of(runs_per_year: int) -> int:
    """Return how many first points fix the limits of a schedule."""
    return FEW if runs_per_year < FEW_RUNS else BASELINE


def _widened(scale: float, points: int) -> float:
    """Return a deviation from so many points as one of which three are as seldom exceeded."""
    from harness.estimate.distributions import (  # noqa: PLC0415 - numpy is heavy
        normal_cdf,
        student_quantile,
    )

    reach = student_quantile(points - 1, normal_cdf(LIMIT))
    return scale * reach / LIMIT * math.sqrt(1 + 1 / points)


def _limits(centre: float, deviation: float, *, is_rate: bool) -> Limits:
    lower, upper = centre - LIMIT * deviation, centre + LIMIT * deviation
    return Limits(max(0.0, lower), min(1.0, upper)) if is_rate else Limits(lower, upper)


def _signals(
    points: Sequence[ChartPoint], z: Sequence[float | None], start: int, worse: Worse
) -> Iterator[NelsonSignal]:
    """Yield the signals of the points from ``start``, in order of index, then rule."""
    for run in _runs(points, z, start):
        for place in range(len(run.values)):
            recent = slice(max(0, place + 1 - MOST), place + 1)
            values, scores = run.values[recent], run.z[recent]
            for rule in NELSON_RULES:
                side = rule.side(values, scores)
                if side is not None:
                    yield NelsonSignal(
                        rule=rule.number,
                        index=run.first + place,
                        direction=_direction(side, worse),
                        words=rule.words.format(**WORDS_OF_SIDE[side]),
                    )


def _runs(points: Sequence[ChartPoint], z: Sequence[float | None], start: int) -> Iterator[_Run]:
    """Yield the longest runs of points from ``start`` that no gap interrupts."""
    run = _Run(start, [], [])
    for index in range(start, len(points)):
        value, score = points[index].value, z[index]
        if value is None or score is None:
            yield run
            run = _Run(index + 1, [], [])
        else:
            run.values.append(value)
            run.z.append(score)
    yield run


def _direction(side: Side, worse: Worse) -> Direction:
    if side == 0:
        return "neither"
    return "worse" if (side > 0) == (worse == "higher") else "better"


WORDS_OF_SIDE: dict[Side, dict[str, str]] = {
    1: {"side": "above", "than": "higher"},
    0: {"side": "about", "than": "other"},
    -1: {"side": "below", "than": "lower"},
}
MOST = 15
"""The most points that a rule looks back on."""


def _sign(number: float) -> Side:
    return 0 if number == 0 else 1 if number > 0 else -1


def _same_side(z: Sequence[float], *, wanted: int, of: int, beyond: float) -> Side | None:
    """Return the side of the last point if enough of the last points are beyond a mark on it."""
    side = _sign(z[-1])
    if side == 0:
        return None
    recent = [one * side > beyond for one in z[-of:]]
    return side if recent[-1] and sum(recent) >= wanted else None


def _steady(values: Sequence[float], _z: Sequence[float]) -> Side | None:
    steps = {_sign(b - a) for a, b in pairwise(values[-6:])}
    return steps.pop() if len(values) >= 6 and len(steps) == 1 and 0 not in steps else None  # noqa: PLR2004 - six points


def _alternating(values: Sequence[float], _z: Sequence[float]) -> Side | None:
    steps = [_sign(b - a) for a, b in pairwise(values[-14:])]
    return 0 if len(steps) == 13 and all(a * b == -1 for a, b in pairwise(steps)) else None  # noqa: PLR2004 - fourteen points


def _close(_values: Sequence[float], z: Sequence[float]) -> Side | None:
    recent = z[-15:]
    return 0 if len(recent) == 15 and all(abs(one) < 1 for one in recent) else None  # noqa: PLR2004 - fifteen points


def _far(_values: Sequence[float], z: Sequence[float]) -> Side | None:
    recent = z[-8:]
    is_far = len(recent) == 8 and all(abs(one) > 1 for one in recent)  # noqa: PLR2004 - eight points
    return 0 if is_far and len({_sign(one) for one in recent}) > 1 else None


NELSON_RULES = (
    NelsonRule(1, "one point is more than three standard deviations {side} the centre",
               lambda _, z: _same_side(z, wanted=1, of=1, beyond=LIMIT)),
    NelsonRule(2, "nine points in a row are {side} the centre",
               lambda _, z: _same_side(z, wanted=9, of=9, beyond=0)),
    NelsonRule(3, "six points in a row are each {than} than the one before", _steady),
    NelsonRule(4, "fourteen points in a row go up and down in turn", _alternating),
    NelsonRule(5, "two of three points in a row are more than two standard deviations {side} the "
                  "centre", lambda _, z: _same_side(z, wanted=2, of=3, beyond=2)),
    NelsonRule(6, "four of five points in a row are more than one standard deviation {side} the "
                  "centre", lambda _, z: _same_side(z, wanted=4, of=5, beyond=1)),
    NelsonRule(7, "fifteen points in a row are within one standard deviation of the centre",
               _close),
    NelsonRule(8, "eight points in a row, on both sides, are more than one standard deviation from "
                  "the centre", _far),
)  # fmt: skip
"""Nelson's rules by number. Each is met at the last point that takes part in it."""
