"""Tables for the terminal and the HTML report: outcomes by requirement, packs, the instrument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from harness.model.corpus import AS_VISITED
from harness.model.metric import Foreknowledge, Metric, PackRate
from harness.model.outcome import Assessment, Outcome
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
    """Outcomes grouped by requirement, in the order of the requirements."""
    grouped: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.requirement.id, []).append(outcome)
    return tuple(
        Group(requirement=each[0].requirement, outcomes=tuple(each)) for each in grouped.values()
    )


def part_lines(outcome: Outcome) -> tuple[str, ...]:
    """The count of each part, the smallest first; empty if there are fewer than two parts."""
    parts = outcome.metric.parts
    if len(parts) < 2:  # noqa: PLR2004 - several
        return ()
    ordered = sorted(parts, key=lambda part: (part.metric.n, part.name))
    return tuple(f"{part.name}: {_share(outcome, part.metric)}" for part in ordered)


def _share(outcome: Outcome, metric: Metric) -> str:
    count = f"{metric.k}/{metric.n}"
    count += f" +{metric.indeterminate}?" if metric.indeterminate else ""
    if metric.unit not in RATES or metric.value is None:
        return count
    limit = limit_of(outcome.requirement.threshold)
    return f"{count} ({quantity(metric.value, metric.unit, limit)})"


PACK_RATES = "How often items of each pack were handled as the policy says"
FOREKNOWLEDGE = "Known items compared with hidden ones: is the service tuned to a known list?"
DESIGNS = {"popularity_weighted": AS_VISITED}
"""The weighting of items by sampling design; in all other designs items have equal weights."""

EQUAL = "equal"


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
            ("Pack", "Weights", "Category", "Profile on line", "As policy", "Count", "Bounds"),
            tuple(map(_rate, assessment.packs)),
        ),
        PackTable(
            FOREKNOWLEDGE,
            (
                "Category, kind",
                "Weights",
                "Profile on line",
                "Known items",
                "Hidden items",
                "p-value",
                "Conclusion",
            ),
            tuple(map(_contrast, assessment.foreknowledge)),
        ),
    )
    return tuple(table for table in tables if table.rows)


def _rate(rate: PackRate) -> tuple[str, ...]:
    return (
        f"{rate.pack} ({rate.kind}, {rate.audience})",
        DESIGNS.get(rate.design, EQUAL),
        rate.group,
        f"{rate.profile} on {rate.line}",
        phrases.percent(rate.value),
        f"{rate.right}/{rate.n}" + (f" +{rate.undecided}?" if rate.undecided else ""),
        f"{phrases.percent(rate.lower)} to {phrases.percent(rate.upper)}",
    )


def _contrast(pair: Foreknowledge) -> tuple[str, ...]:
    undecided = f" ({pair.undecided} undecided)" if pair.undecided else ""
    return (
        f"{pair.group}, {pair.kind}",
        pair.frame or EQUAL,
        f"{pair.profile} on {pair.line}",
        _pack_share(pair.known_right, pair.known_n),
        _pack_share(pair.hidden_right, pair.hidden_n),
        f"{pair.adjusted:.2g}",
        pair.conclusion + undecided,
    )


def _pack_share(right: int, n: int) -> str:
    return f"{phrases.percent(right / n if n else None)} ({right}/{n})"


IMPORT_COLUMNS = ("Import", "File", "Format", "Lines", "Of the test", "Read", "SHA-256")


def import_rows(assessment: Assessment) -> list[tuple[str, ...]]:
    """Every import of a log, of alerts and of mailboxes, as texts under ``IMPORT_COLUMNS``."""
    return [
        (
            f"{one.number}",
            ", ".join(filter(None, (one.name, one.part, *one.covers))),
            one.format,
            f"{one.lines:,}",
            f"{one.entries:,}",
            f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
            one.sha256,
        )
        for one in assessment.imports
    ]


NO_INSTRUMENT = "The journal does not record the instrument: an older version of Accredit made it."
NO_LOAD = "not known: the journal does not record how busy the measuring computer was"
Rows = tuple[tuple[str, str], ...]


def instrument_tables(assessment: Assessment) -> tuple[tuple[str, Rows], ...]:
    """Titles and rows of the instrument records: the first one, and the changes in later ones."""
    tables: list[tuple[str, Rows]] = []
    before: dict[str, str] = {}
    for record in assessment.instrument:
        rows = dict(record.rows)
        changed = tuple((name, value) for name, value in rows.items() if before.get(name) != value)
        gone = tuple((name, "no longer recorded") for name in before if name not in rows)
        word = "Changed" if before else "As of"
        tables.append((f"{word} {record.at:%Y-%m-%d %H:%M} UTC", changed + gone))
        before = rows
    return tuple(tables)


def instrument_line(assessment: Assessment) -> str:
    """The newest instrument record in one line, and how often it changed; empty without one."""
    if not assessment.instrument:
        return ""
    last, changes = assessment.instrument[-1], len(assessment.instrument) - 1
    facts = [last.python, last.tls_library, last.kernel]
    facts += [f"ClientHello {hello.description.partition(';')[0]}" for hello in last.hellos[:1]]
    facts.append(f"clock {last.clock.description}")
    changed = f" (changed {changes} times in this campaign)" if changes else ""
    return f"Measured with {'; '.join(filter(None, facts))}{changed}"
