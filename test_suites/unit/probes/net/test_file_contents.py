"""What a file holds: every container is opened, within limits, and the test string is nowhere."""

from __future__ import annotations

import bz2
import ctypes
import ctypes.util
import gzip
import hashlib
import io
import lzma
import struct
import tracemalloc
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.downloads import downloads
from harness.model.file_case import ARCHIVES, CONTAINERS, layers_of
from probes.net import file_contents
from probes.net.file_contents import (
    PASSWORD,
    AesKeys,
    Opening,
    UnopenedError,
    contents,
    eicar,
    holds_test_string,
)
from probes.range.file_containers import in_container
from test_suites.kit.rooms import ROOT

CHANGED = {"rot13", "UTF-16 text of string", "lower-cased string", "agreed file"}
"""Containers in which the test string is not there any more."""
SCANNER = Opening(depth=16, each=4 * 1024 * 1024)
NESTED = (
    "zip(zip(gz))",
    "tar.xz",
    "gz(rtf)",
    "zip(base64 text)",
    "zip with 12 other files",
    "docm x",
)


def test_the_test_string_is_the_one_that_every_product_knows() -> None:
    known = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"

    assert hashlib.sha256(eicar()).hexdigest() == known


@pytest.mark.parametrize("container", [*sorted(CONTAINERS - CHANGED), *NESTED])
def test_a_client_finds_the_file_in_each_container(container: str) -> None:
    file = in_container(eicar(), layers_of(container))

    assert holds_test_string(file)
    assert file == in_container(eicar(), layers_of(container))
    assert not holds_test_string(in_container(b"A letter about the garden.", layers_of(container)))


@pytest.mark.parametrize("container", sorted(CHANGED))
def test_a_changed_string_is_not_the_test_string(container: str) -> None:
    assert not holds_test_string(in_container(eicar(), layers_of(container)))


@pytest.mark.parametrize("kind", sorted(ARCHIVES))
def test_a_scanner_says_why_it_did_not_open_an_archive(kind: str) -> None:
    with pytest.raises(UnopenedError) as raised:
        list(contents(in_container(b"letter", (kind,)), SCANNER, strict=True))

    assert raised.value.kind == kind


@pytest.mark.parametrize("container", ["zip AES-256", "rar5", "lha", "rpm", "cab", "zip", "tar"])
def test_another_program_reads_the_file_in_each_archive(container: str) -> None:
    archive = in_container(b"A letter about the garden.", (container,))

    assert read_by_libarchive(archive) == [("letter.com", b"A letter about the garden.")]


def read_by_libarchive(archive: bytes) -> list[tuple[str, bytes]]:
    """The files in an archive, by the system's libarchive."""
    path = ctypes.util.find_library("archive")
    if path is None:
        pytest.skip("needs the library libarchive (Debian: libarchive13t64)")
    library = ctypes.CDLL(path)
    library.archive_read_new.restype = ctypes.c_void_p
    library.archive_entry_pathname.restype = library.archive_error_string.restype = ctypes.c_char_p
    reader = ctypes.c_void_p(library.archive_read_new())
    entry, files, room = ctypes.c_void_p(), [], ctypes.create_string_buffer(4096)
    try:
        library.archive_read_support_filter_all(reader)
        library.archive_read_support_format_all(reader)
        library.archive_read_add_passphrase(reader, PASSWORD)
        library.archive_read_open_memory(reader, archive, ctypes.c_size_t(len(archive)))
        while library.archive_read_next_header(reader, ctypes.byref(entry)) == 0:
            name = library.archive_entry_pathname(entry).decode()
            size = library.archive_read_data(reader, room, ctypes.c_size_t(len(room)))
            assert size >= 0, library.archive_error_string(reader)
            files.append((name, room.raw[:size]))
    finally:
        library.archive_read_free(reader)
    return files


def test_the_encrypted_archive_opens_with_its_password_and_no_other() -> None:
    archive = in_container(eicar(), ("encrypted",))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.read(opened.namelist()[0], pwd=PASSWORD) == eicar()
    assert not holds_test_string(archive, Opening(passwords=(b"other",)))


def test_an_archive_with_aes_opens_with_its_password_and_no_other() -> None:
    archive = in_container(eicar(), ("zip AES-256",))
    secret = archive.index(b"PK\x01\x02") - 11
    changed = archive[:secret] + bytes([archive[secret] ^ 1]) + archive[secret + 1 :]

    assert eicar() not in archive
    assert holds_test_string(archive)
    for closed, passwords in ((archive, (b"other",)), (archive, ()), (changed, (PASSWORD,))):
        with pytest.raises(UnopenedError, match="encrypted"):
            list(contents(closed, Opening(passwords=passwords), strict=True))


@pytest.mark.parametrize("password", [PASSWORD, b"other"])
def test_deriving_keys_for_many_members_is_bounded(
    password: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = in_container(b"letter", ("zip AES-256",))
    central, end = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    many = struct.pack("<HHII", 900, 900, 900 * (end - central), central)
    bomb = archive[:central] + archive[central:end] * 900 + b"PK\x05\x06" + bytes(4) + many
    derived: list[bytes] = []
    derive = AesKeys.derived

    def counted(password: bytes, salt: bytes) -> AesKeys:
        derived.append(salt)
        return derive(password, salt)

    monkeypatch.setattr(AesKeys, "derived", counted)
    list(contents(bomb + bytes(2), Opening(passwords=(password,), total=4 * MIB)))

    assert 0 < len(derived) < 100


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"):
        assert next(contents(start + data)) == start + data
        holds_test_string(start + data)


@given(st.sampled_from(sorted(CONTAINERS - {"huge"})), st.data())
def test_no_broken_container_raises_anything(container: str, data: st.DataObject) -> None:
    file = bytearray(in_container(b"A letter about the garden.", layers_of(container)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(file)))
        file[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    assert next(contents(bytes(file))) == file
    holds_test_string(bytes(file))


@pytest.mark.parametrize(
    "odd", [b"&#" + b"9" * 5000 + b";", b"begin 644 x\n\n\n`\nend", b"=\xff&#xd800;%", b"begin 644 x\n!\nend"]
)  # fmt: skip
def test_no_odd_text_raises_anything(odd: bytes) -> None:
    assert holds_test_string(odd + b" " + in_container(eicar(), ("base64 text",)))


@pytest.mark.parametrize(
    "filler", [b"begin 644 x\n", b"begin 644 x\n!\n", b"begin 644 x\n" + b"\n" * 99]
)
def test_no_text_of_a_mebibyte_takes_long_to_decode(filler: bytes) -> None:
    """A search for the end from each beginning takes minutes; the test's own limit stops it."""
    assert not holds_test_string(filler * (1024 * 1024 // len(filler)))


MIB = 1024 * 1024


def archive_of(files: list[bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for number, file in enumerate(files):
            archive.writestr(f"{number}.bin", file)
    return written.getvalue()


def with_directory(archive: bytes, offset: int, field: bytes) -> bytes:
    """An archive with one field of its only directory entry replaced (PKWARE APPNOTE 4.3.12)."""
    start = archive.index(b"PK\x01\x02") + offset
    return archive[:start] + field + archive[start + len(field) :]


@pytest.mark.parametrize(("offset", "field"), [(10, b"\x09\0"), (8, b"\x41\0"), (8, b"\x20\0")])
def test_an_archive_of_a_kind_that_is_not_known_is_not_called_encrypted(
    offset: int, field: bytes
) -> None:
    """By method 9 (deflate64), with strong encryption, and with patched data."""
    archive = with_directory(archive_of([b"letter"]), offset, field)

    assert [*contents(archive, SCANNER, strict=True)] == [archive]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_inflated_to_its_size_and_no_further(method: int) -> None:
    archive = with_directory(
        archive_of([bytes(24 * MIB)], method), 24, struct.pack("<I", len(eicar()))
    )
    tracemalloc.start()
    try:
        inside = [len(data) for data in contents(archive)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert inside[0] == len(archive)
    assert sum(inside[1:]) < 100
    assert peak < 16 * MIB


def broken(file: bytes) -> bytes:
    """A compressed file whose end is wrong, so that it is inflated for nothing."""
    return file[:-8] + bytes(8)


@pytest.mark.parametrize(
    "member",
    [gzip.compress(bytes(MIB)), *(broken(pack(bytes(MIB))) for pack in (gzip.compress, bz2.compress, lzma.compress))],
    ids=["the same", "gz", "bz2", "xz"],
)  # fmt: skip
def test_every_byte_that_is_inflated_counts(member: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    opened = file_contents._opened

    def counted(data: bytes, opening: Opening) -> Any:
        tried.append(len(data))
        return opened(data, opening)

    monkeypatch.setattr(file_contents, "_opened", counted)
    members = [member + bytes([number]) for number in range(40)]
    with pytest.raises(UnopenedError, match="huge"):
        list(contents(archive_of(members), Opening(each=MIB, total=4 * MIB), strict=True))

    assert len(tried) <= 6


def test_no_more_files_are_opened_than_a_limit() -> None:
    archive = archive_of([b"letter %d" % number for number in range(40)])
    with pytest.raises(UnopenedError, match="huge"):
        list(contents(archive, Opening(files=10), strict=True))

    assert len([*contents(archive, Opening(files=10))]) <= 12


def test_the_start_of_a_file_that_is_too_large_is_searched() -> None:
    file = gzip.compress(eicar() + bytes(2 * MIB))

    assert holds_test_string(file, Opening(each=MIB))


def test_no_file_of_the_project_and_no_pack_holds_the_test_string() -> None:
    rooms = ("harness", "probes", "corpora", "reports", "docs", "test_suites", "benchmarks")
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    wanted = eicar()

    assert not [path for path in files if wanted in path.read_bytes()]
    assert wanted.decode() not in str(downloads("s", clean=0).rows)
