"""The head is replaced whole, and each batch changes its hash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InstrumentError
from harness.store.journal.journal_state import (
    Head,
    extended_hash,
    heads_after,
    read_head,
    write_head,
)
from harness.store.journal.jsonl_segment import BatchMarker

MARKERS = st.lists(
    st.builds(
        BatchMarker, batch=st.integers(0, 9), rows=st.integers(0, 9), sha256=st.sampled_from("ab")
    ),
    max_size=6,
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    head = Head(rows=7, hash="ab", chains={"stops.jsonl": "cd"})

    assert read_head(tmp_path) is None
    write_head(tmp_path, head)

    assert head == read_head(tmp_path)
    assert ["head.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"rows":1}', b"\xff", b'{"rows":1,"hash":"a","Chains":{}}\n']
)
def test_something_else_is_damage(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "head.json").write_bytes(text)

    with pytest.raises(InstrumentError, match=r"head.json: not the head of a journal"):
        read_head(tmp_path)


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"head.json: No such file or directory"):
        write_head(tmp_path / "none", Head(rows=0, hash=""))


@given(one=MARKERS, other=MARKERS)
def test_only_the_same_batches_in_the_same_order_give_the_same_hash(
    one: list[BatchMarker], other: list[BatchMarker]
) -> None:
    ends = [heads_after("start", 0, markers)[-1] for markers in (one, other)]

    assert (one == other) == (ends[0] == ends[1])
    assert sum(marker.rows for marker in one) == ends[0].rows


def test_the_start_counts() -> None:
    marker = BatchMarker(batch=1, rows=1, sha256="a")

    assert extended_hash("a", marker) != extended_hash("b", marker)
