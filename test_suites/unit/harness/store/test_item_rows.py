"""Rows of items: read page by page, compared, for one viewer; and their compressed evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import true

from harness.errors import InstrumentError
from harness.model.hub_access import Role, Viewer
from harness.store.hub.hub_tables import ITEMS
from harness.store.hub.item_evidence import (
    MOST_BYTES,
    TOO_LARGE,
    ItemEvidence,
    KeptBody,
    decode_evidence,
    encode_evidence,
)
from harness.store.hub.item_rows import (
    STATES,
    After,
    Change,
    ItemRow,
    Runs,
    Selected,
    changed_items,
    count_changes,
    read_item,
    read_items,
    replace_items,
    same_item,
)
from harness.store.hub.repository import Repository
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from harness.untrusted.zstandard_frames import zstd

A, B = "supplier:a", "supplier:b"
EVERYBODY = Viewer(role=Role.ASSESSOR, streams=None)
OF_A = Viewer(role=Role.SUPPLIER, streams=frozenset({A}))
NOBODY = Viewer(role=Role.SUPPLIER, streams=frozenset())
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
CATEGORIES = ("DRUG", "GAMB", "PORN")


def row(number: int, state: str = "blocked", **fields: object) -> ItemRow:
    made = ItemRow(
        number=number, item=f"i-{number}", shown=f"i-{number}.example", kind="agreed", category="DRUG",
        profile="ks2", line="proxy", probe="web", round=1, state=state, mechanism="none",
        rule="r", is_hidden=False, tried_at=NOON, evidence=None,
    )  # fmt: skip
    return made._replace(**fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    path: Path = tmp_path_factory.mktemp("rows") / "registry.sqlite"
    with open_registry(path, create=True) as opened:
        with opened.transaction(is_writing=True) as connection:
            for stream in (A, B):
                before = [row(number) for number in range(1, 7)]
                after = [
                    row(number + 10, "allowed" if number < 3 else "blocked", item=f"i-{number}")
                    for number in range(1, 6)
                ]
                replace_items(connection, stream, "before", before)
                replace_items(connection, stream, "after", [*after, row(40, item="new")])
                many = [row(n, STATES[n % 5], category=CATEGORIES[n % 3]) for n in range(1, 101)]
                replace_items(connection, stream, "many", many)
        yield opened


def test_a_viewer_reads_the_rows_of_its_suppliers_alone(registry: Registry) -> None:
    repository = Repository(registry)
    for viewer, expected in ((EVERYBODY, 6), (OF_A, 0), (NOBODY, 0)):
        with repository.reading(viewer) as reading:
            assert expected == len(read_items(reading, Selected(B, "before"), None, 50))
            assert (expected > 0) == (read_item(reading, B, "before", 1) is not None)
            assert (expected > 0) == bool(same_item(reading, B, "i-1", 5))
            runs = Runs(B, "before", "after")
            assert (expected > 0) == bool(count_changes(reading, runs))
            assert (expected > 0) == bool(
                changed_items(reading, runs, ("blocked", "allowed"), 0, 5)
            )


def test_both_sides_of_a_comparison_have_the_condition_on_the_viewer(registry: Registry) -> None:
    first, second = ITEMS.alias(), ITEMS.alias()
    columns = (first.c.stream, second.c.stream)
    with Repository(registry).reading(OF_A) as reading:
        found = reading.joined((first, second), true(), columns=columns, limit=100_000)
    assert {(A, A)} == {tuple(each) for each in found}


def test_items_of_two_runs_are_counted_by_what_changed(registry: Registry) -> None:
    runs = Runs(A, "before", "after")
    with Repository(registry).reading(EVERYBODY) as reading:
        counts = count_changes(reading, runs)
        changed = changed_items(reading, runs, ("blocked", "allowed"), 0, 1)
        left = changed_items(reading, runs, ("blocked", "allowed"), changed[0].number, 5)
    assert {
        Change("DRUG", "ks2", "blocked", "allowed", 2, 2),
        Change("DRUG", "ks2", "blocked", "blocked", 3, 3),
    } == set(counts)
    assert [("i-1", 1, 11)] == [(each.item, each.number_before, each.number) for each in changed]
    assert ["i-2"] == [each.item for each in left]


@given(
    states=st.permutations(STATES).flatmap(
        lambda each: st.integers(1, len(each)).map(lambda count: tuple(each[:count]))
    ),
    categories=st.lists(st.sampled_from(CATEGORIES), unique=True).map(tuple),
    size=st.integers(1, 40),
)
def test_pages_of_any_size_hold_each_row_once_in_order(
    registry: Registry, states: tuple[str, ...], categories: tuple[str, ...], size: int
) -> None:
    selected = Selected(A, "many", states=states, categories=categories)
    seen: list[tuple[int, int, int]] = []
    place: After | None = None
    with Repository(registry).reading(OF_A) as reading:
        while True:
            rows = read_items(reading, selected, place, size)
            order = categories or CATEGORIES
            seen += [
                (states.index(each.state), order.index(each.category), each.number) for each in rows
            ]
            if len(rows) < size:
                break
            place = After(rows[-1].state, rows[-1].category, rows[-1].number)
    wanted = [
        each
        for each in range(1, 101)
        if STATES[each % 5] in states and (not categories or CATEGORIES[each % 3] in categories)
    ]
    assert seen == sorted(seen)
    assert wanted == sorted(number for _, _, number in seen)


def test_evidence_comes_back_as_it_was() -> None:
    held = ItemEvidence(rules="1", witnesses=("seen",), bodies=(KeptBody(sha256="a" * 64, size=1),))
    assert held == decode_evidence(encode_evidence(held))
    assert held.bodies[0] == held.body("a" * 64)
    assert held.body("b" * 64) is None


def test_evidence_that_is_too_large_keeps_the_verdict() -> None:
    held = ItemEvidence(rules="1", witnesses=("x" * MOST_BYTES,) * 3, value="y" * MOST_BYTES)
    kept = decode_evidence(encode_evidence(held))
    assert ("1", TOO_LARGE) == (kept.rules, kept.withheld)
    assert len(kept.witnesses[0]) < MOST_BYTES


@pytest.mark.parametrize(
    "stored",
    [b"", b"no zstd", zstd.compress(b"{}"), zstd.compress(b"[" * 100_000),
     zstd.compress(b" " * (8 * MOST_BYTES)), zstd.compress(b"\xff\xfe")],
)  # fmt: skip
def test_damaged_evidence_is_trouble_and_no_bomb(stored: bytes) -> None:
    with pytest.raises(InstrumentError, match="cannot be read"):
        decode_evidence(stored)


def test_a_frame_that_states_a_huge_size_is_not_unpacked() -> None:
    stored = zstd.compress(b'{"rules":"1"' + b" " * (8 * MOST_BYTES) + b"}")
    with pytest.raises(InstrumentError, match="it would have 4,194,317 bytes"):
        decode_evidence(stored)
