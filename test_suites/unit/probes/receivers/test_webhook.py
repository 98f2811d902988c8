"""The webhook keeps what products post: JSON, forms and text, of any kind and within limits."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.log_entry import AlertPriority
from harness.model.received_alert import LONGEST, ReceivedAlert
from probes.receivers.alert_text import LONGEST_SUBJECT, MOST_BYTES
from probes.receivers.webhook import MOST_FIELDS, Webhook, alert_of_request

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def read(body: bytes | str | object, content_type: str = JSON) -> ReceivedAlert:
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return alert_of_request(body, content_type, at=NOW)


def test_all_texts_of_json_are_the_text_in_their_order() -> None:
    alert = read({"title": "T", "n": 1, "a": [{"b": "x"}, "y", None, True], "c": {"d": ["z"]}})

    assert ("T", "T\nx\ny\nz", "") == (alert.subject, alert.text, alert.priority)


@pytest.mark.parametrize(
    ("document", "subject"),
    [
        ({"title": "b", "subject": "a"}, "a"),
        ({"Subject": "a"}, "a"),
        ({"alert": {"summary": "a\nb"}}, "a b"),
        ({"title": " ", "summary": "a"}, "a"),
        ({"title": ["a", "b"]}, "a"),
        ({"title": 5, "other": "a"}, ""),
        ([], ""),
        ("a", ""),
    ],
)
def test_the_subject_is_found_by_its_name(document: object, subject: str) -> None:
    assert subject == read(document).subject


@pytest.mark.parametrize(
    ("document", "priority"),
    [
        ({"priority": "urgent"}, "urgent"),
        ({"severity": "CRITICAL"}, "urgent"),
        ({"alert": [{"Urgency": " High "}]}, "urgent"),
        ({"importance": "medium"}, "normal"),
        ({"severity": "info"}, "low"),
        ({"severity": "low", "priority": "high"}, "urgent"),
        ({"priority": "whatever"}, ""),
        ({"priority": 1}, ""),
        ({"message": "urgent"}, ""),
    ],
)
def test_the_priority_is_found_by_its_name(document: object, priority: AlertPriority) -> None:
    assert priority == read(document).priority


def test_forms_are_read() -> None:
    alert = read("title=Gef%C3%A4hrlich&text=a+b%0Ac&severity=high&empty=", FORM)
    assert ("Gefährlich", "Gefährlich\na b\nc\nhigh", "urgent") == (
        alert.subject,
        alert.text,
        alert.priority,
    )
    fields: dict[str, Any] = {
        "subject": (None, "S"),
        "text": (None, "ä b"),
        "file": ("a.txt", "no", "text/plain"),
    }
    request = httpx.Request("POST", "http://a.test", files=fields)
    alert = read(request.read(), request.headers["Content-Type"])
    assert ("S", "S\nä b") == (alert.subject, alert.text)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("plain wörds", "text/plain", "plain wörds"),
        ("plain wörds".encode("latin-1"), "text/plain; charset=latin-1", "plain wörds"),
        ("<p>marked <b>up</b>", "text/html", "marked up"),
        ('{"a": "x"}', "text/plain", "x"),
        ('{"a": "x"}', FORM, "x"),
        ('{"a": "x"', JSON, '{"a": "x"'),
        ('{"a": "\\ud800"}', JSON, '{"a": "\\ud800"}'),
        ("{not json}", "", "{not json}"),
        ("no json", JSON, "no json"),
        ("&".join("a" for _ in range(MOST_FIELDS + 1)), FORM, None),
        (b"\x00a\xff", "", "a\ufffd"),
        ("", "", ""),
    ],
)
def test_a_body_that_is_not_what_it_says_is_kept_as_text(
    body: bytes | str, content_type: str, text: str | None
) -> None:
    assert (body if text is None else text) == read(body, content_type).text


HOSTILE: dict[str, tuple[bytes, str]] = {
    "deep lists": (b"[" * 1_000_000, JSON),
    "deep keys": (b'{"a":' * 200_000, JSON),
    "deep and whole": (b"[" * 500_000 + b"]" * 500_000, JSON),
    "a long number": (b"[" + b"9" * 1_000_000 + b"]", JSON),
    "many texts": (b"[" + b'"x",' * 250_000 + b'"x"]', JSON),
    "many keys": (b"{" + b",".join(b'"%d":""' % n for n in range(90_000)) + b"}", JSON),
    "a long subject": (b'{"title": "' + b" a" * 500_000 + b'"}', JSON),
    "many fields": (b"a=b&" * 250_000, FORM),
    "escapes": (b"a=" + b"%" * 1_000_000, FORM),
    "parts": (b"--b\n" * 250_000, "multipart/form-data; boundary=b"),
    "names": (b"--b\nContent-Disposition: form-data" + b'; name="' * 100_000 + b"\n\nx\n--b--",
              "multipart/form-data; boundary=b"),
    "tags": (b"<div>" * 200_000, "text/html"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_take_little_time(name: str) -> None:
    body, content_type = HOSTILE[name]
    began = time.process_time()
    check_bounded(read(body[:MOST_BYTES], content_type))

    assert time.process_time() - began < 10


def check_bounded(alert: ReceivedAlert) -> None:
    assert len(alert.text) <= LONGEST
    assert len(alert.subject) <= LONGEST_SUBJECT
    assert "\x00" not in alert.text + alert.subject
    assert alert == msgspec.json.decode(msgspec.json.encode(alert), type=ReceivedAlert)


KINDS = st.sampled_from(
    ["", JSON, FORM, "text/plain", "text/html; charset=utf-16", "multipart/form-data; boundary=b"]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(st.binary(max_size=500), KINDS | st.text(max_size=50))
def test_any_bytes_of_any_type_become_a_bounded_alert(body: bytes, content_type: str) -> None:
    check_bounded(alert_of_request(body, content_type, at=NOW))


@given(DOCUMENTS, KINDS)
def test_any_document_becomes_a_bounded_alert(document: object, content_type: str) -> None:
    check_bounded(read(json.dumps(document), content_type))


class Kept(list[ReceivedAlert]):
    is_full = False

    def keep(self, alert: ReceivedAlert) -> bool:
        if not self.is_full:
            self.append(alert)
        return not self.is_full


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def client(kept: Kept) -> AsyncIterator[httpx.AsyncClient]:
    async with Webhook(kept.keep, clock=lambda: NOW) as webhook:
        url = f"http://127.0.0.1:{webhook.port}"
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            yield client


async def test_a_request_is_kept_with_its_path(client: httpx.AsyncClient, kept: Kept) -> None:
    answered = await client.post("/hooks/a%20b?key=1", json={"title": "T", "severity": "high"})

    assert 200 == answered.status_code
    assert [
        ReceivedAlert(
            at=NOW,
            channel="web",
            to=("/hooks/a b",),
            sender="127.0.0.1",
            subject="T",
            text="T\nhigh",
            priority="urgent",
        )
    ] == kept


async def test_a_full_disk_is_a_temporary_failure(client: httpx.AsyncClient, kept: Kept) -> None:
    kept.is_full = True
    refused = await client.post("/", content=b"x")
    kept.is_full = False

    assert (503, "60") == (refused.status_code, refused.headers["Retry-After"])
    assert 200 == (await client.post("/", content=b"x")).status_code
    assert 1 == len(kept)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_accepted(method: str, client: httpx.AsyncClient, kept: Kept) -> None:
    assert 405 == (await client.request(method, "/")).status_code
    assert [] == kept


async def test_large_and_undecodable_bodies_are_refused_silently(
    client: httpx.AsyncClient, kept: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(50 * MOST_BYTES))
    statuses = [
        (await client.post("/", content=content, headers=headers)).status_code
        for content, headers in (
            (b"x" * MOST_BYTES, {}),
            (b"x" * (MOST_BYTES + 1), {}),
            (gzip.compress(b"x"), packed),
            (bomb, packed),
            (b"not packed", packed),
        )
    ]

    assert [200, 413, 200, 413, 400] == statuses
    assert ["x", "x"] == [alert.text[:1] for alert in kept]
    assert ("", "") == tuple(capfd.readouterr())
