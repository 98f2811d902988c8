"""Duplicates are found exactly as with a set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import read_list
from corpora.read_list import DuplicateFinder


def plain(texts: list[str], known: set[str]) -> list[bool]:
    """Duplicates found with a set."""
    duplicates = []
    for text in texts:
        duplicates.append(text in known)
        known.add(text)
    return duplicates


@given(st.lists(st.lists(st.text(alphabet="ab\udc80é", max_size=3), max_size=30), max_size=8))
def test_duplicates_are_those_that_a_set_finds(batches: list[list[str]]) -> None:
    finder, known = DuplicateFinder(), set[str]()

    for batch in batches:
        assert finder.find(batch) == plain(batch, known)
    assert len(finder) == len(known)


@pytest.mark.parametrize("longest", [1, 64, 1 << 20])
def test_runs_may_be_merged_or_not(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr(read_list, "MERGE_LIMIT", longest)
    finder, texts = DuplicateFinder(), [str(n) for n in range(1000)]

    for at in range(0, 1000, 50):
        assert not any(finder.find(texts[at : at + 50]))

    assert all(finder.find(texts))
    assert len(finder) == 1000
