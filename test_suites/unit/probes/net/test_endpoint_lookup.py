"""Where a proxy or name server is."""

from __future__ import annotations

import asyncio
import socket

import pytest

from harness.model.observation import Failure
from probes.net.direct_line import find_address
from probes.net.route import Address, Family


async def test_an_address_is_itself() -> None:
    named = Address(host="192.0.2.1", port=53)

    assert await find_address(named, "resolve") is named


async def test_ipv4_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("::1", 1, 0, 0)), (0, 0, 0, "", ("127.0.0.1", 1))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)

    found = await find_address(Address(host="proxy.test", port=1), "resolve")
    assert found == Address(host="127.0.0.1", port=1)


@pytest.mark.parametrize(("family", "host"), [("ipv4", "127.0.0.1"), ("ipv6", None)])
async def test_one_family_alone_may_be_wanted(
    family: Family, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("127.0.0.1", 1))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", one)
    found = await find_address(Address(host="proxy.test", port=1), "resolve", family)

    if host is not None:
        assert found == Address(host=host, port=1)
    else:
        assert isinstance(found, Failure)
        assert (found.name, found.stage) == ("dns_no_answer", "resolve")


async def test_a_name_without_address_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    found = await find_address(Address(host="proxy.test", port=1), "proxy_connect")

    assert isinstance(found, Failure)
    assert found.stage == "proxy_connect"
