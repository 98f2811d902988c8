"""Sockets for httpx: found as the line finds them, and their trouble told in httpx's own terms."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from harness.model.observation import Failure
from probes.clients.second_client import LineTransport
from probes.net.backend import ClientSettings
from probes.net.route import Address


async def fetch(found: Address | Failure, **more: object) -> httpx.Response:
    async def find(host: str, port: int, patience: float) -> Address | Failure:
        assert (host, port) == ("h.test", 80)
        return found

    way = ClientSettings(find=find, trust=ssl.create_default_context())
    async with httpx.AsyncClient(transport=LineTransport(way)) as client:
        return await client.get("http://h.test/", timeout=5)


async def test_a_name_that_is_not_found_is_a_connection_that_is_not_made() -> None:
    with pytest.raises(httpx.ConnectError, match="dns_nxdomain_error"):
        await fetch(Failure(name="dns_nxdomain_error", stage="resolve"))


async def test_a_closed_port_is_a_connection_that_is_not_made() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        await fetch(Address(host="127.0.0.1", port=port))


async def test_everything_goes_to_the_proxy_where_there_is_one() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        place = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])

        async def find(host: str, port: int, patience: float) -> Address:
            assert (host, port) == ("proxy.test", 3128)
            return place

        way = ClientSettings(
            find=find,
            trust=ssl.create_default_context(),
            proxy="http://proxy.test:3128",
            credentials=("u", "p"),
        )
        async with httpx.AsyncClient(transport=LineTransport(way)) as client:
            assert 204 == (await client.get("http://h.test/x")).status_code

    assert heads[0].startswith(b"GET http://h.test/x HTTP/1.1\r\n")
    assert b"proxy-authorization: basic dtpw" in heads[0].lower()


async def test_a_proxy_is_not_asked_for_what_the_line_refuses() -> None:
    asked: list[tuple[str, int]] = []

    async def find(*_: object) -> Address:
        raise AssertionError("nothing is connected to")

    async def refusal(host: str, port: int, patience: float) -> Failure:
        asked.append((host, port))
        return Failure(name="private_address", stage="request")

    way = ClientSettings(
        find=find, trust=ssl.create_default_context(), proxy="http://p.test:1", refusal=refusal
    )
    async with httpx.AsyncClient(transport=LineTransport(way)) as client:
        for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://10.0.0.1:631/"):
            with pytest.raises(httpx.ConnectError, match="private_address"):
                await client.get(url)

    assert [("10.0.0.1", 80), ("10.0.0.1", 443), ("10.0.0.1", 631)] == asked
