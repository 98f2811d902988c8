"""The turns of users of one address: in between each other, for the same items and others."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from harness.measure.concurrent_users import ConcurrentUserRun, UsersOfLine, _Plan
from harness.model.corpus import Item

ITEMS = [Item(id=f"i{n}", value=f"i{n}.test", labels=("DRUG",)) for n in range(5)]
USERS = UsersOfLine("school", ("pupils", "staff"), "web")


def pairs(turn: int) -> list[dict[str, str]]:
    """The items that the users ask for side by side in one turn."""
    run: Any = object.__new__(ConcurrentUserRun)
    run._campaign, run._chance = SimpleNamespace(campaign="c"), random.Random(1)
    tries = [one.key for one in run._mixed(_Plan(USERS, ITEMS, 5), turn, 7)]
    assert len({(key.profile, key.item) for key in tries}) == len(tries) == 10
    return [{key.profile: key.item for key in tries[n : n + 2]} for n in range(0, 10, 2)]


@pytest.mark.parametrize(("turn", "is_same"), [(5, True), (2, False), (3, False)])
def test_users_ask_for_the_same_items_and_for_different_ones(turn: int, *, is_same: bool) -> None:
    assert {len(set(pair.values())) == 1 for pair in pairs(turn)} == {is_same}
    assert {tuple(sorted(pair)) for pair in pairs(turn)} == {("pupils", "staff")}


def test_no_user_is_always_the_first() -> None:
    assert {next(iter(pair)) for pair in pairs(2)} == {"pupils", "staff"}
