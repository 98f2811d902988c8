"""Draw an assessment as SVG figures: block rates with bounds, response times, ways of blocking.

Every figure has a title and a description for screen readers, and is readable in greyscale: shapes
and line styles repeat what colours show (Okabe and Ito's palette). The same numbers give the same
bytes.
"""

from __future__ import annotations

import html
import io
import re
import textwrap
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.model.outcome import CategoryRate
from reports.phrases import answers, plain
from reports.words import category_name, framed, labelled, mechanism_name

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
"""Inches; the browser scales the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The block rate that a requirement asks of a category, as a fraction."""

    at_least: float | None = None
    at_most: float | None = None


def block_rates(rates: Sequence[CategoryRate], limits: Mapping[str, Limit], title: str) -> str:
    """Draw the share of each category that was blocked, with its bounds and the threshold.

    A category without a decided item is labelled as undecided, never shown as 0 %.
    """
    rows = sorted(rates, key=lambda rate: (_kind(limits.get(rate.category)), rate.category))
    with _drawing(len(rows) * 0.36 + 1.5) as (figure, axes):
        for row, rate in enumerate(rows):
            _draw_rate(axes, row, rate, limits.get(rate.category, Limit()))
        axes.set_yticks(range(len(rows)), [_label(rate) for rate in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("blocked, per cent of the decided items")
        axes.grid(visible=True, axis="x", color="#E2E2E2", linewidth=0.8)
        axes.set_axisbelow(True)
        _rate_legend(figure)
        described = "; ".join(_rate_in_words(rate) for rate in rows) or "no category was measured"
        return _svg(figure, "rates", title, described)


def latency(waits: Mapping[str, Sequence[float]], title: str = "Time to first byte") -> str:
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
        axes.set_ylabel("answers that had begun, per cent")
        axes.set_ylim(0, 102)
        axes.grid(visible=True, color="#E2E2E2", linewidth=0.8)
        if filled:
            axes.legend(loc="lower right", frameon=False)
        described = "; ".join(_waits_in_words(name, times) for name, times in filled.items())
        return _svg(figure, "latency", title, described or "no times were measured")


def mechanisms(counts: Mapping[str, int], title: str = "How the service blocked") -> str:
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
        return _svg(figure, "mechanisms", title, described or "nothing was blocked")


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
    text = f"{rate.blocked}/{decided}" if decided else "undecided"
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
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False)


def _set_time_scale(axes: Axes, times: Sequence[float]) -> None:
    """A linear scale, or a logarithmic one where the times differ by a factor of 100."""
    positive = [time for time in times if time > 0]
    axes.set_xlabel("milliseconds to the first byte")
    if positive and max(positive) / min(positive) > 100:  # noqa: PLR2004 - two decades
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda milliseconds, _: f"{milliseconds:g}")  # not TeX
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_xlabel("milliseconds to the first byte (logarithmic scale)")
    else:
        axes.set_xlim(left=0)


def _kind(limit: Limit | None) -> int:
    """Sort key: categories to block first, then those to allow, then the others."""
    if limit is None:
        return 2
    return 0 if limit.at_least is not None else 1


def _label(rate: CategoryRate) -> str:
    """Name and code of a category on at most two lines."""
    text = framed(labelled(rate.category), rate.frame)
    return "\n".join(textwrap.wrap(plain(text), 40, max_lines=2, placeholder="…"))


def _rate_in_words(rate: CategoryRate) -> str:
    decided = rate.blocked + rate.allowed
    counted = f"{rate.blocked} of {decided} blocked" if decided else "undecided"
    return f"{framed(category_name(rate.category), rate.frame)}: {counted}"


def _waits_in_words(name: str, times: Sequence[float]) -> str:
    """Median and 95th percentile as order statistics; ``times`` is sorted and not empty."""
    middle, late = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95))
    return f"{name}: median {middle * 1000:.1f} ms, 95 of 100 within {late * 1000:.1f} ms"


def _svg(figure: Figure, slug: str, title: str, described: str) -> str:
    """The figure as an ``<svg>`` element with unique ids, without the XML prologue."""
    text = io.StringIO()
    bare = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        # matplotlib only measures the letters; the browser draws them
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(text, format="svg", metadata=bare)
    slug = f"{slug}-{zlib.crc32(title.encode()):08x}"
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    svg = re.sub(r'(\sid="|url\(#|xlink:href="#)', rf"\g<1>{slug}-", svg)
    svg = re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", svg, count=2)
    label = f'role="img" aria-labelledby="{slug}-title {slug}-about"'
    texts = (
        f'<title id="{slug}-title">{html.escape(plain(title))}</title>'
        f'<desc id="{slug}-about">{html.escape(plain(described))}</desc>'
    )
    opening, _, rest = svg.partition(">")
    return f"{opening.replace('<svg', f'<svg {label}', 1)}>{texts}{rest.strip()}"
