"""The name server answers over UDP and TCP, and survives what is no DNS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import dns.asyncquery
import dns.exception
import dns.message
import pytest

from probes.range import name_server
from probes.range.name_server import NameServer, Reply

HOST = "a.accredit.test"


def echoed(query: dns.message.Message) -> Reply:
    return Reply(message=dns.message.make_response(query))


@pytest.mark.parametrize("send", [dns.asyncquery.udp, dns.asyncquery.tcp])
async def test_one_port_answers_both_ways(send: object) -> None:
    query = dns.message.make_query(HOST, "A")
    async with NameServer(echoed) as server:
        assert server.address == f"127.0.0.1:{server.port}"
        answer = await send(query, "127.0.0.1", port=server.port, timeout=5)  # type: ignore[operator]

    assert answer.id == query.id


async def test_two_questions_may_share_a_stream_in_any_pieces() -> None:
    queries = [dns.message.make_query(f"{number}.test", "A") for number in range(2)]
    wires = [query.to_wire() for query in queries]
    stream = b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires)
    async with NameServer(echoed) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for start in range(0, len(stream), 7):
            writer.write(stream[start : start + 7])
            await writer.drain()
        ids = []
        for _ in queries:
            length = int.from_bytes(await reader.readexactly(2), "big")
            ids.append(dns.message.from_wire(await reader.readexactly(length)).id)
        writer.close()

    assert ids == [query.id for query in queries]


async def test_silence_and_what_is_no_question_get_no_answer() -> None:
    query = dns.message.make_query(HOST, "A")
    async with NameServer(lambda _: Reply(message=None)) as server:
        with pytest.raises(dns.exception.Timeout):
            await dns.asyncquery.udp(query, "127.0.0.1", port=server.port, timeout=0.05)
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.sendto(b"no question", ("127.0.0.1", server.port))


async def test_a_late_answer_waits_and_a_stopped_server_drops_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query, loop = dns.message.make_query(HOST, "A"), asyncio.get_running_loop()
    late: list[tuple[float, Callable[[], None]]] = []
    is_late = asyncio.Event()

    def put_off(delay: float, call: Callable[..., None], *args: object) -> None:
        late.append((delay, lambda: call(*args)))
        is_late.set()

    monkeypatch.setattr(loop, "call_later", put_off)
    reply = Reply(message=dns.message.make_response(query), delay=7)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        async with NameServer(lambda _: reply) as server:
            client.sendto(query.to_wire(), ("127.0.0.1", server.port))
            await is_late.wait()
            ((delay, send),) = late
            send()
            assert dns.message.from_wire(client.recv(4096)).id == query.id
        send()
    assert delay == 7


async def test_a_port_whose_twin_is_taken_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    create, refusals = loop.create_server, 2
    listened: list[int] = []

    async def taken_at_first(factory: object, address: str, port: int) -> object:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise OSError("taken")
        server = await create(factory, address, port)  # type: ignore[call-overload]
        listened.append(port)
        return server

    monkeypatch.setattr(loop, "create_server", taken_at_first)
    async with NameServer(echoed) as server:
        assert (refusals, listened) == (0, [server.port])
    refusals = 1
    monkeypatch.setattr(name_server, "PORT_TRIES", 1)
    with pytest.raises(OSError, match="taken"):
        async with NameServer(echoed):
            pass
