"""Tables of what the packs of a campaign say apart, the same for terminal and page."""

from __future__ import annotations

from typing import NamedTuple

from harness.model.corpus import AS_VISITED
from harness.model.outcome import Assessment
from harness.model.pack_rate import Foreknowledge, PackRate
from reports import phrases

RATES = "Went as the policy says, each pack and frame for itself"
FOREKNOWLEDGE = "Known items beside hidden ones of the same kind: is the service tuned to a list?"
DESIGNS = {"popularity_weighted": AS_VISITED}
"""How items of a design count; in all other designs they count alike, or as they were drawn."""

ALIKE = "alike"


class PackTable(NamedTuple):
    """A table of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def pack_tables(assessment: Assessment) -> tuple[PackTable, ...]:
    """The tables that have rows: none, if all items came from one pack."""
    tables = (
        PackTable(
            RATES,
            ("Pack", "Items count", "Category", "Profile on line", "Went right", "k/n", "Bounds"),
            tuple(map(_rate, assessment.packs)),
        ),
        PackTable(
            FOREKNOWLEDGE,
            (
                "Category, kind",
                "Items count",
                "Profile on line",
                "Known",
                "Hidden",
                "p",
                "What it says",
            ),
            tuple(map(_contrast, assessment.foreknowledge)),
        ),
    )
    return tuple(table for table in tables if table.rows)


def _rate(rate: PackRate) -> tuple[str, ...]:
    return (
        f"{rate.pack} ({rate.kind}, {rate.audience})",
        DESIGNS.get(rate.design, ALIKE),
        rate.group,
        f"{rate.profile} on {rate.line}",
        phrases.percent(rate.value),
        f"{rate.right}/{rate.n}" + (f" +{rate.undecided}?" if rate.undecided else ""),
        f"{phrases.percent(rate.lower)} to {phrases.percent(rate.upper)}",
    )


def _contrast(found: Foreknowledge) -> tuple[str, ...]:
    undecided = f" ({found.undecided} undecided)" if found.undecided else ""
    return (
        f"{found.group}, {found.kind}",
        found.frame or ALIKE,
        f"{found.profile} on {found.line}",
        _share(found.known_right, found.known_n),
        _share(found.hidden_right, found.hidden_n),
        f"{found.adjusted:.2g}",
        found.says + undecided,
    )


def _share(right: int, n: int) -> str:
    return f"{phrases.percent(right / n if n else None)} ({right}/{n})"
