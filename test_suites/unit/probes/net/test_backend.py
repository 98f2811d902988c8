"""What every lane must do alike: the same far end, the same Exchange or Answer."""

from __future__ import annotations

import asyncio
import gzip
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from harness.errors import UsageError
from harness.ports.network import Answer, Question
from probes.net.backend import Backend, open_backend
from probes.net.browser import BrowserBackend
from probes.net.dns_server import DnsServer
from probes.net.route import Address
from test_suites.unit.probes.net.conftest import found

HOST = "gamb-001.canary.accredit.test"
Reply = Callable[[dns.message.Message], list[bytes]]
Start = Callable[[Reply], Awaitable[DnsServer]]
Ask = Callable[[DnsServer, Question], Awaitable[Answer]]


async def test_a_page_comes_with_its_phases(fetch: Any, serve: Any, plays: Any) -> None:
    exchange = await fetch(f"http://{HOST}/", await serve(plays["page"]))

    assert exchange.failure is None
    assert (exchange.status, exchange.body, exchange.peer) == (200, b"hello", "127.0.0.1")
    assert dict(exchange.headers)["content-type"] == "text/html"
    timings = exchange.timings
    assert timings.tls is None
    assert timings.resolve is None
    assert 0 < timings.connect <= timings.total
    assert 0 < timings.first_byte <= timings.total


async def test_what_is_sent_is_a_whole_request(fetch: Any, serve: Any) -> None:
    heard: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    exchange = await fetch(
        f"http://{HOST}/a?b=c", await serve(play), headers=(("X-Accredit-Attempt", "17"),)
    )

    assert exchange.status == 204
    assert heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    lines = {line.lower() for line in heard[0].split(b"\r\n")[1:] if line}
    assert lines == {
        b"host: " + HOST.encode(),
        b"connection: close",
        b"x-accredit-attempt: 17",
    }


async def test_a_torn_body_keeps_what_came(fetch: Any, serve: Any, plays: Any) -> None:
    exchange = await fetch(f"http://{HOST}/", await serve(plays["torn"]))

    assert (exchange.status, exchange.body) == (200, b"hello")


async def test_a_torn_connection_is_not_tried_again(fetch: Any, serve: Any) -> None:
    connections = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.readuntil(b"\r\n\r\n"))

    await fetch(f"http://{HOST}/", await serve(play))

    assert len(connections) == 1


async def test_bodies_are_capped(fetch: Any, serve: Any, say: Any) -> None:
    whole = b"x" * 100_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    exchange = await fetch(f"http://{HOST}/", await serve(say(head + whole)), body_bytes=1024)

    assert exchange.failure is None
    assert exchange.body == whole[:1024]
    assert exchange.truncated


async def test_a_bomb_is_unpacked_to_the_cap_only(fetch: Any, serve: Any, say: Any) -> None:
    packed = gzip.compress(b"\0" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    port = await serve(say(head.encode() + packed))
    exchange = await fetch(f"http://{HOST}/", port, body_bytes=65536)

    assert exchange.body == b"\0" * 65536
    assert exchange.truncated


async def test_chunks_and_bodies_until_close(fetch: Any, serve: Any, say: Any) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    for answer, body in (
        (chunked, b"abcde"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ):
        exchange = await fetch(f"http://{HOST}/", await serve(say(answer)))

        assert exchange.failure is None
        assert exchange.body == body


async def test_a_cancelled_exchange_leaves_nothing_open(
    fetch: Any, serve: Any, plays: Any, lane: Backend
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for scheme in ("http", "https"):
            port = await serve(plays["silent"])
            task = asyncio.create_task(fetch(f"{scheme}://{HOST}/", port))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_many_at_once(fetch: Any, serve: Any, plays: Any) -> None:
    port = await serve(plays["page"])
    exchanges = await asyncio.gather(*(fetch(f"http://{HOST}/", port) for _ in range(200)))

    assert {(each.status, each.failure, each.body) for each in exchanges} == {(200, None, b"hello")}


async def test_a_head_that_smuggles_is_refused(
    fetch: Any, closed_port: int, serve: Any, plays: Any
) -> None:
    port = await serve(plays["page"])
    exchange = await fetch(f"http://{HOST}/", port, headers=(("X-A", "b\r\nX-C: d"),))

    assert exchange.failure is not None
    assert exchange.status is None


def test_an_unknown_lane_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="no lane 'fast'; known: auto, browser, portable, wire"):
        open_backend("fast")


async def test_an_answer_becomes_facts(start: Start, ask: Ask, lane: Backend) -> None:
    asked: list[dns.message.Message] = []

    def reply(query: dns.message.Message) -> list[bytes]:
        asked.append(query)
        return [found(query, "192.0.2.1", "192.0.2.2").to_wire()]

    answer = await ask(await start(reply), Question(name="a.accredit.test"))

    assert answer.failure is None
    assert (answer.facts.rcode, answer.facts.transport) == ("NOERROR", "udp")
    assert set(answer.facts.addresses) == {"192.0.2.1", "192.0.2.2"}
    assert answer.facts.records[0].name == "a.accredit.test"
    assert "RA" in answer.facts.flags
    assert answer.timings.total is not None
    is_extended = bool(asked[0].ednsflags & dns.flags.DO)
    assert is_extended is not isinstance(lane, BrowserBackend)


async def test_a_refusal_is_a_fact_with_its_reason(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        refused = found(query)
        refused.set_rcode(dns.rcode.NXDOMAIN)
        refused.authority.append(
            dns.rrset.from_text("accredit.test.", 60, "IN", "SOA", ". . 1 1 1 1 1")
        )
        refused.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.FILTERED, "filtered")])
        return [refused.to_wire()]

    answer = await ask(await start(reply), Question(name="a.accredit.test"))

    assert answer.failure is None
    assert (answer.facts.rcode, answer.facts.has_soa) == ("NXDOMAIN", True)
    assert [(each.code, each.text) for each in answer.facts.extended_errors] == [(17, "filtered")]
    assert answer.facts.addresses == ()


async def test_silence_is_a_timeout(start: Start, ask: Ask) -> None:
    answer = await ask(await start(lambda _: []), Question(name="a.test", timeout=0.05))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("generic_timeout_error", "resolve")


async def test_a_closed_port_refuses(closed_port: int, ask: Ask) -> None:
    server = DnsServer(address=Address(host="127.0.0.1", port=closed_port))
    answer = await ask(server, Question(name="a.test", timeout=2))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("connection_refused", "resolve")


async def test_strays_are_passed_over(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        other = dns.message.make_query("other.test", "A", id=query.id)
        real = found(query, "192.0.2.1").to_wire()
        return [b"", b"x", bytes(2) + real[2:], found(other, "192.0.2.9").to_wire(), real]

    answer = await ask(await start(reply), Question(name="a.test"))

    assert answer.facts.addresses == ("192.0.2.1",)


async def test_nonsense_is_a_misbehaving_server(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        return [query.id.to_bytes(2, "big") + b"\xff" * 9]

    answer = await ask(await start(reply), Question(name="a.test", timeout=2))

    assert answer.failure is not None
    assert answer.failure.name == "dns_server_misbehaving"


async def test_a_cut_answer_is_asked_for_again_over_tcp(start: Start, ask: Ask) -> None:
    def cut(query: dns.message.Message) -> list[bytes]:
        reply = found(query)
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(length))
        wire = found(query, "192.0.2.1").to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    for _ in range(20):  # a port that is free for UDP may be taken for TCP
        address = await start(cut)
        try:
            server = await asyncio.start_server(whole, "127.0.0.1", address.address.port)
        except OSError:
            continue
        break
    answer = await ask(address, Question(name="a.test"))
    server.close()

    assert (answer.facts.transport, answer.facts.addresses) == ("tcp", ("192.0.2.1",))


async def test_a_name_that_is_none_is_our_own_trouble(start: Start, ask: Ask) -> None:
    address = await start(lambda _: [])
    for name in ("a" * 64 + ".test", "a..test", "x." * 200):
        answer = await ask(address, Question(name=name))

        assert answer.failure is not None
        assert answer.failure.is_instrument
