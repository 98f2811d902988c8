"""The reference filter stops, and starts again at the same ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.model.protocol_case import CONTROL_PORTS
from probes.range.testbed import RangeTestbed, running
from probes.range.user_proxy import RangeUser, UserDirectory
from probes.tunnels.table import UDP_PORTS
from test_suites.kit.networks.service_log import lines_in

URL = "http://page-1.sites.accredit.test/"
USERS = UserDirectory(users={"ann": RangeUser(profile="ks2", password="p")})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RangeTestbed]:
    with running(tmp_path, users=USERS, gateway=True, encrypted=True) as world:
        yield world


def ports_of(world: RangeTestbed) -> set[int]:
    """The TCP ports of all services of the filter."""
    reference = world.origin.services["reference"]
    gateway = {int(port) for port in reference["gateway"]["ks2"].values()}
    kinds = ("proxy", "users", "resolver", "resolver_tls", "resolver_https")
    written = {reference[kind][name] for kind in kinds for name in reference[kind]}
    return gateway | {int(each.removesuffix("/dns-query").rpartition(":")[2]) for each in written}


def listening(ports: set[int]) -> set[int]:
    found = set()
    for port in ports:
        with socket.socket() as client:
            client.settimeout(60)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                found.add(port)
    return found


def test_nothing_of_the_filter_listens_while_it_is_down(world: RangeTestbed) -> None:
    ports, proxy = ports_of(world), world.origin.services["reference"]["proxy"]["ks2"]
    with world.filter_down():
        while_down = listening(ports)
        over_udp = {CONTROL_PORTS["ntp"], *UDP_PORTS} - {53}
        ports_by_tcp = {url: at for url, at in world.origin.ports.items() if url not in over_udp}
        origin = listening(set(ports_by_tcp.values()))
        with pytest.raises(httpx.ConnectError):
            httpx.get(URL, proxy=proxy)

    assert set() == while_down
    assert set(ports_by_tcp.values()) == origin
    assert ports == listening(ports)
    assert 200 == httpx.get(URL, proxy=proxy).status_code


def test_a_restart_cuts_connections_and_records_what_it_cut(world: RangeTestbed) -> None:
    port = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])
    tunnel = "CONNECT amber-lantern.accredit.test:443 HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(tunnel.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        with world.filter_down():
            assert b"" == client.recv(1)

    (line,) = lines_in(world.access_log.path)
    assert ("TCP_MISS", "200", "CONNECT") == (line.code, line.status, line.method)


def test_it_may_be_down_more_than_once(world: RangeTestbed) -> None:
    ports = ports_of(world)
    for _ in range(3):
        with world.filter_down():
            pass

    assert ports == listening(ports)


def test_it_starts_again_after_an_error_of_the_caller_s(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        proxy = world.origin.services["reference"]["proxy"]["ks2"]
        with pytest.raises(ZeroDivisionError), world.filter_down():
            raise ZeroDivisionError
        assert 200 == httpx.get(URL, proxy=proxy).status_code


async def test_code_on_the_range_s_event_loop_restarts_it_too(tmp_path: Path) -> None:
    async with (
        RangeTestbed(tmp_path) as world,
        httpx.AsyncClient(proxy=world.origin.services["reference"]["proxy"]["ks2"]) as client,
    ):
        await world.restart_filter()
        assert 200 == (await client.get(URL)).status_code
        async with world.filter_stopped():
            with pytest.raises(httpx.ConnectError):
                await client.get(URL)
        assert 200 == (await client.get(URL)).status_code


async def test_a_range_may_end_while_its_filter_is_down(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as world:
        ports, stopped = set(world.origin.ports.values()), world.filter_stopped()
        proxy = world.origin.services["reference"]["proxy"]["ks2"]
        ports.add(int(proxy.rpartition(":")[2]))
        await stopped.__aenter__()
    await stopped.__aexit__(None, None, None)

    assert set() == listening(ports)
