"""Tunnels that cannot be tried: it is said why, and nothing is sent."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.facts import TechniqueFacts
from harness.ports.network import Origin
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net import private_network
from probes.range.bound_socket import bound_socket
from probes.range.testbed import RangeTestbed
from probes.techniques.steps import read_statement
from test_suites.kit.campaigns.techniques import PAGE, technique, tried

SSH, WIREGUARD = f"tunnel-by ssh | {PAGE}", f"tunnel-by wireguard | {PAGE}"


async def obstacle(statement: str, bed: RangeTestbed, **changes: Any) -> str:
    """Return why a statement cannot be tried over the control line; nothing may be sent."""
    origin: Origin = replace(bed.origin, services=bed.origin.services | changes)
    async with Control("control", ControlOptions(), origin, Limits()) as line:
        result = await tried(statement, line)
    assert isinstance(result.facts, TechniqueFacts), result.failure
    assert (result.failure, result.facts.sent) == (None, ())
    return result.facts.obstacle


async def test_an_origin_without_far_ends(bed: RangeTestbed) -> None:
    assert "no far end for tunnels by ssh" in await obstacle(SSH, bed, tunnels={})
    why = "the program 'sshd' is not installed"
    assert why in await obstacle(SSH, bed, tunnels={"ssh": why})


async def test_a_missing_client_is_named_with_its_package(
    bed: RangeTestbed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(private_network, "PATHS", (str(tmp_path),))
    found = await obstacle(SSH, bed, tunnels={"ssh": ""})
    assert "'ssh' is not installed (Debian package openssh-client)" in found
    assert "iproute2" in await obstacle("tunnel-by socks", bed, tunnels={"socks": ""}) or (
        "util-linux" in await obstacle("tunnel-by socks", bed, tunnels={"socks": ""})
    )


async def test_a_proxy_carries_no_tunnel_over_udp(bed: RangeTestbed) -> None:
    options = ExplicitProxyOptions(proxy=bed.origin.services["reference"]["proxy"]["ks2"])
    origin = replace(bed.origin, services=bed.origin.services | {"tunnels": {"wireguard": ""}})
    async with ExplicitProxy("service", options, origin, Limits()) as line:
        result = await tried(WIREGUARD, line)
    assert isinstance(result.facts, TechniqueFacts), result.failure
    assert result.facts.sent == ()
    assert "carries no UDP" in result.facts.obstacle


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("tunnel-by", "unknown tunnel ''"),
        ("tunnel-by pigeons", "unknown tunnel 'pigeons'.*openvpn-tcp"),
        ("tunnel-by ssh port=0", "'0' is not a port"),
        ("tunnel-by ssh over=tcp", "no option"),
        ("tunnel-by ssh at={nobody}", "unknown placeholder"),
    ],
)
def test_what_is_no_tunnel_is_refused(statement: str, reason: str) -> None:
    assert technique(statement).value == statement
    with pytest.raises((UsageError, ValueError), match=reason):
        read_statement(statement)


async def failure(bed: RangeTestbed, name: str, port: int, real: int) -> tuple[str, str]:
    """Return the failure's name and stage if the far end of a tunnel is at another port."""
    services = bed.origin.services | {"tunnels": {name: ""}}
    origin = replace(bed.origin, services=services, ports=bed.origin.ports | {port: real})
    async with Control("control", ControlOptions(), origin, Limits()) as line:
        result = await tried(f"tunnel-by {name} | {PAGE}", line, 600)
    assert isinstance(result.facts, TechniqueFacts)
    if "private network" in result.facts.obstacle:
        pytest.skip(result.facts.obstacle)
    assert result.failure is not None
    assert [each.step for each in result.facts.sent] == ["tunnel-by"]
    return result.failure.name, result.failure.stage


async def test_a_refused_connection_is_the_failure_at_once(bed: RangeTestbed) -> None:
    with bound_socket(socket.SOCK_STREAM, "127.0.0.1", 0) as closed:
        port = closed.getsockname()[1]
        assert await failure(bed, "socks", 1080, port) == ("connection_refused", "connect")


async def test_a_connection_that_ends_before_the_tunnel_is_open_is_the_failure(
    bed: RangeTestbed,
) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await failure(bed, "socks", 1080, port) == ("eof_error", "tunnel")


async def test_a_server_that_speaks_otherwise_is_the_failure(bed: RangeTestbed) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        await reader.read(1000)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await failure(bed, "socks", 1080, port) == ("http_invalid_response", "tunnel")
