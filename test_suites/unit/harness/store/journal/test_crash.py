"""Crashes at every step: nothing measured is lost, doubled or half-read."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.model.observation import Observation
from harness.store.journal.journal import (
    SegmentJournal,
    cut_torn_tails,
    open_journal,
    remove_interrupted_sealing,
)
from harness.store.journal.jsonl_segment import encode_batch, scan

Batch = Callable[[int, int], list[Observation]]
HEADER = {"campaign": "spring"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def read(folder: Path) -> list[Observation]:
    return list(open_journal(folder).observations())


def segment(folder: Path) -> Path:
    return folder / "segment-000001.jsonl"


def test_torn_tails_are_kept_under_names_of_their_own(tmp_path: Path, observe_batch: Batch) -> None:
    path = tmp_path / "segment-000001.jsonl"
    for tail in (b"one", b"two"):
        path.write_bytes(encode_batch(1, observe_batch(1, 1)) + tail)
        cut_torn_tails([(path, scan(path))])

    assert (tmp_path / "torn-000001.bin").read_bytes() == b"one"
    assert (tmp_path / "torn-000002.bin").read_bytes() == b"two"


def test_of_each_segment_the_form_that_counts_stays(tmp_path: Path) -> None:
    for name in ("1.jsonl", "1.gz", "2.jsonl", "2.gz", "3.gz", "4.gz.tmp"):
        (tmp_path / f"segment-{name}").write_text("")
    (tmp_path / "manifest.jsonl").write_text("")
    empty = hashlib.sha256(b"").hexdigest()

    remove_interrupted_sealing(tmp_path, {"segment-1": empty, "segment-3": empty})

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["manifest.jsonl", "segment-1.gz", "segment-2.jsonl", "segment-3.gz"]


def test_lines_go_only_where_the_manifest_s_file_is_whole(tmp_path: Path) -> None:
    for form in ("jsonl", "gz"):
        (tmp_path / f"segment-1.{form}").write_text("changed")

    with pytest.raises(
        InstrumentError, match=r"its SHA-256 does not match .* segment-1.jsonl has the"
    ):
        remove_interrupted_sealing(tmp_path, {"segment-1": hashlib.sha256(b"").hexdigest()})

    assert (tmp_path / "segment-1.jsonl").exists()


def test_a_torn_tail_is_kept_aside_and_never_read(folder: Path, observe_batch: Batch) -> None:
    with_two = SegmentJournal.create(folder, HEADER)
    with_two.append(1, observe_batch(1, 3))
    whole = segment(folder).stat().st_size
    head = (folder / "head.json").read_bytes()
    with_two.append(2, observe_batch(2, 3))
    with_two.close()
    (folder / "head.json").write_bytes(head)
    text = segment(folder).read_bytes()
    for cut in range(whole + 1, len(text), 97):
        segment(folder).write_bytes(text[:cut])

        assert observe_batch(1, 3) == read(folder)

    again = SegmentJournal.open_or_create(folder, HEADER)

    assert {1} == again.batches()
    assert whole == segment(folder).stat().st_size
    assert text[whole:cut] == (folder / "torn-000001.bin").read_bytes()
    assert again.append(2, observe_batch(2, 3)) == 3
    assert text == segment(folder).read_bytes()


@pytest.mark.parametrize("step", ["copied", "in manifest", "half a Parquet file", "head replaced"])
def test_a_crash_while_sealing_loses_and_doubles_nothing(
    folder: Path, observe_batch: Batch, step: str
) -> None:
    journal = SegmentJournal.create(folder, HEADER)
    journal.append(1, observe_batch(1, 3))
    lines, head = segment(folder).read_bytes(), (folder / "head.json").read_bytes()
    journal.seal()
    journal.close()
    segment(folder).write_bytes(lines)
    (folder / "segment-000002.jsonl").unlink()
    if step != "head replaced":
        (folder / "head.json").write_bytes(head)
    if step not in ("in manifest", "head replaced"):
        (folder / "manifest.jsonl").write_bytes(b'{"name":"segm')
    if step == "half a Parquet file":
        sealed = folder / "segment-000001.gz"
        sealed.rename(folder / "segment-000001.gz.tmp")

    assert observe_batch(1, 3) == read(folder)
    again = SegmentJournal.open_or_create(folder, HEADER)
    assert again.append(1, observe_batch(1, 3)) == 0
    again.append(2, observe_batch(2, 2))
    again.seal()

    assert observe_batch(1, 3) + observe_batch(2, 2) == read(folder)
    again.verify()
    assert list(folder.glob("*.tmp")) == []


APPENDS_FOR_EVER = """
import itertools, os, sys
from datetime import UTC, datetime
from pathlib import Path
from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation
from harness.store.journal.journal import SegmentJournal

journal = SegmentJournal.create(Path(sys.argv[1]), {}, segment_rows=40)
if sys.argv[2] != "0":
    really_write, left = os.write, int(sys.argv[2])
    def write(descriptor, text):
        global left
        left -= 1
        if left:
            return really_write(descriptor, text)
        really_write(descriptor, bytes(text[: len(text) // 2]))
        os._exit(9)
    os.write = write
for batch in itertools.count(1):
    made = []
    for number in range(10):
        item = Item(id=f"{batch}-{number}", value="a.test", labels=("GAMB",))
        key = AttemptKey(campaign="c", item=item.id, probe="web", line="proxy", profile="ks2")
        started = datetime(2026, 1, 1, tzinfo=UTC)
        made.append(Observation(key=key, item=item, started=started, batch=batch))
    journal.append(batch, made)
    print(batch, flush=True)
"""


def assert_whole(folder: Path, told: int) -> None:
    """Every batch that was acknowledged is there once and whole, and at most one more."""
    journal = open_journal(folder)
    seen = [each.key.item for each in journal.observations()]
    batches = journal.batches()
    assert batches in ({*range(1, told + 1)}, {*range(1, told + 2)})
    assert seen == [f"{batch}-{number}" for batch in sorted(batches) for number in range(10)]
    journal.write()
    journal.verify()
    assert journal.batches() == batches
    journal.close()


@pytest.mark.parametrize(("write", "torn"), [("5", True), ("6", False), ("9", False)])
def test_dying_half_way_through_a_write_loses_that_batch_alone(
    folder: Path, write: str, *, torn: bool
) -> None:
    """The fifth write is batch 3, the sixth its head, the ninth the manifest's first line."""
    command = [sys.executable, "-c", APPENDS_FOR_EVER, str(folder), write]
    died = subprocess.run(command, capture_output=True, text=True, check=False)

    assert died.returncode == 9, died.stderr
    assert_whole(folder, told=len(died.stdout.split()))
    assert (folder / "torn-000001.bin").exists() is torn


def test_kill_9_at_any_moment_leaves_a_whole_journal(folder: Path) -> None:
    command = [sys.executable, "-c", APPENDS_FOR_EVER, str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(23)]
        child.kill()
        told += child.stdout.readlines()

    assert child.returncode == -9
    assert_whole(folder, told=len(told))
