"""What the probes of files find in an answer, and what they send."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from PIL import Image

from corpora.uploads import uploads
from harness.model.upload_case import DOCUMENTS, TEST_FILE, WAYS, UploadCase
from harness.ports.network import Exchange, Request
from probes.kinds.download import Download, look_into
from probes.kinds.upload import Upload, sending_for
from probes.net.file_contents import AGREED_FILE, eicar, holds_test_string
from probes.net.upload_documents import photo
from probes.range.file_containers import in_container
from test_suites.unit.probes.kinds.test_web import HOST, Scripted, attempt, facts, page

WORDS = ("tizametefabime", "zogadepamenira")
HARMLESS = b"Seed mixtures: tizametefabime zogadepamenira."
NOTICE = b"<html><h1>Blocked</h1><a href='data:application/octet-stream;base64,%s'>x</a></html>"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", ""),
        (b"<h1>This file has been blocked</h1>", ""),
        (HARMLESS, "content"),
        (in_container(HARMLESS, ("gz", "zip")), "content"),
        (b"Seed mixtures: tizametefabime.", ""),
        (AGREED_FILE, "agreed file"),
        (in_container(eicar(), ("zip", "zip")), "test string"),
        (NOTICE % base64.b64encode(eicar()), "test string"),
        (eicar()[:67], ""),
        (eicar() + HARMLESS, "test string"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_in_a_file(body: bytes, found: str) -> None:
    assert look_into(body, WORDS) == found


def test_a_file_without_known_words_is_not_known() -> None:
    assert look_into(HARMLESS, ()) == ""


@pytest.mark.parametrize("way", sorted(WAYS))
def test_each_way_sends_its_content(way: str) -> None:
    infected = sending_for(UploadCase(name="", way=way, content=TEST_FILE))
    harmless = sending_for(UploadCase(name="", way=way, content="my number is 01632 960123"))

    if way not in ("query", "header"):
        assert holds_test_string(infected.arrives or infected.body)
    assert "01632" in f"{harmless}" or way in ("gzip", "chunked", "chat")
    assert not holds_test_string(harmless.body)


def test_an_attachment_is_in_a_document() -> None:
    body = sending_for(UploadCase(name="", way="chat", content="hello")).body

    assert base64.b64decode(json.loads(body)["attachment"]) == b"hello"


def test_the_photo_has_an_owner_and_a_position() -> None:
    picture = Image.open(io.BytesIO(photo()))
    picture.load()
    exif = picture.getexif()

    assert exif[0x013B] == "Robin Testperson"
    assert exif.get_ifd(0x8825) == {1: "N", 2: (55.0, 30.0, 0.0), 3: "E", 4: (3.0, 0.0, 0.0)}


def content(words: str) -> bytes:
    """What is sent as the body for a content, in words."""
    return sending_for(UploadCase(name="", way="post", content=words)).body


def test_a_document_is_one_that_its_program_reads() -> None:
    with zipfile.ZipFile(io.BytesIO(content("Word document: Robin has <asthma>"))) as word:
        parts = {name: ET.fromstring(word.read(name)) for name in word.namelist()}
    assert "".join(parts["word/document.xml"].itertext()) == "Robin has <asthma>"
    assert [one.get("Target") for one in parts["_rels/.rels"]] == ["word/document.xml"]

    listed = content("spreadsheet in a zip archive: 30 invented pupils with 01632 960xxx")
    with zipfile.ZipFile(io.BytesIO(listed)) as archive:
        book = pd.read_excel(io.BytesIO(archive.read("class.xlsx")), header=None)
    rows = [tuple(row) for row in book.to_numpy().tolist()]
    assert (len(rows), rows[0], rows[-1]) == (
        31, ("Name", "Telephone"), ("Pupil 30", "01632 960030")
    )  # fmt: skip

    table = content("table as text: 30 invented pupils with 01632 960xxx").decode()
    assert [tuple(row) for row in csv.reader(table.splitlines())] == rows

    picture = Image.open(io.BytesIO(content("picture: drawn badge with text EXAMPLETON")))
    picture.load()
    assert (picture.format, picture.getextrema()) == ("PNG", (0, 255))


@pytest.mark.parametrize("kind", sorted(DOCUMENTS.values()))
def test_a_document_is_the_same_each_time_and_says_what_it_is_asked_to(kind: str) -> None:
    assert content(f"{kind}: hello") == content(f"{kind}: hello")
    assert content(f"{kind}: hello") != content(f"{kind}: other")
    assert content(kind) == kind.encode()


def test_the_rows_of_the_pack_name_each_document() -> None:
    cases = {row["stratum"].partition(":multipart: ")[2] for row in uploads("s").rows}

    assert {
        name for one in cases for name in DOCUMENTS.values() if one.startswith(f"{name}: ")
    } == {*DOCUMENTS.values()}


class RefusesQuestions(Scripted):
    """A line that blocks HEAD and PROPFIND, and answers everything else."""

    async def fetch(self, request: Request) -> Exchange:
        self.requests.append(request)
        is_question = request.method in ("HEAD", "PROPFIND")
        return page("Blocked", 403) if is_question else page(eicar().decode())


async def test_a_file_is_asked_for_although_the_question_about_it_was_blocked() -> None:
    line = RefusesQuestions({})
    this = attempt(f"http://{HOST}/a.com", stratum="MALW.MAL/file:none by HEAD then GET")
    seen = facts(await Download().try_item(this, line))

    assert [one.method for one in line.requests] == ["HEAD", "GET"]
    assert (seen.file, seen.status) == ("test string", 200)


async def test_an_upload_is_made_although_the_question_about_the_folder_was_blocked() -> None:
    line = RefusesQuestions({})
    this = attempt(f"http://{HOST}/inbox/", stratum="CTRL/upload:webdav")
    seen = facts(await Upload().try_item(this, line))

    assert [one.method for one in line.requests] == ["PROPFIND", "PUT"]
    assert seen.status == 200
