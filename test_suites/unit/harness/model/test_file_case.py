"""Cases of files and uploads are read from the words of a row; a new row needs no code."""

from __future__ import annotations

import pytest

from harness.model.content_form import form_of
from harness.model.file_case import (
    CLEAN_GROUPS,
    FILE_CASES,
    Transport,
    file_case,
    layers_of,
    transport_of,
)
from harness.model.upload_case import TEST_FILE, upload_case


@pytest.mark.parametrize(
    ("container", "layers"),
    [
        ("zip", ("zip",)),
        ("zip(zip)", ("zip", "zip")),
        ("zip(tar.gz)", ("tar", "gz", "zip")),
        ("zip with 1,000 other files", ("zip 1000",)),
        ("zip with 99,999 other files", ("zip 2000",)),
        ("docm macro container (benign macro text)", ("docx",)),
        ("rar5 (sample by tool)", ("rar5",)),
        ("zip AES-256 (password given)", ("zip AES-256",)),
        ("zip(lha)", ("lha", "zip")),
        ("zip(7z)", ()),
    ],
)
def test_a_container_has_layers(container: str, layers: tuple[str, ...]) -> None:
    assert layers_of(container) == layers


@pytest.mark.parametrize(
    ("words", "transport"),
    [
        ("HTTP GET", Transport(scheme="http")),
        ("HTTPS GET with inspection", Transport()),
        ("chunked 3-byte chunks", Transport(chunk=3)),
        ("Content-Encoding br", Transport(coding="br")),
        ("Range 0-9 then 10-19 then 20-", Transport(ranges=("0-9", "10-19", "20-"))),
        ("206 single range covering all", Transport(ranges=("0-",))),
        ("wrong Content-Type image/png", Transport(content_type="image/png")),
        ("no Content-Type", Transport(content_type="")),
        ("HEAD then GET", Transport(with_head=True)),
        ("POST response", Transport(method="POST")),
        ("HTTP 404 body", Transport(status=404)),
        ("meta refresh to EICAR", Transport(page="refresh")),
        ("cloud-share link", Transport(page="redirect")),
        ("WebSocket binary frame", Transport(connection="websocket")),
        ("HTTP WebSocket binary frame", Transport(scheme="http", connection="websocket")),
        ("keep-alive after clean file", Transport(connection="kept")),
        ("HTTP pipelined second response", Transport(connection="pipelined")),
        ("FTP RETR", None),
    ],
)
def test_a_transport_is_read_from_its_words(words: str, transport: Transport | None) -> None:
    assert transport_of(words) == transport


def test_a_case_is_a_part_of_a_stratum() -> None:
    case = file_case("file:zip(gz) by HTTP GET")

    assert case is not None
    assert (case.layers, case.group) == (("gz", "zip"), "other")
    assert file_case("file:zip") is FILE_CASES["file:zip"]
    assert file_case("gzip") is None
    assert file_case("file:unknown") is None


def test_an_upload_has_a_way_and_a_content() -> None:
    case = upload_case(f"upload:put: {TEST_FILE}")

    assert case is not None
    assert (case.way, case.content) == ("put", TEST_FILE)
    assert upload_case("upload:pigeon") is None
    assert upload_case("put") is None


@pytest.mark.parametrize(
    ("stratum", "family"),
    [
        ("MALW.MAL/file:zip", "file"),
        ("MALW.MAL/file:cab by HTTPS GET", "other file"),
        ("MALW.MAL/upload:put: test file", "upload"),
        ("CTRL/upload:form: my number is 01632 960123", "other upload"),
    ],
)
def test_files_and_uploads_are_no_pages(stratum: str, family: str) -> None:
    form = form_of(stratum)

    assert form is not None
    assert form.family == family


@pytest.mark.parametrize(
    "name",
    [
        "none by HTTP WebSocket binary frame",
        "zip AES-256 (password given) by HTTPS GET",
        "gz(encrypted) by HTTPS GET",
    ],
)
def test_what_a_service_may_stop_whatever_is_in_it_is_only_reported(name: str) -> None:
    case = file_case(f"file:{name}")

    assert case is not None
    assert case.group == "restricted"
    assert case.group not in CLEAN_GROUPS
    form = form_of(f"MALW.MAL/file:{name}")
    assert form is not None
    assert form.family == "other file"
