"""Write and read the rows of items: what happened to each in a campaign, and its evidence.

Writing is part of making the rows of a campaign; pages read through a ``Reading``, which adds the
condition on the viewer's suppliers. Each page reads few rows by an index: the items of a campaign
are read state by state and category by category, in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    update,
)

from harness.store.hub.hub_tables import ITEMS
from harness.store.hub.repository import Reading

AT_ONCE = 1000
"""How many rows are written, and held in memory, at a time."""

STATES = ("allowed", "altered", "blocked", "down", "insufficient")
"""All states of an item (``harness.model.verdict.State``), in alphabetical order."""

TECHNIQUE = "technique"
"""The kind of items that are techniques, which count for requirements on techniques alone."""

LISTED = tuple(column for column in ITEMS.c if column.name != "evidence")
"""The columns of lists: all but the evidence."""


class ItemRow(NamedTuple):
    """A row of ``ITEMS`` without its supplier and campaign; the fields are its columns."""

    number: int
    item: str
    shown: str
    kind: str
    category: str
    profile: str
    line: str
    probe: str
    round: int
    state: str
    mechanism: str
    rule: str
    is_hidden: bool
    tried_at: datetime
    evidence: bytes | None


def replace_items(
    connection: Connection, stream: str, campaign: str, rows: Iterable[ItemRow]
) -> int:
    """Write the items of a campaign anew, a thousand at a time; return how many there are."""
    table, written = ITEMS, 0
    where = and_(table.c.stream == stream, table.c.campaign == campaign)
    connection.execute(delete(table).where(where))
    coming = iter(rows)
    while block := list(islice(coming, AT_ONCE)):
        values = [{"stream": stream, "campaign": campaign, **each._asdict()} for each in block]
        connection.execute(insert(table), values)
        written += len(block)
    return written


def age_out(connection: Connection, stream: str, campaign: str) -> int:
    """Remove the evidence of a campaign's items and keep all else; return of how many."""
    where = and_(ITEMS.c.stream == stream, ITEMS.c.campaign == campaign)
    change = update(ITEMS).where(where, ITEMS.c.evidence.is_not(None)).values(evidence=None)
    return int(connection.execute(change).rowcount)


class Selected(NamedTuple):
    """Which items of a campaign are wanted: all that fit. Empty fields mean any.

    ``states`` and ``categories`` are read in their order. ``item`` is the id of one item; without
    ``names_hidden`` a hidden item cannot be found by it.
    """

    stream: str
    campaign: str
    states: tuple[str, ...] = STATES
    categories: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    profile: str = ""
    line: str = ""
    probes: tuple[str, ...] = ()
    mechanism: str = ""
    item: str = ""
    names_hidden: bool = True

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions, but those on state and category."""
        columns = ITEMS.c
        yield columns.stream == self.stream
        yield columns.campaign == self.campaign
        for name in ("profile", "line", "mechanism"):
            if value := getattr(self, name):
                yield columns[name] == value
        if self.probes:
            yield columns.probe.in_(self.probes)
        if self.kinds:
            yield columns.kind.in_(self.kinds)
        if self.item:
            yield columns.item == self.item
            if not self.names_hidden:
                yield columns.is_hidden.is_(False)


class After(NamedTuple):
    """The place after which a page begins: of its last row before."""

    state: str
    category: str
    number: int


def read_items(
    reading: Reading, selected: Selected, after: After | None, limit: int
) -> list[Row[Any]]:
    """The next items without their evidence, at most ``limit``, in the order of ``Selected``.

    Within a state they are in the order of categories, and then of numbers.
    """
    found: list[Row[Any]] = []
    for state, category, beyond in _groups(selected, after):
        if len(found) == limit:
            break
        where = [ITEMS.c.state == state, *selected.conditions(), *beyond]
        if category:
            where.append(ITEMS.c.category == category)
        found += reading.rows(
            ITEMS,
            *where,
            columns=LISTED,
            order=[ITEMS.c.category, ITEMS.c.number],
            limit=limit - len(found),
        )
    return found


def _groups(
    selected: Selected, after: After | None
) -> Iterator[tuple[str, str, Sequence[ColumnElement[bool]]]]:
    """State and category of each question, with the condition on what was shown before."""
    states, categories = list(selected.states), list(selected.categories) or [""]
    if after is None or after.state not in states:
        yield from ((state, category, ()) for state in states for category in categories)
        return
    states = states[states.index(after.state) :]
    columns = ITEMS.c
    for state in states:
        is_first = state == after.state
        if not is_first:
            yield from ((state, category, ()) for category in categories)
        elif categories == [""]:
            later = and_(columns.category == after.category, columns.number > after.number)
            # the first condition lets the index begin there
            beyond = columns.category >= after.category
            yield state, "", (beyond, or_(columns.category > after.category, later))
        elif after.category in categories:
            left = categories[categories.index(after.category) :]
            yield state, left[0], (columns.number > after.number,)
            yield from ((state, category, ()) for category in left[1:])


def read_item(reading: Reading, stream: str, campaign: str, number: int) -> Row[Any] | None:
    """One item with its evidence, if the viewer sees it."""
    columns = ITEMS.c
    where = (columns.stream == stream, columns.campaign == campaign, columns.number == number)
    return reading.row(ITEMS, *where)


def same_item(reading: Reading, stream: str, item: str, limit: int) -> list[Row[Any]]:
    """The trials of the same item in all campaigns of a supplier, newest first."""
    columns = ITEMS.c
    return reading.rows(
        ITEMS,
        columns.stream == stream,
        columns.item == item,
        columns=LISTED,
        order=[columns.tried_at.desc(), columns.campaign, columns.number],
        limit=limit,
    )


class Runs(NamedTuple):
    """Two campaigns of one supplier, the earlier one first."""

    stream: str
    before: str
    after: str


class ChangedItem(NamedTuple):
    """A trial that both campaigns made, with its state, rule and number in each."""

    item: str
    shown: str
    category: str
    profile: str
    line: str
    probe: str
    is_hidden: bool
    number_before: int
    number: int
    state_before: str
    state: str
    rule_before: str
    rule: str


_BEFORE, _AFTER = ITEMS.alias("before"), ITEMS.alias("after")
SAME = ("stream", "item", "profile", "line", "probe", "round")
"""The columns that are equal for the same trial in two campaigns."""


def _same_trial(runs: Runs) -> ColumnElement[bool]:
    same = (_BEFORE.c[name] == _AFTER.c[name] for name in SAME)
    campaigns = _BEFORE.c.campaign == runs.before, _AFTER.c.campaign == runs.after
    return and_(_AFTER.c.stream == runs.stream, *campaigns, *same)


class Change(NamedTuple):
    """What went from one state to another between two campaigns: of a category, how many.

    ``items`` counts items, ``trials`` their trials; equal states are counted as well.
    """

    category: str
    profile: str
    before: str
    after: str
    items: int
    trials: int


def count_changes(reading: Reading, runs: Runs) -> list[Change]:
    """How many items that both campaigns tried went from one state to another."""
    by = (_AFTER.c.category, _AFTER.c.profile, _BEFORE.c.state, _AFTER.c.state)
    counts = (func.count(_AFTER.c.item.distinct()), func.count())
    found = reading.joined((_BEFORE, _AFTER), _same_trial(runs), columns=(*by, *counts), group=by)
    return [Change._make(row) for row in found]


def changed_items(
    reading: Reading, runs: Runs, states: tuple[str, str], after: int, limit: int
) -> list[ChangedItem]:
    """The trials that went from one state to another, by the later number, after that number."""
    columns = (
        *(_AFTER.c[name] for name in ("item", "shown", "category", "profile", "line", "probe")),
        or_(_BEFORE.c.is_hidden, _AFTER.c.is_hidden),
        _BEFORE.c.number, _AFTER.c.number, _BEFORE.c.state, _AFTER.c.state,
        _BEFORE.c.rule, _AFTER.c.rule,
    )  # fmt: skip
    found = reading.joined(
        (_BEFORE, _AFTER),
        _same_trial(runs),
        _BEFORE.c.state == states[0],
        _AFTER.c.state == states[1],
        _AFTER.c.number > after,
        columns=columns,
        order=[_AFTER.c.number],
        limit=limit,
    )
    return [ChangedItem._make(row) for row in found]
