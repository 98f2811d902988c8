"""Gathers outcomes by requirement, so that a demand is said once and its outcomes below it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from harness.model.corpus import AS_VISITED
from harness.model.metric import Metric
from harness.model.outcome import Assessment, Outcome
from harness.model.pack_rate import Foreknowledge, PackRate
from harness.model.scheme import Requirement
from reports import phrases
from reports.phrases import RATES, limit_of, quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One requirement with its outcomes, in the order of the scheme."""

    requirement: Requirement
    outcomes: tuple[Outcome, ...]

    @property
    def unit(self) -> str:
        """The unit in which the requirement was measured."""
        return self.outcomes[0].metric.unit


def groups_of(outcomes: Iterable[Outcome]) -> tuple[Group, ...]:
    """Outcomes gathered by requirement, requirements in the order in which they first come."""
    gathered: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        gathered.setdefault(outcome.requirement.id, []).append(outcome)
    return tuple(
        Group(requirement=each[0].requirement, outcomes=tuple(each)) for each in gathered.values()
    )


def rests_on(outcome: Outcome) -> str:
    """The kind of items that an outcome rests on: "real items"; empty if it is about none."""
    return f"{outcome.kind} items" if outcome.kind else ""


def apart(outcome: Outcome) -> tuple[str, ...]:
    """What was counted of each part, the smallest first, where there are several; else nothing."""
    parts = outcome.metric.parts
    if len(parts) < 2:  # noqa: PLR2004 - several
        return ()
    ordered = sorted(parts, key=lambda part: (part.metric.n, part.name))
    return tuple(f"{part.name}: {_share(outcome, part.metric)}" for part in ordered)


def _share(outcome: Outcome, metric: Metric) -> str:
    found = f"{metric.k}/{metric.n}"
    found += f" +{metric.indeterminate}?" if metric.indeterminate else ""
    if metric.unit not in RATES or metric.value is None:
        return found
    limit = limit_of(outcome.requirement.threshold)
    return f"{found} ({quantity(metric.value, metric.unit, limit)})"


PACK_RATES = "Went as the policy says, each pack and frame for itself"
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
            PACK_RATES,
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
        _pack_share(found.known_right, found.known_n),
        _pack_share(found.hidden_right, found.hidden_n),
        f"{found.adjusted:.2g}",
        found.conclusion + undecided,
    )


def _pack_share(right: int, n: int) -> str:
    return f"{phrases.percent(right / n if n else None)} ({right}/{n})"


NONE = "The journal does not say what it was measured with: it was made before this was recorded."
Rows = tuple[tuple[str, str], ...]


def instrument_tables(assessment: Assessment) -> tuple[tuple[str, Rows], ...]:
    """Titles and rows: all of the first record, and of each later one only what differs."""
    tables: list[tuple[str, Rows]] = []
    before: dict[str, str] = {}
    for record in assessment.instrument:
        rows = dict(record.rows)
        changed = tuple((name, value) for name, value in rows.items() if before.get(name) != value)
        gone = tuple((name, "no longer there") for name in before if name not in rows)
        word = "Changed" if before else "As of"
        tables.append((f"{word} {record.at:%Y-%m-%d %H:%M} UTC", changed + gone))
        before = rows
    return tuple(tables)


def told_briefly(assessment: Assessment) -> str:
    """The newest record in one line, and how often it changed; empty without a record."""
    if not assessment.instrument:
        return ""
    last, changes = assessment.instrument[-1], len(assessment.instrument) - 1
    facts = [last.python, last.tls_library, last.kernel]
    facts += [f"ClientHello {hello.description.partition(';')[0]}" for hello in last.hellos[:1]]
    facts.append(f"clock {last.clock.description}")
    changed = f" (changed {changes} times in this campaign)" if changes else ""
    return f"Measured with {'; '.join(filter(None, facts))}{changed}"
