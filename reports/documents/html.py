"""Write an assessment as one self-contained HTML page.

Text from a supplier's pages is hostile input: everything is escaped, nothing becomes a link,
control characters are replaced, and a content security policy forbids scripts and requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.model.corpus import is_among
from harness.model.outcome import Assessment, CategoryRate, Conformity, Outcome
from harness.model.scheme import Requirement
from harness.store.atomic_write import write_document
from reports import figures, phrases, tables, words
from reports.documents import DOCUMENTS
from reports.tables import NO_INSTRUMENT, groups_of, instrument_tables, pack_tables

SHOWN_ITEMS = 100
"""How many items a table of the page shows; the JSON of the assessment holds all of them."""
SHOWN_CHARACTERS = 300
"""How many characters of one observed text are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure, and its numbers as a table."""

    title: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@DOCUMENTS.register("html")
def write_html(assessment: Assessment, path: Path) -> Path:
    """A self-contained HTML page, written whole or not at all. Raises InstrumentError."""
    return write_document(path, render(assessment).encode())


def render(assessment: Assessment) -> str:
    """The page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - on demand

    page = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    page.globals.update(phrases=phrases, tables=tables, words=words, shown_items=SHOWN_ITEMS)
    page.filters["short"] = _short
    return page.get_template("report.html.j2").render(**_contents(assessment))


def limits_of(
    outcomes: Iterable[Outcome], rates: Iterable[CategoryRate]
) -> dict[str, figures.Limit]:
    """The block rate that the requirements ask of each category.

    A census ("at most 0 missed") asks for 100 %. Of two requirements the stricter one counts.
    """
    limits: dict[str, figures.Limit] = {}
    codes = {rate.category for rate in rates}
    for outcome in outcomes:
        limit = _limit(outcome.requirement)
        measure = outcome.requirement.measure
        for code in codes if limit else ():
            if limit and is_among(code, measure.categories):
                limits[code] = _stricter(limits.get(code), limit)
    return limits


def _contents(assessment: Assessment) -> dict[str, Any]:
    binding = [out for out in assessment.outcomes if out.requirement.binding]
    return {
        "assessment": assessment,
        "groups": groups_of(assessment.outcomes),
        "tally": phrases.tally(assessment),
        "failed": groups_of(o for o in binding if o.conformity is Conformity.DOES_NOT_CONFORM),
        "undecided": groups_of(o for o in binding if o.conformity is Conformity.INSUFFICIENT),
        "with_items": [out for out in assessment.outcomes if out.witnesses],
        "failed_preconditions": [each for each in assessment.preconditions if not each.held],
        "plots": _plots(assessment),
        "pack_tables": pack_tables(assessment),
        "instrument": instrument_tables(assessment),
        "no_instrument": NO_INSTRUMENT,
        "rules": list(dict.fromkeys(out.decided_by for out in assessment.outcomes)),
        "alphas": sorted({out.metric.alpha for out in assessment.outcomes}),
        "sure": phrases.confidence(
            max((o.metric.alpha for o in assessment.outcomes), default=0.05)
        ),
    }


def _plots(assessment: Assessment) -> list[Plot]:
    plots = []
    by_line = sorted(assessment.rates, key=_profile_and_line)
    for (profile, line), group in groupby(by_line, key=_profile_and_line):
        rates = list(group)
        outcomes = [o for o in assessment.outcomes if (o.profile, o.line) == (profile, line)]
        title = f"Blocked by category: {profile} on {line}"
        svg = figures.block_rates(rates, limits_of(outcomes, rates), title)
        rows = tuple(_rate_row(rate) for rate in rates)
        columns = ("Category", "Blocked", "Let through", "Changed", "Down", "Undecided", "Bounds")
        plots.append(Plot(title=title, svg=svg, columns=columns, rows=rows))
    if any(assessment.latencies.values()):
        title = "Time to first byte"
        svg = figures.latency(assessment.latencies, title)
        rows = tuple(_wait_row(*each) for each in sorted(assessment.latencies.items()))
        plots.append(Plot(title=title, svg=svg, columns=("Line", "Answers", "Median"), rows=rows))
    if assessment.mechanisms:
        title = "How the service blocked"
        svg = figures.mechanisms(assessment.mechanisms, title)
        ways = sorted(assessment.mechanisms.items(), key=lambda way: -way[1])
        counts = tuple((words.mechanism_name(way), way, f"{n:,}") for way, n in ways)
        plots.append(Plot(title=title, svg=svg, columns=("Way", "Code", "Trials"), rows=counts))
    return plots


def _profile_and_line(rate: CategoryRate) -> tuple[str, str]:
    return rate.profile, rate.line


def _rate_row(rate: CategoryRate) -> tuple[str, ...]:
    label = words.framed(words.labelled(rate.category), rate.frame)
    counts = (rate.blocked, rate.allowed, rate.altered, rate.down, rate.insufficient)
    low, high = phrases.percent(rate.lower), phrases.percent(rate.upper)
    return (label, *(f"{count:,}" for count in counts), f"{low} to {high}")


def _wait_row(line: str, times: tuple[float, ...]) -> tuple[str, ...]:
    if not times:
        return line, "0", phrases.NONE
    return line, phrases.answers(times), phrases.quantity(sorted(times)[len(times) // 2], "s")


def _limit(requirement: Requirement) -> figures.Limit | None:
    threshold, metric = requirement.threshold, requirement.measure.metric
    if threshold is None:
        return None
    if metric == "block_rate" and threshold.at_least is not None:
        return figures.Limit(at_least=threshold.at_least)
    if metric == "overblock_rate" and threshold.at_most is not None:
        return figures.Limit(at_most=threshold.at_most)
    return figures.Limit(at_least=1.0) if (metric, threshold.at_most) == ("missed", 0) else None


def _stricter(first: figures.Limit | None, second: figures.Limit) -> figures.Limit:
    if first is None:
        return second
    least = [each for each in (first.at_least, second.at_least) if each is not None]
    most = [each for each in (first.at_most, second.at_most) if each is not None]
    return figures.Limit(at_least=max(least, default=None), at_most=min(most, default=None))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _finalize(shown: Any) -> Any:
    """Escape control characters in text from outside; the template's own markup stays."""
    return phrases.plain(shown, keep="\n\t") if type(shown) is str else shown
