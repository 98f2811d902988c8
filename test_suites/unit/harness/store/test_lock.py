"""One process at a time writes a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.store.lock import WriterLock

HOLDER = """
import sys
from pathlib import Path
from harness.store.lock import WriterLock

WriterLock(Path(sys.argv[1])).take()
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
