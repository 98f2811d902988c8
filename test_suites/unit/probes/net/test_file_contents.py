"""What a file holds: every container is opened, within limits, and the test string is nowhere."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.downloads import downloads
from harness.model.file_case import ARCHIVES, CONTAINERS, layers_of
from probes.net.file_contents import (
    PASSWORD,
    Opening,
    UnopenedError,
    contents,
    eicar,
    holds_test_string,
)
from probes.range.file_containers import in_container
from test_suites.house.rooms import ROOT

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


def test_the_encrypted_archive_opens_with_its_password_and_no_other() -> None:
    archive = in_container(eicar(), ("encrypted",))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.read(opened.namelist()[0], pwd=PASSWORD) == eicar()
    assert not holds_test_string(archive, Opening(passwords=(b"other",)))


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"):
        assert next(contents(start + data)) == start + data
        holds_test_string(start + data)


def test_no_file_of_the_project_and_no_pack_holds_the_test_string() -> None:
    rooms = ("harness", "probes", "corpora", "reports", "docs", "test_suites", "benchmarks")
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    wanted = eicar()

    assert not [path for path in files if wanted in path.read_bytes()]
    assert wanted.decode() not in str(downloads("s", clean=0).rows)
