"""A verdict as a row keeps its numbers, and times only those whose page arrived."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.verdict import State, Verdict
from harness.verdicts.count_outcomes import STATES, Rows, witness_of


def verdict(state: State, **more: Any) -> Verdict:
    key = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
    item = Item(id="i", value="i.test", labels=("DRUG",))
    return Verdict(key=key, item=item, state=state, rule="r", rules_version="1", **more)


@pytest.mark.parametrize(
    ("state", "timed"),
    [(State.ALLOWED, True), (State.ALTERED, True), (State.BLOCKED, False), (State.DOWN, False)],
)
def test_a_page_that_arrived_is_timed(state: State, timed: bool) -> None:
    one = verdict(state, first_byte_service=0.2, first_byte_control=0.1)

    (row,) = Rows().of([one])

    assert (row.service is not None, row.control is not None) == (timed, timed)
    assert row.state == STATES.index(state)
    assert witness_of(one).item == "i"


def test_half_a_pair_of_times_is_none() -> None:
    (row,) = Rows().of([verdict(State.ALLOWED, first_byte_service=0.2)])

    assert (row.service, row.control) == (None, None)


def test_a_witness_of_a_sealed_list_is_named_once_by_its_id() -> None:
    one = verdict(State.ALLOWED)
    entry = replace(one.item, id="0" * 64, value="0" * 64, kind="sealed")

    assert witness_of(one).value == one.item.value
    told = witness_of(replace(one, item=entry))
    assert (told.item, told.value) == ("0" * 64, "")
