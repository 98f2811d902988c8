"""Dialling: each stage by itself, and nothing left open when it breaks."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import Any

import pytest

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.portable.portable_backend import dial
from probes.net.proxy_handshake import TunnelRefusedError
from probes.net.route import Address, Proxy, Route

FAR = Address(host="a.accredit.test", port=443)


def route(port: int, **more: Any) -> Route:
    trust = ssl.create_default_context()
    return Route(address=Address(host="127.0.0.1", port=port), trust=trust, **more)


async def test_a_plain_dial_stops_at_the_connection(serve: Any, plays: Any) -> None:
    recorder = ExchangeRecorder(100)
    hearing = await dial(recorder, route(await serve(plays["silent"])), "http", FAR)

    assert set(recorder.phases) == {"connect"}
    assert recorder.peer == "127.0.0.1"
    assert hearing.transport is not None
    hearing.transport.abort()


async def test_a_refusal_is_read_to_its_declared_length_only(serve: Any) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in (b"HTTP/1.1 403 No\r\nContent-Le", b"ngth: 4\r\n\r\nno", b"pe"):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        await asyncio.Event().wait()

    recorder = ExchangeRecorder(100)
    with pytest.raises(TunnelRefusedError):
        await dial(recorder, route(await serve(play), proxy=Proxy()), "https", FAR)

    assert bytes(recorder.body) == b"nope"


async def test_a_head_without_end_is_given_up(serve: Any) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 65536)
            await writer.drain()

    with pytest.raises(ValueError, match="has no end"):
        await dial(ExchangeRecorder(100), route(await serve(play), proxy=Proxy()), "https", FAR)


async def test_no_descriptors_is_our_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr("probes.net.local_binding.socket.socket", none_left)
    recorder = ExchangeRecorder(100)
    with pytest.raises(OSError, match="too many") as caught:
        await dial(recorder, route(1), "http", FAR)
    recorder.fail(caught.value)

    assert recorder.failure is not None
    assert recorder.failure.name == "instrument_no_descriptors"


async def test_what_is_behind_a_false_certificate_is_reached_through_the_tunnel_too(
    serve: Any, plays: Any, tunnel: Any, authority: Any
) -> None:
    endpoint = await serve(plays["close"], authority.context("other.accredit.test"))
    heard: list[bytes] = []
    recorder = ExchangeRecorder(100)
    route_ = route(await serve(tunnel(endpoint, heard)), proxy=Proxy())
    hearing = await dial(recorder, route_, "https", FAR)

    assert hearing.transport is not None
    hearing.transport.abort()
    assert recorder.failure is not None
    assert recorder.failure.name in ("ssl_unknown_authority", "ssl_invalid_hostname")

    assert len(heard) == 2
    assert recorder.certificate is not None
    assert recorder.certificate.trusted is False
