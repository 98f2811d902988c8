"""DNS over HTTPS by HTTP/2, against the same library on the other side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns.message
import h2.config
import h2.connection
import h2.events
import pytest

from harness.ports.network import Question
from probes.net.backend import Backend
from probes.net.dns_server import DnsServer, parse_dns_server
from probes.net.portable.dns_stream import MESSAGE
from probes.net.portable.doh_http2 import DohHttp2
from probes.net.route import client_tls_context
from test_suites.unit.probes.net.conftest import found

HOST = "two.dns.accredit.test"
"""A host of its own: its server speaks nothing but HTTP/2."""
Answer = Callable[[h2.connection.H2Connection, int, bytes], None]


def fine(talk: h2.connection.H2Connection, stream: int, body: bytes) -> None:
    reply = found(dns.message.from_wire(body), "192.0.2.7").to_wire()
    talk.send_headers(stream, [(":status", "200"), ("content-type", MESSAGE)])
    talk.send_data(stream, reply[:5])
    talk.send_data(stream, reply[5:], end_stream=True)


class Far:
    """A server that speaks HTTP/2; ``held`` questions are answered together, backwards."""

    def __init__(self, answer: Answer, hold: int = 1, most: int = 100) -> None:
        self.answer, self.hold, self.most = answer, hold, most
        self.connections = 0
        self.headers: list[dict[str, str]] = []

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        talk = h2.connection.H2Connection(config)
        talk.initiate_connection()
        talk.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.most})
        bodies: dict[int, bytes] = {}
        held: list[int] = []
        writer.write(talk.data_to_send())
        while data := await reader.read(65536):
            for event in talk.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.headers.append({str(name): str(told) for name, told in event.headers})
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.StreamEnded):
                    held.append(event.stream_id)
            if len(held) >= self.hold:
                for stream in reversed(held):
                    self.answer(talk, stream, bodies.pop(stream))
                held.clear()
            writer.write(talk.data_to_send())


@pytest.fixture
def start(serve: Any, authority: Any, tmp_path: Path) -> Callable[[Far], Awaitable[DnsServer]]:
    async def go(far: Far) -> DnsServer:
        context = authority.context(HOST)
        context.set_alpn_protocols(["h2"])
        port = await serve(far.play, context)
        pem = tmp_path / "authority.pem"
        pem.write_bytes(authority.pem)
        trust = client_tls_context(str(pem), alpn=("http/1.1", "h2"))
        return replace(
            parse_dns_server(f"https://{HOST}:{port}", "server", "127.0.0.1"), trust=trust
        )

    return go


async def ask(lane: Backend, server: DnsServer, *names: str) -> list[Any]:
    return await asyncio.gather(*(lane.ask(Question(name=each), server) for each in names))


async def test_questions_go_side_by_side_on_one_connection(lane: Backend, start: Any) -> None:
    far = Far(fine, hold=3)
    server = await start(far)
    answers = await ask(lane, server, "a.test", "b.test", "c.test")

    assert {(each.failure, each.facts.addresses) for each in answers} == {(None, ("192.0.2.7",))}
    assert [each.facts.records[0].name for each in answers] == ["a.test", "b.test", "c.test"]
    assert far.connections == 1
    assert far.headers[0][":authority"] == f"{HOST}:{server.address.port}"
    assert (far.headers[0][":path"], far.headers[0]["content-type"]) == ("/dns-query", MESSAGE)


async def test_a_server_that_takes_few_at_once_gets_another_connection(
    lane: Backend, start: Any
) -> None:
    far = Far(fine, most=1)
    server = await start(far)
    await ask(lane, server, "a.test")
    answers = await ask(lane, server, "b.test", "c.test")

    assert [each.failure for each in answers] == [None, None]
    assert far.connections == 2


def forbidden(talk: h2.connection.H2Connection, stream: int, _: bytes) -> None:
    talk.send_headers(stream, [(":status", "403")], end_stream=True)


def reset(talk: h2.connection.H2Connection, stream: int, _: bytes) -> None:
    talk.reset_stream(stream, 7)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [(forbidden, "status 403 over HTTPS"), (reset, "stream reset with code 7 over HTTPS")],
)
async def test_no_is_a_misbehaving_server(
    lane: Backend, start: Any, answer: Answer, detail: str
) -> None:
    (told,) = await ask(lane, await start(Far(answer)), "a.test")

    assert told.failure.name == "dns_server_misbehaving"
    assert told.failure.detail == detail


async def test_what_is_no_http_2_is_a_misbehaving_server(
    lane: Backend, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\0\0\1\0\0\0\0\0\0x")  # a body without a stream
        await writer.drain()

    far = Far(fine)
    monkeypatch.setattr(far, "play", play)
    (told,) = await ask(lane, await start(far), "a.test")

    assert told.failure.name == "dns_server_misbehaving"
    assert told.failure.detail.startswith("no HTTP/2")


async def test_a_server_that_says_goodbye_is_asked_on_another_connection(
    lane: Backend, start: Any
) -> None:
    told: list[int] = []

    def goodbye(talk: h2.connection.H2Connection, stream: int, body: bytes) -> None:
        told.append(stream)
        if len(told) == 2:
            talk.close_connection()
        else:
            fine(talk, stream, body)

    far = Far(goodbye)
    server = await start(far)
    for name in ("a.test", "b.test"):
        (answer,) = await ask(lane, server, name)
        assert answer.facts.addresses == ("192.0.2.7",)

    assert far.connections == 2


async def test_there_is_no_room_in_a_window_that_is_used_up() -> None:
    talk = DohHttp2(HOST, "/dns-query")
    talk._h2.initiate_connection()
    asked = 0
    while talk.can_ask:
        talk.ask(bytes(4000))
        asked += 1

    assert asked == 65535 // 4002
    assert talk._h2.outbound_flow_control_window >= 0
