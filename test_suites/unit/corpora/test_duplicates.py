"""Texts that came before are known, exactly as a set knows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import import_entry
from corpora.import_entry import Seen


def plain(texts: list[str], known: set[str]) -> list[bool]:
    """What a set says."""
    told = []
    for text in texts:
        told.append(text in known)
        known.add(text)
    return told


@given(st.lists(st.lists(st.text(alphabet="ab\udc80é", max_size=3), max_size=30), max_size=8))
def test_it_says_what_a_set_says(batches: list[list[str]]) -> None:
    seen_, known = Seen(), set[str]()

    for batch in batches:
        assert seen_.sift(batch) == plain(batch, known)
    assert len(seen_) == len(known)


@pytest.mark.parametrize("longest", [1, 64, 1 << 20])
def test_runs_may_be_merged_or_not(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr(import_entry, "LONGEST", longest)
    seen_, texts = Seen(), [str(n) for n in range(1000)]

    for at in range(0, 1000, 50):
        assert not any(seen_.sift(texts[at : at + 50]))

    assert all(seen_.sift(texts))
    assert len(seen_) == 1000
