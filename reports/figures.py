"""Draw an assessment as figures for slides and documents, each as PNG and as SVG.

Every SVG has a title and a description for screen readers, and every figure is readable in
greyscale: shapes and line styles repeat what colours show (Okabe and Ito's palette). The same
numbers give the same bytes. Text is plain: no TeX is read from names or titles.
"""

from __future__ import annotations

import html
import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.model.corpus import is_among
from harness.model.metric_spec import LIST_CENSUSES
from harness.model.order_statistic import order_statistic
from harness.model.outcome import Assessment, CategoryRate, Outcome
from harness.model.scheme import Requirement
from harness.store.atomic_write import PRIVATE, write_document
from reports import phrases
from reports.evidence import LATE, test_lists
from reports.phrases import answers, plain
from reports.requirement_table import Area, Chart, Row, areas
from reports.words import category_name, framed, mechanism_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, INK, GREY = "#0072B2", "#B34700", "#00614A", "#1A1A1A", "#6B6B6B"
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
SETTINGS: Any = {
    "svg.hashsalt": "accredit",
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH = 8.0
"""Inches."""
DOTS = 200
"""Dots an inch of a PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure in both formats."""

    svg: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The block rate that a requirement asks of a category, as a fraction."""

    at_least: float | None = None
    at_most: float | None = None


def write_figures(assessment: Assessment, folder: Path) -> tuple[Path, ...]:
    """Write each figure into a folder, as PNG and SVG; return the paths. Raises InstrumentError."""
    written = []
    for name, drawing in _drawings(assessment):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        svg = f'<?xml version="1.0" encoding="utf-8"?>\n{drawing.svg}\n'
        written.append(write_document(folder / f"{slug}.svg", svg.encode(), PRIVATE))
        written.append(write_document(folder / f"{slug}.png", drawing.png, PRIVATE))
    return tuple(written)


def _drawings(assessment: Assessment) -> Iterator[tuple[str, Drawing]]:
    """Every figure that has something to show, with its name."""
    for number, area in enumerate(areas(assessment, binding=True), start=1):
        if area.axis is not None:
            yield f"requirements-{number}-{area.title}", requirements(area)
    by_place = sorted(assessment.rates, key=_place)
    for (profile, line), group in groupby(by_place, key=_place):
        rates = list(group)
        outcomes = [o for o in assessment.outcomes if (o.profile, o.line) == (profile, line)]
        title = f"Blocked by category: {profile} on {line}"
        limits = limits_of(outcomes, rates)
        drawing = block_rates(rates, limits, title, test_lists(assessment))
        yield f"blocked-{profile}-{line}", drawing
    if any(assessment.latencies.values()):
        yield "delay", latency(assessment.latencies)
    if assessment.mechanisms:
        yield "means-of-blocking", mechanisms(assessment.mechanisms)


def _place(rate: CategoryRate) -> tuple[str, str]:
    return rate.profile, rate.line


def requirements(area: Area) -> Drawing:
    """Draw the outcomes of an area: dot measured, bar bounds, line threshold, shade allowed."""
    rows = [*area.rows, *area.folded]
    with _drawing(len(rows) * 0.5 + 1.2) as (figure, axes):
        for number, row in enumerate(rows):
            if row.chart is not None:
                _draw_chart(axes, number, row.chart)
            axes.annotate(
                f"{row.measured}: {phrases.word(row.outcome).lower()}",
                (1.01, number),
                xycoords=("axes fraction", "data"),
                va="center",
            )
        axes.set_yticks(range(len(rows)), [_row_label(row) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(-2, 102)
        axes.set_xticks([0, 100], list(area.axis.ends) if area.axis else ["", ""])
        axes.set_xlabel(f"{area.about or area.title}. Shaded: allowed")
        said = "; ".join(
            f"{_row_label(row)}: {row.measured}, required {row.required}" for row in rows
        )
        return _drawn(figure, area.title, said.replace("\n", " "))


def _draw_chart(axes: Axes, number: int, chart: Chart) -> None:
    if chart.zone is not None:
        axes.barh([number], [chart.zone[1]], left=[chart.zone[0]], height=0.6, color="#D3E8E2")
    if chart.bar is not None:
        is_open = chart.status == "insufficient"
        axes.barh(
            [number],
            [chart.bar[1]],
            left=[chart.bar[0]],
            height=0.24,
            color="none" if is_open else ORANGE if chart.status == "does-not-conform" else BLUE,
            edgecolor=INK if is_open else "none",
            linestyle="--" if is_open else "-",
        )
    if chart.limit is not None:
        axes.plot([chart.limit] * 2, [number - 0.4, number + 0.4], color=INK, linewidth=2)
    if chart.dot is not None:
        axes.plot([chart.dot], [number], "o", color=INK, ms=6, clip_on=False)


def _row_label(row: Row) -> str:
    outcome = row.outcome
    name = plain(f"{outcome.requirement.id} {outcome.requirement.subject}")
    return f"{name}\n{plain(outcome.profile)} on {plain(outcome.line)}"


def block_rates(
    rates: Sequence[CategoryRate],
    limits: Mapping[str, Limit],
    title: str,
    names: Mapping[str, str] | None = None,
) -> Drawing:
    """Draw the share of each category that was blocked, with its bounds and the threshold.

    A category without a decided item is labelled as undecided, never shown as 0 %. ``names`` are
    other names of categories than the taxonomy's.
    """
    names = names or {}
    rows = sorted(rates, key=lambda rate: (_kind(limits.get(rate.category)), rate.category))
    with _drawing(len(rows) * 0.36 + 1.5) as (figure, axes):
        for row, rate in enumerate(rows):
            _draw_rate(axes, row, rate, limits.get(rate.category, Limit()))
        axes.set_yticks(range(len(rows)), [_label(rate, names) for rate in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("blocked, per cent of the decided items")
        axes.grid(visible=True, axis="x", color="#E2E2E2", linewidth=0.8)
        axes.set_axisbelow(True)
        _rate_legend(figure)
        described = (
            "; ".join(_rate_in_words(rate, names) for rate in rows) or "no category was measured"
        )
        return _drawn(figure, title, described)


def latency(
    waits: Mapping[str, Sequence[float]], title: str = "Delay before a page starts"
) -> Drawing:
    """Draw the share of answers that had begun by each time, for each line (times in seconds)."""
    filled = {name: sorted(times) for name, times in sorted(waits.items()) if times}
    with _drawing(3.6) as (figure, axes):
        for index, (name, times) in enumerate(filled.items()):
            shares = [(rank + 1) / len(times) * 100 for rank in range(len(times))]
            axes.step(
                [time * 1000 for time in times],
                shares,
                where="post",
                color=(BLUE, ORANGE, GREEN, INK, GREY)[index % 5],
                linestyle=DASHES[index % 5],
                linewidth=2,
                label=f"{plain(name)} ({answers(times)})",
            )
        _set_time_scale(axes, [time for times in filled.values() for time in times])
        axes.set_ylabel("pages that had started, per cent")
        axes.set_ylim(0, 102)
        axes.grid(visible=True, color="#E2E2E2", linewidth=0.8)
        if filled:
            axes.legend(loc="lower right", frameon=False)
        described = "; ".join(_waits_in_words(name, times) for name, times in filled.items())
        return _drawn(figure, title, described or "no times were measured")


def mechanisms(counts: Mapping[str, int], title: str = "How the service blocked") -> Drawing:
    """Draw how often each way of blocking was observed, most frequent first."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    with _drawing(len(rows) * 0.36 + 1.0) as (figure, axes):
        bars = axes.barh(range(len(rows)), [count for _, count in rows], color=BLUE, height=0.6)
        axes.bar_label(bars, [f"{count:,}" for _, count in rows], padding=4)
        axes.set_yticks(range(len(rows)), [plain(mechanism_name(name)) for name, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, max((count for _, count in rows), default=1) * 1.12)
        axes.set_xlabel("trials")
        described = "; ".join(f"{mechanism_name(name)}: {count}" for name, count in rows)
        return _drawn(figure, title, described or "nothing was blocked")


@contextmanager
def _drawing(height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with the settings above, without pyplot's global state; ``height`` in inches."""
    from matplotlib import rc_context  # noqa: PLC0415 - takes half a second to load
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    with rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, max(height, 1.6)), layout="constrained")
        axes: Axes = figure.add_subplot()
        yield figure, axes


def _draw_rate(axes: Axes, row: int, rate: CategoryRate, limit: Limit) -> None:
    decided = rate.blocked + rate.allowed
    if rate.lower is not None and rate.upper is not None:
        axes.plot([rate.lower * 100, rate.upper * 100], [row, row], "|-", color=BLUE, lw=2, ms=9)
    if decided:
        axes.plot([rate.blocked / decided * 100], [row], "o", color=BLUE, ms=7)
    text = f"{rate.blocked:,} of {decided:,}" if decided else "undecided"
    axes.annotate(text, (1.01, row), xycoords=("axes fraction", "data"), va="center")
    for number, towards in ((limit.at_least, 1), (limit.at_most, -1)):
        if number is not None:
            arrow = ">" if towards > 0 else "<"
            axes.plot([number * 100], [row], "|", color=ORANGE, ms=20, mew=2, zorder=1)
            axes.plot([number * 100 + 1.2 * towards], [row], arrow, color=ORANGE, ms=5, zorder=1)


def _rate_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    marks: dict[str, dict[str, Any]] = {
        "measured, with its bounds": {"marker": "o", "color": BLUE, "lw": 2},
        "required: at least": {"marker": ">", "color": ORANGE, "lw": 0},
        "required: at most": {"marker": "<", "color": ORANGE, "lw": 0},
    }
    handles = [Line2D([], [], label=name, markersize=8, **mark) for name, mark in marks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)


def _set_time_scale(axes: Axes, times: Sequence[float]) -> None:
    """A linear scale, or a logarithmic one where the times differ by a factor of 100."""
    positive = [time for time in times if time > 0]
    axes.set_xlabel("milliseconds until a page starts")
    if positive and max(positive) / min(positive) > 100:  # noqa: PLR2004 - two decades
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda milliseconds, _: f"{milliseconds:g}")  # not TeX
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_xlabel("milliseconds until a page starts (logarithmic scale)")
    else:
        axes.set_xlim(left=0)


def _kind(limit: Limit | None) -> int:
    """Sort key: categories to block first, then those to allow, then the others."""
    if limit is None:
        return 2
    return 0 if limit.at_least is not None else 1


def _label(rate: CategoryRate, names: Mapping[str, str]) -> str:
    """The name of a category on at most two lines."""
    text = framed(category_name(rate.category, names), rate.frame)
    return "\n".join(textwrap.wrap(plain(text), 40, max_lines=2, placeholder="…"))


def _rate_in_words(rate: CategoryRate, names: Mapping[str, str]) -> str:
    decided = rate.blocked + rate.allowed
    counted = f"{rate.blocked} of {decided} blocked" if decided else "undecided"
    name = category_name(rate.category, names)
    return f"{framed(name, rate.frame)}: {counted}"


def _waits_in_words(name: str, times: Sequence[float]) -> str:
    """Median and 95th percentile as order statistics; ``times`` is sorted and not empty."""
    middle, late = order_statistic(times, 0.5), order_statistic(times, LATE)
    return f"{name}: median {middle * 1000:.1f} ms, 95 of 100 within {late * 1000:.1f} ms"


def _drawn(figure: Figure, title: str, described: str) -> Drawing:
    """The figure as an ``<svg>`` element, without the XML prologue, and as a PNG."""
    figure.suptitle(plain(title), ha="left", x=0.01, fontweight="bold")
    text, picture = io.StringIO(), io.BytesIO()
    bare = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        # A font lacks some letters of names: a viewer of the SVG has others.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(text, format="svg", metadata=bare)
        figure.savefig(picture, format="png", dpi=DOTS, metadata={"Software": None})
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    opening, _, rest = svg.partition(">")
    label = 'role="img" aria-labelledby="title about"'
    texts = (
        f'<title id="title">{html.escape(plain(title))}</title>'
        f'<desc id="about">{html.escape(plain(described))}</desc>'
    )
    opening = opening.replace("<svg", f"<svg {label}", 1)
    return Drawing(svg=f"{opening}>{texts}{rest.strip()}", png=picture.getvalue())


def limits_of(outcomes: Iterable[Outcome], rates: Iterable[CategoryRate]) -> dict[str, Limit]:
    """The block rate that the requirements ask of each category.

    A census ("at most 0 missed") asks for 100 %. Of two requirements the stricter one counts.
    """
    limits: dict[str, Limit] = {}
    codes = {rate.category for rate in rates}
    for outcome in outcomes:
        limit = _limit(outcome.requirement)
        measure = outcome.requirement.measure
        for code in codes if limit else ():
            if limit and is_among(code, measure.categories):
                limits[code] = _stricter(limits.get(code), limit)
    return limits


def _limit(requirement: Requirement) -> Limit | None:
    threshold, metric = requirement.threshold, requirement.measure.metric
    if threshold is None:
        return None
    if metric == "block_rate" and threshold.at_least is not None:
        return Limit(at_least=threshold.at_least)
    if metric == "overblock_rate" and threshold.at_most is not None:
        return Limit(at_most=threshold.at_most)
    is_census = metric in LIST_CENSUSES and threshold.at_most == 0
    return Limit(at_least=1.0) if is_census else None


def _stricter(first: Limit | None, second: Limit) -> Limit:
    if first is None:
        return second
    least = [each for each in (first.at_least, second.at_least) if each is not None]
    most = [each for each in (first.at_most, second.at_most) if each is not None]
    return Limit(at_least=max(least, default=None), at_most=min(most, default=None))
