"""What the probes of files find in an answer, and what they send."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from harness.model.upload_case import TEST_FILE, WAYS, UploadCase
from probes.kinds.download import look_into
from probes.kinds.upload import photo, sending_for
from probes.net.file_contents import AGREED_FILE, eicar, holds_test_string
from probes.range.file_containers import in_container

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
