"""Streams become requests and pages become streams, within limits, whatever a client sends."""

from __future__ import annotations

from collections.abc import Iterable

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from hyperframe.frame import HeadersFrame, PingFrame
from hypothesis import given
from hypothesis import strategies as st

from probes.net.raw_http2 import PREFACE, settings_header
from probes.range import http2_session
from probes.range.connection import Request
from probes.range.http2_session import (
    STREAMS_AT_ONCE,
    SWITCHED,
    Answers,
    Http2Carrier,
    Http2Session,
    request_of,
    upgrade_settings,
)
from probes.range.origin_pages import Page
from probes.range.visitor_limits import Admission, VisitorRules

HOST = "x.example"
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", HOST)]
SMALL = VisitorRules(head_bytes=2000, body_bytes=1000)


class Talk:
    """A client of the library h2 and a session, joined in memory."""

    def __init__(self, *pages: Page, rules: VisitorRules = SMALL) -> None:
        config = h2.config.H2Configuration(validate_outbound_headers=False, header_encoding="utf-8")
        self.client = h2.connection.H2Connection(config)
        self.requests: list[Request] = []
        self.waiting: list[Answers] = []
        self.pages = list(pages)
        self.admissions: list[Admission] = []
        self.ended: list[str] = []
        self.received = bytearray()
        carrier = Http2Carrier(
            rules=rules,
            server="nginx",
            send=self.received.extend,
            close=lambda: self.ended.append("closed"),
            abort=lambda: self.ended.append("aborted"),
            admit=lambda: self.admissions.pop(0) if self.admissions else Admission.SERVED,
            handle=self._handle,
        )
        self.session = Http2Session(carrier)

    def _handle(self, request: Request, to: Answers) -> None:
        self.requests.append(request)
        if self.pages:
            to.answer(self.pages.pop(0), bodiless=request.method == "HEAD")
        else:
            self.waiting.append(to)

    def begin(self) -> Talk:
        self.client.initiate_connection()
        self.session.begin()
        return self

    def ask(self, fields: Iterable[tuple[str, str]] = GET, body: bytes | None = None) -> int:
        stream: int = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, list(fields), end_stream=body is None)
        if body is not None:
            self.client.send_data(stream, body, end_stream=True)
        return stream

    def exchange(self) -> dict[int, tuple[str, bytes]]:
        """Pass everything on both ways; return status and body of each stream that ended."""
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        ended = list[int]()
        self.events: list[h2.events.Event] = []
        while (data := self.client.data_to_send()) or self.received:
            self.session.receive(data)
            came, self.received[:] = bytes(self.received), b""
            self.events += (events := self.client.receive_data(came))
            for event in events:
                if isinstance(event, h2.events.ResponseReceived):
                    heads[event.stream_id] = dict(event.headers)  # type: ignore[arg-type]
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                    self.client.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                elif isinstance(event, h2.events.StreamEnded):
                    ended.append(event.stream_id)
        self.heads = heads
        return {each: (heads[each][":status"], bodies.get(each, b"")) for each in ended}


def page(body: bytes = b"hello", **more: object) -> Page:
    return Page(status=200, body=body, **more)  # type: ignore[arg-type]


def test_a_stream_is_a_request_and_a_page_its_answer() -> None:
    talk = Talk(page(headers=(("ETag", '"x"'), ("Connection", "close")))).begin()
    talk.ask([*GET, ("cookie", "a=1"), ("cookie", "b=2"), ("upgrade", "websocket")])

    assert talk.exchange() == {1: ("200", b"hello")}
    (request,) = talk.requests
    assert (request.method, request.host, request.path) == ("GET", HOST, "/")
    assert request.headers == {"host": HOST, "cookie": "a=1; b=2"}
    assert talk.heads[1] == {
        ":status": "200", "server": "nginx", "content-type": "text/html; charset=utf-8",
        "content-length": "5", "cache-control": "no-store", "etag": '"x"',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("named", "host"),
    [
        ([(":authority", "a.example"), ("host", "b.example")], "a.example"),
        ([("host", "b.example"), (":authority", "a.example:80")], "a.example"),
        ([("host", "b.example")], "b.example"),
        ([(":authority", ""), ("host", "b.example")], "b.example"),
        ([("HOST", "b.example")], "b.example"),
    ],
)
def test_the_authority_decides_over_the_host(named: list[tuple[str, str]], host: str) -> None:
    fields = [(name.encode(), value.encode()) for name, value in [*GET[:3], *named]]
    request = request_of(fields, b"")

    assert request is not None
    assert request.host == host


@pytest.mark.parametrize(
    "fields",
    [GET[1:], [*GET[:2], GET[3]], [*GET[:2], (":path", "http://y.example/")],
     [(":method", "CONNECT"), *GET[1:]], [*GET[:2], (":path", "*")]],
)  # fmt: skip
def test_a_request_without_method_or_path_is_refused(fields: list[tuple[str, str]]) -> None:
    talk = Talk().begin()
    talk.ask(fields)

    assert [status for status, _ in talk.exchange().values()] == ["400"]
    assert talk.requests == []


def test_the_answer_to_head_has_no_body() -> None:
    talk = Talk(page()).begin()
    talk.ask([(":method", "HEAD"), *GET[1:]])

    assert talk.exchange() == {1: ("200", b"")}
    assert talk.heads[1]["content-length"] == "5"


def test_a_body_is_a_part_of_its_request_up_to_the_limit() -> None:
    talk = Talk(page()).begin()
    talk.ask([(":method", "POST"), *GET[1:]], b"x" * 1000)
    talk.ask([(":method", "POST"), *GET[1:]], b"x" * 1001)

    assert [status for status, _ in talk.exchange().values()] == ["200", "413"]
    assert [request.body for request in talk.requests] == [b"x" * 1000]


def test_a_long_page_waits_for_the_windows_of_the_client() -> None:
    talk = Talk(page(b"x" * 300_000), page(b"y" * 200_000)).begin()
    talk.ask()
    talk.ask()

    assert {1: ("200", b"x" * 300_000), 3: ("200", b"y" * 200_000)} == talk.exchange()


def test_a_page_in_chunks_is_sent_in_frames_of_their_size() -> None:
    talk = Talk(page(b"x" * 20, chunk=7)).begin()
    talk.ask()
    talk.exchange()

    parts = [each.data for each in talk.events if isinstance(each, h2.events.DataReceived)]
    assert [len(part) for part in parts] == [7, 7, 6]
    assert "content-length" not in talk.heads[1]


def test_hints_come_in_an_interim_response_before_the_page() -> None:
    talk = Talk(page(hints=(("Link", "</a.css>; rel=preload"),))).begin()
    talk.ask()

    assert talk.exchange() == {1: ("200", b"hello")}
    (interim,) = (
        each for each in talk.events if isinstance(each, h2.events.InformationalResponseReceived)
    )
    fields = {str(name): str(value) for name, value in interim.headers}
    assert fields == {":status": "103", "link": "</a.css>; rel=preload"}


def test_later_answers_come_on_their_own_streams() -> None:
    talk = Talk().begin()
    talk.ask()
    talk.ask()
    assert talk.exchange() == {}

    talk.waiting[1].answer(page(b"second"))
    talk.waiting[0].answer(page(b"first"))
    assert talk.exchange() == {3: ("200", b"second"), 1: ("200", b"first")}


def test_nothing_is_sent_on_a_stream_that_the_client_has_reset() -> None:
    talk = Talk(page()).begin()
    stream = talk.ask()
    talk.client.reset_stream(stream)
    assert talk.exchange() == {}
    talk.ask()
    talk.exchange()
    talk.client.reset_stream(3)
    talk.exchange()
    talk.waiting[0].answer(page())

    assert talk.exchange() == {}
    assert talk.ended == []


def test_nothing_is_sent_after_the_end_of_the_connection() -> None:
    talk = Talk().begin()
    talk.ask()
    talk.exchange()
    talk.client.close_connection()
    talk.session.receive(talk.client.data_to_send())
    talk.waiting[0].answer(page())
    talk.session.receive(b"anything")

    assert talk.ended == ["closed"]
    assert not talk.received


def test_each_stream_is_counted_as_a_request() -> None:
    talk = Talk(page()).begin()
    talk.admissions = [Admission.SERVED, Admission.REFUSED, Admission.DROPPED]
    talk.ask()
    talk.ask()
    assert [status for status, _ in talk.exchange().values()] == ["200", "429"]

    talk.ask()
    talk.ask()
    talk.session.receive(talk.client.data_to_send())
    assert talk.ended == ["aborted"]
    assert len(talk.requests) == 1


def test_a_stream_is_counted_although_its_request_never_ends() -> None:
    talk = Talk().begin()
    talk.admissions = [Admission.DROPPED]
    talk.client.send_headers(1, GET)
    talk.session.receive(talk.client.data_to_send())

    assert talk.ended == ["aborted"]


def test_no_more_streams_are_open_at_once_than_was_said() -> None:
    talk = Talk().begin()
    talk.exchange()
    assert talk.client.remote_settings.max_concurrent_streams == STREAMS_AT_ONCE

    talk.client.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
    talk.client.remote_settings.acknowledge()
    for _ in range(STREAMS_AT_ONCE + 1):
        talk.ask()
    talk.session.receive(talk.client.data_to_send())
    assert talk.ended == ["closed"]


def test_a_connection_ends_after_its_last_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_session, "STREAMS_IN_ALL", 2)
    talk = Talk(page()).begin()
    for _ in range(3):
        talk.ask()
    assert talk.exchange() == {1: ("200", b"hello")}
    assert [each.stream_id for each in talk.events if isinstance(each, h2.events.StreamReset)] == [
        5
    ]
    assert talk.ended == []

    talk.waiting[0].answer(page())
    assert talk.ended == ["closed"]


def test_a_head_that_is_too_long_ends_the_connection() -> None:
    talk = Talk().begin()
    talk.ask([*GET, ("x", "y" * 2001)])
    talk.session.receive(talk.client.data_to_send())

    assert talk.ended == ["closed"]


def test_a_client_that_sends_more_than_requests_is_sent_away() -> None:
    talk = Talk().begin()
    talk.exchange()
    ping = PingFrame(0, opaque_data=b"12345678").serialize()
    for _ in range(100):
        talk.session.receive(ping * 100)

    assert talk.ended == ["closed"]


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_cause_an_error(pieces: list[bytes]) -> None:
    talk = Talk(page()).begin()
    talk.session.receive(PREFACE)
    for piece in pieces:
        talk.session.receive(piece)


@given(st.binary(max_size=60), st.integers(0, 9), st.integers(0, 255), st.sampled_from([0, 1, 3]))
def test_no_frame_causes_an_error(data: bytes, kind: int, flags: int, stream: int) -> None:
    talk = Talk(page()).begin()
    talk.ask()
    frame = len(data).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + data
    talk.session.receive(talk.client.data_to_send() + frame)


def upgrading(**changes: str) -> dict[str, str]:
    headers = {
        "connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c",
        "http2-settings": settings_header(),
    }  # fmt: skip
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


@pytest.mark.parametrize(
    "changes",
    [{"connection": "upgrade"}, {"upgrade": "websocket"}, {"http2_settings": "!"},
     {"http2_settings": "AAMA"}, {"connection": "", "upgrade": ""}],
)  # fmt: skip
def test_a_request_without_all_of_an_upgrade_asks_for_none(changes: dict[str, str]) -> None:
    assert upgrade_settings(upgrading()) is not None
    assert upgrade_settings(upgrading(**changes)) is None


@given(st.text(max_size=40))
def test_no_settings_of_an_upgrade_cause_an_error(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode("latin-1")
    settings = upgrade_settings(upgrading(http2_settings=text))
    if settings is not None:
        Talk().session.upgrade(settings)


def test_an_upgrade_answers_the_first_request_on_stream_1() -> None:
    talk = Talk(page(b"first"), page(b"second"))
    settings = talk.client.initiate_upgrade_connection()
    assert settings is not None
    first = Request(method="GET", target="/", headers={"host": HOST}, lines=())

    assert talk.session.upgrade(settings)
    talk.session.handle_first(first)
    assert talk.received.startswith(SWITCHED)
    del talk.received[: len(SWITCHED)]
    talk.ask()
    assert talk.exchange() == {1: ("200", b"first"), 3: ("200", b"second")}


def test_settings_out_of_range_are_no_upgrade_and_nothing_is_sent() -> None:
    talk = Talk()

    assert not talk.session.upgrade(b"AAT_____")
    assert not talk.received


def test_an_empty_header_block_is_no_request() -> None:
    talk = Talk().begin()
    talk.exchange()
    talk.session.receive(HeadersFrame(1, b"", flags=["END_HEADERS", "END_STREAM"]).serialize())

    assert len(talk.requests) == 0
