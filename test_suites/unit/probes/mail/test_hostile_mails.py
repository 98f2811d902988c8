"""Hostile mails are read within limits of time, memory and what is kept of them."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.received_mail import ReceivedMail
from probes.mail.marks import gtube, language_marker
from probes.mail.raw_mail import (
    MOST_BYTES,
    MOST_IDS,
    MOST_MARKS,
    MOST_RECIPIENTS,
    MOST_REFERENCES,
    MOST_RESULTS,
    read_mail,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OWN = "own@a.test"
MARKER = language_marker("0a1b")


def read(raw: bytes) -> ReceivedMail:
    return read_mail(raw, at=NOW, to=["c@d.test"], sender="s@a.test")


def check_bounded(mail: ReceivedMail) -> None:
    """The mail is within its limits, and the same after it was written and read."""
    assert len(mail.to) <= MOST_RECIPIENTS
    assert len(mail.message_ids) <= MOST_IDS
    assert len(mail.references) <= MOST_REFERENCES
    assert len(mail.spam_marks) <= MOST_MARKS
    assert len(mail.results) <= MOST_RESULTS
    line = msgspec.json.encode(mail)
    assert len(line) < 200_000
    assert mail == msgspec.json.decode(line, type=ReceivedMail)


def zipped_zeros(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"\0" * size)
    return packed.getvalue()


def nested(depth: int, inner: bytes) -> bytes:
    for number in range(depth):
        head = f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n'
        inner = head.encode() + inner + f"\n--b{number}--\n".encode()
    return inner


def with_parts(part: bytes, number: int) -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    return head + (b"--b\n" + part + b"\n") * number + b"--b--\n"


HUGE = MOST_BYTES // 10
HOSTILE = {
    "50 multiparts": nested(50, b"\n\nhello"),
    "50 multiparts with much in them": nested(50, b"\n\n" + b"x\n" * (HUGE // 2)),
    "zeros": b"\0" * HUGE,
    "delimiters": with_parts(b"", HUGE // 5),
    "nearly delimiters": nested(12, b"\n\n" + b"\n--b0X" * (HUGE // 6)),
    "a header bomb": b"x-spam-flag: no\n" * (HUGE // 16),
    "a long field": b"Subject: " + b"\n =?utf-8?B?YQ==?=" * (HUGE // 20),
    "a decompression bomb in each part": with_parts(
        b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(zipped_zeros(HUGE)),
        90,
    ),
    "many ids": b"\n\n" + b"Message-ID: <a@b>\n" * 50_000,
    "many numbers": b"\n\n" + b"11-222222-3333-" * 60_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<" * HUGE,
    "references": b"Content-Type: text/html\n\n" + b"&#x" * (HUGE // 3),
    "uuencode": b"\n\n" + b"begin 644 a\n" * 80_000,
    "messages in base64": b"",
    "lone line ends": b"Subject: x\r\rMessage-ID: <a@b>\r" * 5000,
}
for _ in range(20):
    HOSTILE["messages in base64"] = (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(HOSTILE["messages in base64"])
    )


@pytest.mark.parametrize("form", sorted(HOSTILE))
def test_hostile_mails_are_read_in_bounded_time(form: str) -> None:
    began = time.process_time()
    check_bounded(read(HOSTILE[form]))

    assert time.process_time() - began < 20


def test_a_mail_that_is_too_large_is_read_as_far_as_the_limit() -> None:
    raw = f"Message-ID: <{OWN}>\n\n".encode() + b"x" * MOST_BYTES
    mail = read(raw)

    assert (len(raw), OWN) == (mail.size, mail.message_ids[0])
    assert 7 == read_mail(b"x", at=NOW, size=7).size


def test_lists_have_limits() -> None:
    ids = "".join(f"<{number}@x>\n " for number in range(600))
    numbers = "x".join(f"{10 + each % 90}-{222000 + each}-{each:04}" for each in range(600))
    head = f"Message-ID: <{OWN}>\nReferences: {ids}\n" + "X-Spam-Flag: YES\n" * 40
    marks = "".join(f"X-Spam-Status: Yes, score={number}\n" for number in range(40))
    results = "".join(f"Authentication-Results: x; a={number}\n" for number in range(40))
    raw = (head + marks + results + "\n" + numbers).encode()
    mail = read_mail(raw, at=NOW, to=(f"{number}@b.test" for number in range(500)))

    check_bounded(mail)
    assert (MOST_IDS, OWN) == (len(mail.message_ids), mail.message_ids[0])
    assert MOST_REFERENCES == len(mail.references)
    assert (MOST_MARKS, MOST_RESULTS) == (len(mail.spam_marks), len(mail.results))
    assert MOST_RECIPIENTS == len(mail.to)


PIECES = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b"\0", b"--b", b"--b--", b"Content-Type: ", b"text/html",
        b"multipart/mixed; boundary=b", b"message/rfc822", b"text/rfc822-headers", b"; charset=",
        b"utf-16", b"no-such", b"Content-Transfer-Encoding: base64", b"quoted-printable", b"=3D",
        b"Message-ID: <a@b>", b"Subject: =?utf-8?B?", b"?=", b"[SPAM]", b"X-Spam-Flag: YES",
        b"Authentication-Results: x; spf=fail", b"Received: x", b"31-402713-8841", b"PK\x03\x04",
        b"begin 644 a", MARKER.encode(), gtube().encode(), b"name=", b"\xff\xfe", b"&#x110000;",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=40), max_size=40), st.text(max_size=30))
def test_any_bytes_become_a_mail(pieces: list[bytes], address: str) -> None:
    check_bounded(read_mail(b"".join(pieces), at=NOW, to=[address], sender=address))


@given(st.binary(max_size=300))
def test_any_body_of_any_encoding_becomes_a_mail(body: bytes) -> None:
    for coding in (b"base64", b"quoted-printable", b"x-uuencode", b"\xff"):
        check_bounded(read(b"Content-Transfer-Encoding: " + coding + b"\n\n" + body))
