"""Files that come in parts are whole or not there, in whatever order, and however often."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InstrumentError
from harness.store import uploads
from harness.store.uploads import Received, Uploads

AGENT, OTHER = "a" * 32, "b" * 32


def of(folder: Path, sender: str = AGENT) -> Uploads:
    return Uploads(folder / "parts", folder / "whole", sender)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


@settings(max_examples=25, deadline=None)
@given(
    content=st.binary(min_size=1, max_size=300),
    part=st.integers(1, 90),
    sends=st.lists(st.tuples(st.integers(0, 320), st.booleans()), max_size=40),
)
def test_parts_in_any_order_repeated_or_lost_make_the_same_file(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    part: int,
    sends: list[tuple[int, bool]],
) -> None:
    """A part at an offset of chance, or where the file ends; then the rest in order."""
    folder, digest = tmp_path_factory.mktemp("uploads"), sha(content)
    for offset, is_next in sends:
        at = of(folder).held(digest) if is_next else offset
        taken = of(folder).receive(digest, len(content), at, content[at : at + part])
        assert taken.refusal == ""
        assert taken.held == of(folder).held(digest) <= len(content)
    while (held := of(folder).held(digest)) < len(content):
        assert (
            of(folder).receive(digest, len(content), held, content[held : held + part]).held > held
        )

    assert of(folder).path(digest).read_bytes() == content
    assert files(folder) == [f"whole/{AGENT}/{digest}.zip"]
    assert of(folder).receive(digest, len(content), 0, content) == Received(len(content))


def test_another_file_than_was_announced_is_removed(tmp_path: Path) -> None:
    taken = of(tmp_path).receive(sha(b"right"), 5, 0, b"wrong")

    assert (taken.held, taken.refusal) == (0, "incomplete")
    assert files(tmp_path) == []
    assert of(tmp_path).receive(sha(b"right"), 5, 0, b"right") == Received(5)


def test_more_than_was_announced_is_not_taken(tmp_path: Path) -> None:
    of(tmp_path).receive(sha(b"right"), 5, 0, b"ri")

    assert of(tmp_path).receive(sha(b"right"), 5, 2, b"ghtx").refusal == "incomplete"
    assert of(tmp_path).held(sha(b"right")) == 2


def test_a_complete_part_of_a_process_that_ended_gets_its_place(tmp_path: Path) -> None:
    part = tmp_path / "parts" / AGENT / f"{sha(b'right')}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"right")

    assert of(tmp_path).receive(sha(b"right"), 5, 5, b"") == Received(5)
    assert of(tmp_path).path(sha(b"right")).read_bytes() == b"right"


def test_a_sender_sees_only_its_own_files(tmp_path: Path) -> None:
    of(tmp_path).receive(sha(b"right"), 5, 0, b"right")

    assert of(tmp_path, OTHER).held(sha(b"right")) == 0
    assert not of(tmp_path, OTHER).path(sha(b"right")).exists()


def test_a_sender_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_UNREPORTED", 12)
    monkeypatch.setattr(uploads, "MOST_UNFINISHED", 2)
    whole, begun = sha(b"12345678"), sha(b"abcdef")
    of(tmp_path).receive(whole, 8, 0, b"12345678")
    of(tmp_path).receive(begun, 6, 0, b"abc")

    assert of(tmp_path).receive(begun, 6, 3, b"def").refusal == "busy"
    assert of(tmp_path).receive(begun, 6, 3, b"d", {whole}).held == 4
    assert of(tmp_path, OTHER).receive(sha(b"y"), 1, 0, b"y").held == 1


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", "A" * 64, "a" * 65, "a" * 31 + "\n", "..", "é"]
)
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        of(tmp_path, name)
    with pytest.raises(ValueError, match="is no name"):
        of(tmp_path).receive(name, 1, 0, b"x")
    assert files(tmp_path) == []


def test_what_a_full_disk_left_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of(tmp_path).receive(sha(b"right"), 5, 0, b"ri")

    def full(descriptor: int, text: bytes) -> None:
        os.write(descriptor, text[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "write_all", full)
    with pytest.raises(InstrumentError, match="No space left"):
        of(tmp_path).receive(sha(b"right"), 5, 2, b"ght")
    monkeypatch.undo()
    assert of(tmp_path).receive(sha(b"right"), 5, 2, b"ght") == Received(5)


def test_each_part_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)

    of(tmp_path).receive(sha(b"right"), 5, 0, b"ri")
    assert len(synced) == 2  # the part, and its name
    of(tmp_path).receive(sha(b"right"), 5, 2, b"ght")
    assert len(synced) == 4  # the part, and the name of the whole file


def test_the_file_that_was_left_alone_longest_makes_room_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what an agent has given up would keep it from sending anything."""
    monkeypatch.setattr(uploads, "MOST_UNFINISHED", 2)
    left, begun, new = sha(b"left"), sha(b"begun"), sha(b"new")
    for age, each in ((20, left), (10, begun)):
        of(tmp_path).receive(each, 5, 0, b"x")
        (part,) = tmp_path.rglob(f"{each}.part")
        os.utime(part, (1_700_000_000 - age, 1_700_000_000 - age))

    assert of(tmp_path).receive(new, 3, 0, b"n").held == 1
    assert of(tmp_path).held(left) == 0
    assert of(tmp_path).held(begun) == 1
