"""A head that was printed at any time is found again, also after its segment was sealed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.journal.reader import past_heads

Batch = Callable[[int, int], list[Observation]]


def test_every_head_is_among_them(tmp_path: Path, observe_batch: Batch) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    had = [journal.head]
    for batch, size in enumerate((3, 0, 2, 4, 1), 1):
        journal.append(batch, observe_batch(batch, size))
        had.append(journal.head)
        if batch in (2, 4):
            journal.seal()
            had.append(journal.head)
    journal.close()

    assert had == sorted(past_heads(open_journal(tmp_path / "journal")), key=had.index)


def test_a_batch_that_the_manifest_does_not_name_is_damage(
    tmp_path: Path, observe_batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    journal.append(1, observe_batch(1, 3))
    journal.seal()
    rows = [(7, b"{}")]
    monkeypatch.setattr(
        "harness.store.journal.sealed_segment.records_by_batch", lambda _: iter(rows)
    )

    with pytest.raises(InstrumentError, match="holds batch 7, which the manifest does not name"):
        list(past_heads(journal))
