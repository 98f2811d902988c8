"""What was measured is read by the user alone, and written by one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Evidence, Observation
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.private_folder import LENGTH, WriterLock, make_private, private_key
from harness.store.registry.opening import open_registry


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A user whose files everybody may read and write, unless a program says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_journal_evidence_and_registry_are_private(
    tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]
) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    journal.append(1, observe_batch(1, 3))
    journal.seal()
    journal.append(2, observe_batch(2, 3))
    journal.close()
    EvidenceFolder(tmp_path / "evidence").keep(Evidence(body=b"body", media_type="text/html"))
    open_registry(tmp_path / "registry.sqlite", create=True).close()

    assert 0o700 == mode(tmp_path / "journal") == mode(tmp_path / "evidence")
    assert 0o600 == mode(tmp_path / "registry.sqlite")
    files = [path for path in (tmp_path / "journal").iterdir() if path.is_file()]
    assert {0o600} == {mode(path) for path in files}
    assert len(files) > 4


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_others_can_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o750)

    make_private(tmp_path / "open")
    make_private(tmp_path / "deep/new")

    assert 0o700 == mode(tmp_path / "open") == mode(tmp_path / "deep/new")


def test_one_that_belongs_to_somebody_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)

    make_private(tmp_path)

    assert 0o755 == mode(tmp_path)


Batch = Callable[[int, int], list[Observation]]

HOLDER = """
import sys
from pathlib import Path
from harness.store.private_folder import WriterLock

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


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "campaign" / "sketch.key"
    key = private_key(path)

    assert len(key) == LENGTH
    assert key == private_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key != private_key(tmp_path / "other.key")


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sketch.key"
    path.write_bytes(b"short")

    with pytest.raises(InstrumentError, match=r"not a key of 32 bytes \(it has 5\)"):
        private_key(path)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="cannot be read"):
        private_key(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InstrumentError, match="cannot be"):
        private_key(tmp_path / "file" / "sketch.key")
