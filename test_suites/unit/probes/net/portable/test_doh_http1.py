"""DNS over HTTPS, by every lane: the line's own way, and its own words for trouble."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Any

import dns.message
import dns.rrset
import pytest

from harness.ports.network import Question
from probes.net.backend import Backend
from probes.net.dns_server import DnsServer, parse_dns_server
from probes.net.portable.dns_stream import MESSAGE
from probes.net.route import Address

HOST = "dns.accredit.test"
QUESTION = Question(name="a.accredit.test", timeout=5.0)


def reply_to(wire: bytes) -> bytes:
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("a.accredit.test.", 60, "IN", "A", "192.0.2.7"))
    return reply.to_wire()


@pytest.fixture
def server(serve: Any, authority: Any, trust: ssl.SSLContext) -> Any:
    """Start a DoH server that answers with a status; notes the heads that it heard."""

    async def start(heard: list[bytes], status: bytes = b"200 OK", wire: bytes = b"") -> DnsServer:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            body = wire or reply_to(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        port = await serve(play, authority.context(HOST))
        found = parse_dns_server(f"https://{HOST}:{port}", "server", "127.0.0.1")
        return replace(found, trust=trust)

    return start


async def test_a_question_is_posted_and_answered(lane: Backend, server: Any) -> None:
    heard: list[bytes] = []
    asked = await server(heard)
    answer = await lane.ask(QUESTION, asked)

    assert answer.failure is None
    assert (answer.facts.transport, answer.facts.addresses) == ("https", ("192.0.2.7",))
    assert answer.facts.server == asked.url
    assert heard[0].startswith(b"POST /dns-query HTTP/1.1\r\n")
    assert b"content-type: " + MESSAGE.encode() in heard[0].lower()


async def test_another_status_is_a_misbehaving_server(lane: Backend, server: Any) -> None:
    answer = await lane.ask(QUESTION, await server([], b"403 No"))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.detail) == (
        "dns_server_misbehaving",
        "status 403 over HTTPS",
    )


@pytest.mark.parametrize("wire", [b"<html>", dns.message.make_query("b.test", "A", id=1).to_wire()])
async def test_what_is_no_answer_is_a_misbehaving_server(
    lane: Backend, server: Any, wire: bytes
) -> None:
    answer = await lane.ask(QUESTION, await server([], wire=wire))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("dns_server_misbehaving", "resolve")


async def test_a_server_that_cannot_prove_itself_is_not_believed(
    lane: Backend, server: Any
) -> None:
    asked = replace(await server([]), trust=ssl.create_default_context())
    answer = await lane.ask(QUESTION, asked)

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("ssl_unknown_authority", "resolve")
    assert answer.facts.addresses == ()


async def test_a_closed_port_and_an_odd_name(lane: Backend, server: Any, closed_port: int) -> None:
    asked = await server([])
    gone = replace(asked, address=Address(host="127.0.0.1", port=closed_port))
    refused = await lane.ask(QUESTION, gone)
    odd = await lane.ask(Question(name="a..test"), asked)

    assert refused.failure is not None
    assert (refused.failure.name, refused.failure.stage) == ("connection_refused", "resolve")
    assert odd.failure is not None
    assert odd.failure.is_instrument


async def test_connections_are_kept_one_for_each_question_under_way(
    lane: Backend, serve: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    connections: list[int] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            body = reply_to(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    port = await serve(play, authority.context(HOST))
    asked = replace(parse_dns_server(f"https://{HOST}:{port}", "server", "127.0.0.1"), trust=trust)
    for _ in range(3):
        answers = await asyncio.gather(*(lane.ask(QUESTION, asked) for _ in range(2)))
        assert {(each.failure, each.facts.addresses) for each in answers} == {
            (None, ("192.0.2.7",))
        }

    assert len(connections) == 2


async def test_what_is_no_http_is_a_misbehaving_server(
    lane: Backend, serve: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"PRI * HTTP/2.0\r\n\r\n")
        await writer.drain()

    port = await serve(play, authority.context(HOST))
    asked = replace(parse_dns_server(f"https://{HOST}:{port}", "server", "127.0.0.1"), trust=trust)
    answer = await lane.ask(QUESTION, asked)

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("dns_server_misbehaving", "resolve")
