"""A fingerprint changes with what is held, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from harness.store.journal.journal_state import SealedSegment
from harness.store.journal.jsonl_segment import encode_batch, scan
from harness.store.journal.reader import fingerprint_of


def test_it_changes_with_header_sealed_files_and_whole_batches(tmp_path: Path) -> None:
    opened, closed = tmp_path / "segment-000002.jsonl", tmp_path / "segment-000001.gz"
    opened.write_bytes(encode_batch(2, [{"key": 1}]))
    closed.write_bytes(b"12345")
    segment = SealedSegment(
        name=closed.name, rows=1, batches=(1,), sha256="a", records_sha256="b", previous="c"
    )

    def fingerprint(start: str = "start") -> str:
        return fingerprint_of(tmp_path, start, [(opened, scan(opened))], (segment,))

    seen = [fingerprint(), fingerprint("another start")]
    with opened.open("ab") as stream:
        stream.write(b'{"key":2}\n')  # a batch that was cut short is none
    assert fingerprint() == seen[0]
    opened.write_bytes(encode_batch(2, [{"key": 1}]) + encode_batch(3, [{"key": 2}]))
    seen.append(fingerprint())
    os.utime(closed, ns=(0, 0))
    seen.append(fingerprint())

    assert len(set(seen)) == 4
