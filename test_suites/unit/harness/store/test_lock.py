"""One process at a time writes a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.model.observation import Observation
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.lock import WriterLock

Batch = Callable[[int, int], list[Observation]]

HOLDER = """
import sys
from pathlib import Path
from harness.store.lock import WriterLock

lock = WriterLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
sys.stdin.read()
"""


def test_is_taken_once_and_given_back(tmp_path: Path) -> None:
    lock, other = WriterLock(tmp_path), WriterLock(tmp_path)
    lock.take()
    lock.take()
    assert lock.held
    with pytest.raises(UsageError):
        other.take()

    lock.release()
    lock.release()
    other.take()

    assert other.held
    assert not lock.held


def test_names_the_process_that_holds_it_and_dies_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"taken\n"
        with pytest.raises(UsageError, match=f"process {holder.pid} is writing here"):
            WriterLock(tmp_path).take()
        holder.kill()
        holder.wait()

        WriterLock(tmp_path).take()


def test_threads_of_one_measurement_write_in_turn(tmp_path: Path, observe_batch: Batch) -> None:
    """A head that both went on from would vouch for one of them alone."""
    journal = SegmentJournal.create(tmp_path / "journal", {}, segment_rows=30)

    def write(numbers: range) -> None:
        for number in numbers:
            journal.append(number, observe_batch(number, 2))

    with ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(write, range(first, 60, 4)) for first in range(4)]
        for each in writing:
            each.result()
        read = open_journal(tmp_path / "journal")
    journal.close()

    assert journal.head == read.head
    assert frozenset(range(60)) == read.batches()
    read.verify()
