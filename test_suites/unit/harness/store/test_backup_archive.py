"""An archive gives back what was written, and refuses whatever else somebody makes."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.store.backup_archive import (
    FILES,
    FORMAT,
    MANIFEST,
    ArchiveWriter,
    BackupManifest,
    read_archive,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ABOUT = BackupManifest(
    format=FORMAT, made=NOW, version="1", schema="0003", hub="h", monitoring="files/m.yaml",
    named={}, tables={}, streams=(),
)  # fmt: skip
NAMES = st.lists(st.text("abcé 0.-", min_size=1, max_size=80), min_size=1, max_size=5).map("/".join)


def is_plain(name: str) -> bool:
    return not {"", ".", ".."} & set(name.split("/")) and name not in (FILES, MANIFEST)


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream, io.BytesIO())
    for name, content in files.items():
        writer.add(name, content, NOW)
    writer.finish(ABOUT)
    return stream.getvalue()


def read(content: bytes) -> tuple[dict[str, bytes], BackupManifest]:
    found: dict[str, bytes] = {}
    for each in read_archive(io.BytesIO(content), "b.tar"):
        if isinstance(each, BackupManifest):
            return found, each
        parts = []
        while part := each.content.read(1000):
            parts.append(part)
        found[each.name] = b"".join(parts)
    raise AssertionError


@settings(deadline=None)
@given(st.dictionaries(NAMES.filter(is_plain), st.binary(max_size=3000), max_size=5))
def test_what_is_read_is_what_was_written(files: dict[str, bytes]) -> None:
    found, manifest = read(archive(files))

    assert (files, len(files)) == (found, manifest.members)
    assert sum(map(len, files.values())) == manifest.size


@settings(deadline=None)
@given(st.data())
def test_no_change_of_a_byte_changes_what_is_read(data: st.DataObject) -> None:
    files = {"hub/a": b"x" * 700, "results/b": b"", "registry/t/1": b"[1]\n"}
    content = bytearray(archive(files))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        found, manifest = read(bytes(content))
    except UsageError:
        return

    assert files == found
    assert 3 == manifest.members


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_other_file_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="not a backup, or damaged"):
        read(content)


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def forged(*entries: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for each in entries:
            tar.addfile(each, io.BytesIO(bytes(each.size)))
    return stream.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../x", "/etc/passwd", "hub/../../x", "hub//x", "./hub/x", "hub/./x", "hub\\..\\x", "hub/\n",
        "hub/\x1b[1m", "a/" * 41 + "x", "hub/" + "x" * 1000, "hub/\u202e",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a file in a backup"):
        read(forged(entry(name)))


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "hub/a"), (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.DIRTYPE, ""),
        (tarfile.CONTTYPE, ""),
    ],
)  # fmt: skip
def test_only_regular_files_are_accepted(kind: bytes, link: str) -> None:
    with pytest.raises(UsageError, match="is no regular file"):
        read(forged(entry("hub/x", kind, link)))


def test_a_file_with_holes_is_refused() -> None:
    """A few bytes would become as many as a disk has."""
    made = tarfile.TarInfo("hub/x")
    made.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                        "GNU.sparse.name": "hub/x", "GNU.sparse.realsize": "999999999999"}  # fmt: skip
    made.size = 512
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(made, io.BytesIO(b"1\n0\n0\n".ljust(512, b"\0")))

    with pytest.raises(UsageError, match="is no regular file"):
        read(stream.getvalue())


def test_a_header_that_asks_for_all_memory_is_refused() -> None:
    header = entry("x", tarfile.XHDTYPE)
    header.size = 3 * 1024**2
    content = header.tobuf(tarfile.USTAR_FORMAT) + bytes(header.size)
    with pytest.raises(UsageError, match="a header is too large"):
        read(content + forged(entry("hub/x")))


def _without(files: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        stream, made = io.BytesIO(), io.BytesIO(content)
        with tarfile.open(fileobj=made) as old, tarfile.open(fileobj=stream, mode="w") as tar:
            for each in old:
                if each.name != files:
                    tar.addfile(each, old.extractfile(each))
        return stream.getvalue()

    return change


@pytest.mark.parametrize("name", ["hub/a", FILES, MANIFEST])
def test_an_archive_without_one_of_its_files_is_refused(name: str) -> None:
    content = archive({"hub/a": b"a", "hub/b": b"b"})
    with pytest.raises(UsageError, match="not a backup, or damaged"):
        read(_without(name)(content))


def test_nothing_may_come_after_the_manifest() -> None:
    content = archive({"hub/a": b"a"})
    end = content.rstrip(b"\0")
    padded = end + bytes(-len(end) % 512)
    with pytest.raises(UsageError, match="something comes after"):
        read(padded + forged(entry("hub/later")))


def test_a_file_that_is_gone_or_cut_meanwhile_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream, io.BytesIO())
    path = tmp_path / "x"
    path.write_bytes(b"x" * 5000)
    assert writer.add_file("hub/first", path)
    assert not writer.add_file("hub/gone", tmp_path / "gone")
    add = writer._add

    def cut(name: str, file: io.BufferedReader, size: int, mtime: int) -> None:
        os.truncate(path, 100)
        add(name, file, size, mtime)

    with monkeypatch.context() as patched:
        patched.setattr(writer, "_add", cut)
        assert not writer.add_file("hub/cut", path)
    path.write_bytes(b"y" * 100)
    assert writer.add_file("hub/last", path)
    writer.finish(ABOUT)

    assert {"hub/first": b"x" * 5000, "hub/last": b"y" * 100} == read(stream.getvalue())[0]


def test_many_files_take_no_more_memory_than_few(tmp_path: Path) -> None:
    def peak(number: int) -> int:
        with (
            (tmp_path / f"{number}").open("w+b") as stream,
            (tmp_path / "l").open("w+b") as listing,
        ):
            tracemalloc.start()
            writer = ArchiveWriter(stream, listing)
            for each in range(number):
                writer.add(f"results/{each}", b"x", NOW)
            writer.finish(ABOUT)
            stream.seek(0)
            for member in read_archive(stream, "b.tar"):
                if not isinstance(member, BackupManifest):
                    assert b"x" == member.content.read()
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    peak(50)
    assert peak(1500) < 2 * peak(150)
