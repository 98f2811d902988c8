"""Held keys are a set, however they come in."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation
from harness.store.journal.key_index import KeyIndex

WORDS = st.sampled_from(["a", "b", "é", "\x00", ""])
KEYS = st.builds(
    AttemptKey,
    campaign=WORDS,
    item=WORDS,
    probe=WORDS,
    line=WORDS,
    profile=WORDS,
    round=st.integers(1, 2),
)


def observed(key: AttemptKey) -> Observation:
    item = Item(id=key.item, value="a.test", labels=("GAMB",))
    return Observation(key=key, item=item, started=datetime(2026, 1, 1, tzinfo=UTC), batch=1)


@given(st.lists(KEYS), st.lists(KEYS))
def test_is_a_set_of_keys_however_they_come_in(
    first: list[AttemptKey], then: list[AttemptKey]
) -> None:
    held = KeyIndex()
    new = held.take_new([observed(key) for key in first])
    assert [each.key for each in new] == list(dict.fromkeys(first))

    newer = held.take_new([observed(key) for key in then])

    assert {each.key for each in newer} == set(then) - set(first)
    assert set(held) == set(first) | set(then)
    assert len(held) == len(set(first) | set(then))
    held.forget(newer)
    assert set(held) == set(first)


@given(st.lists(KEYS))
def test_lines_give_the_keys(keys: list[AttemptKey]) -> None:
    by_line = KeyIndex()
    by_line.add_lines(msgspec.json.encode(observed(key)) for key in keys)

    assert set(by_line) == set(keys)
    assert all(key in by_line for key in keys)
