"""KeyFilter finds every key that is held, the same in Python and in sealed segments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.model.observation import AttemptKey, Observation
from harness.store.journal import sealed_segment
from harness.store.journal.jsonl_segment import encode_batch
from harness.store.journal.key_index import KeyFilter, key_hash

WORDS = st.text(max_size=5)
KEYS = st.lists(
    st.builds(
        AttemptKey,
        campaign=WORDS,
        item=WORDS,
        probe=WORDS,
        line=WORDS,
        profile=WORDS,
        round=st.integers(1, 2000),
    )
)


@given(KEYS, KEYS)
def test_a_key_that_was_added_is_always_suspect(
    first: list[AttemptKey], others: list[AttemptKey]
) -> None:
    marks = KeyFilter()
    for part in (first[::2], first[1::2]):
        marks.add([np.array([key_hash(key) for key in part], dtype=np.uint64)])

    assert marks.suspects([*others, *first]) >= set(first)
    assert marks.suspects([*others, *first]) <= {*first, *others}
    assert len(marks) == len(first)


def test_a_key_that_was_not_added_is_not_suspect(observe: Callable[..., Observation]) -> None:
    marks = KeyFilter()
    assert marks.suspects([observe(1).key]) == set()
    marks.add([np.array([key_hash(observe(number).key) for number in range(50)], dtype=np.uint64)])

    assert marks.suspects([observe(number).key for number in range(40, 60)]) == {
        observe(number).key for number in range(40, 50)
    }


def test_a_sealed_segment_gives_the_same_marks(
    tmp_path: Path, observe: Callable[..., Observation]
) -> None:
    several = [observe(number, title=json.dumps("é")) for number in range(20)]
    (tmp_path / "open.jsonl").write_bytes(encode_batch(1, several))

    sealed_segment.write_sealed(tmp_path / "open.jsonl", tmp_path / "sealed.gz")

    found = sealed_segment.key_hashes(tmp_path / "sealed.gz")
    assert found.dtype == np.uint64
    assert found.tolist() == [key_hash(seen.key) for seen in several]
