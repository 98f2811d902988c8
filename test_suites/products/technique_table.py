"""The table of product and technique, from the journal of a campaign over all products.

A cell says what became of a technique: *open*, stopped by what, *not carried* (the control line or
the product's line cannot carry it), *not blocked* (there was nothing to bypass), or *undecided*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from harness.model.technique import GROUPS, PLAIN_PROBES, PROBE, case_of_item
from harness.model.verdict import Mechanism, State, Verdict

OPEN, UNDECIDED, NOT_CARRIED, NOT_BLOCKED = "open", "undecided", "not carried", "not blocked"
NOT_TRIED = "–"

UNDECIDED_STATES = frozenset({State.INSUFFICIENT, State.DOWN})


class TechniqueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One technique: its id, group and class, and its cells by product."""

    item: str
    group: str
    name: str
    cells: dict[str, str]


def table_rows(verdicts: Iterable[Verdict]) -> tuple[TechniqueRow, ...]:
    """The rows of all techniques in a journal's verdicts, by group, class and id."""
    states: dict[tuple[str, str], dict[str, Verdict]] = {}
    items = {}
    for verdict in verdicts:
        case = case_of_item(verdict.item)
        if case is not None:
            items[verdict.item.id] = case
            found = states.setdefault((verdict.item.id, verdict.key.line), {})
            if verdict.state not in UNDECIDED_STATES or verdict.key.probe not in found:
                found[verdict.key.probe] = verdict
    groups = [*GROUPS]
    rows = []
    for item, case in items.items():
        plain = PLAIN_PROBES[case.scheme]
        cells = {
            line: cell(found.get(PROBE), found.get(plain))
            for (tried, line), found in states.items()
            if tried == item
        }
        rows.append(TechniqueRow(item=item, group=case.group, name=case.name, cells=cells))
    return tuple(sorted(rows, key=lambda row: (groups.index(row.group), row.name, row.item)))


def cell(tried: Verdict | None, plain: Verdict | None) -> str:
    """What became of one technique over one product, in words."""
    if tried is None:
        return NOT_TRIED
    if tried.state is State.DOWN or _is_not_carried(tried):
        return NOT_CARRIED
    if plain is None or plain.state is State.INSUFFICIENT:
        return UNDECIDED
    if plain.state is not State.BLOCKED:
        return NOT_BLOCKED
    if tried.state is State.ALLOWED:
        return OPEN
    return _what_stopped(tried) if tried.state is State.BLOCKED else UNDECIDED


_FAILED = re.compile(r"service: (\w+ at \w+|status \d+)")


def _what_stopped(verdict: Verdict) -> str:
    """The mechanism, or how the attempt ended where it has no name of its own."""
    if verdict.mechanism is not Mechanism.OTHER:
        return verdict.mechanism.value
    found = _FAILED.search(" ".join(verdict.witnesses))
    return found[1] if found else verdict.mechanism.value


def _is_not_carried(verdict: Verdict) -> bool:
    said = " ".join(verdict.witnesses)
    return verdict.state is State.INSUFFICIENT and (
        "opens no byte streams" in said or "carries no UDP" in said or "the origin has no" in said
    )


def as_markdown(rows: Iterable[TechniqueRow], products: Mapping[str, str]) -> Iterator[str]:
    """The table as lines of Markdown; ``products`` gives the columns, with their words."""
    yield "| technique | class | " + " | ".join(products) + " |"
    yield "|---|---|" + "---|" * len(products)
    for row in rows:
        cells = (_shown(row.cells.get(product, NOT_TRIED)) for product in products)
        yield f"| {row.item} | {row.group}: {row.name} | " + " | ".join(cells) + " |"


def _shown(text: str) -> str:
    return f"**{text}**" if text == OPEN else f"`{text}`" if "_" in text else text


def opened(rows: Iterable[TechniqueRow], product: str) -> list[str]:
    """The ids of the techniques that one product left open."""
    return [row.item for row in rows if row.cells.get(product) == OPEN]
