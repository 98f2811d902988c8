"""A session of SSTP between both ends, without devices."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from probes.tunnels.sstp import Session
from test_suites.unit.probes.tunnels.memory_streams import joined

SERVER, CLIENT = IPv4Address("10.5.0.1"), IPv4Address("10.5.0.2")
UNKNOWN = IPv4Address(0)


def both(password: bytes = b"right") -> tuple[Session, Session]:
    ours, theirs = joined()
    client = Session(stream=ours, password=password, own=UNKNOWN, other=UNKNOWN, is_server=False)
    server = Session(stream=theirs, password=b"right", own=SERVER, other=CLIENT, is_server=True)
    return client, server


async def test_the_client_gets_its_address_and_packets_go_both_ways() -> None:
    client, server = both()
    ours, theirs = client.packets(), server.packets()
    await client.begin()
    assert list(await asyncio.gather(anext(ours), anext(theirs))) == [b"", b""]
    assert (client.own, client.other) == (CLIENT, SERVER)
    assert client.is_open
    assert server.is_open
    await client.send(b"question")
    assert await anext(theirs) == b"question"
    await server.send(b"answer")
    assert await anext(ours) == b"answer"


async def test_a_wrong_password_opens_nothing() -> None:
    client, server = both(b"wrong")
    await client.begin()
    serving = asyncio.ensure_future(anext(server.packets()))
    with pytest.raises(ValueError, match="refused the password"):
        await anext(client.packets())
    assert not server.is_open
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_packets_before_the_session_is_open_are_dropped() -> None:
    client, server = both()
    await client.send(b"too early")
    await client.begin()
    theirs = server.packets()
    assert list(await asyncio.gather(anext(client.packets()), anext(theirs))) == [b"", b""]


async def test_an_end_that_closes_or_speaks_otherwise_is_an_error() -> None:
    client, _ = both()
    client.stream.close()
    with pytest.raises(EOFError):
        await anext(both_closed().packets())
    with pytest.raises(ValueError, match="no packet of SSTP"):
        await anext(client.packets(b"HTTP/1.1 200 OK\r\n"))


def both_closed() -> Session:
    client, server = both()
    server.stream.close()
    return client
