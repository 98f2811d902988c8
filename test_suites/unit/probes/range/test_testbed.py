"""The whole range comes up, tells where it is, and goes down."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
import threading
from pathlib import Path

import httpx
import pytest

from harness.campaign.origin_file import read_origin
from harness.model.protocol_case import CONTROL_PORTS, OWN_PORTS
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed, running
from probes.tunnels.table import TUNNELS, UDP_PORTS

CANARY = "gamb-001.canary.accredit.test"

OVER_UDP = {CONTROL_PORTS["ntp"], *UDP_PORTS} - {53}
"""Ports of the origin for UDP alone."""


async def test_a_world_writes_what_a_campaign_needs_to_know(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path / "new", profiles=("ks2", "staff")) as world:
        file = tmp_path / "new" / "origin.json"

        assert read_origin(file) == world.origin
        assert file.stat().st_mode & 0o077 == 0
        pem = (tmp_path / "new" / "authority.pem").read_bytes()
        assert world.origin.authority == str(tmp_path / "new" / "authority.pem")
        assert pem.startswith(b"-----BEGIN CERTIFICATE")
        assert world.origin.zone == "accredit.test"
        beside = {*OWN_PORTS.values(), *CONTROL_PORTS.values()}
        beside |= {port for each in TUNNELS.values() for port in each.ports}
        assert set(world.origin.ports) == {53, 80, 443, 8080, 8443, *beside}
        for service in ("proxy", "resolver"):
            assert set(world.origin.services["reference"][service]) == {"ks2", "staff"}


def test_the_directory_may_be_moved(tmp_path: Path) -> None:
    with running(tmp_path / "old"):
        pass
    (tmp_path / "old").rename(tmp_path / "new")

    origin = read_origin(tmp_path / "new" / "origin.json")
    assert Path(origin.authority).exists()
    assert Path(origin.log).exists()


def test_a_slow_host_is_as_slow_as_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path, slow_delay=30) as world:
        url = f"http://127.0.0.1:{world.origin.ports[80]}/"
        slow = {"Host": "slow-001.special.accredit.test"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, headers=slow, timeout=httpx.Timeout(30, read=0.1))
        assert httpx.get(url, headers={"Host": CANARY}).status_code == 200


def test_the_origin_may_be_at_both_families(tmp_path: Path) -> None:
    with running(tmp_path, dual_stack=True) as world:
        for host in ("127.0.0.1", "[::1]"):
            url = f"http://{host}:{world.origin.ports[80]}/"
            assert httpx.get(url, headers={"Host": CANARY}).status_code == 200


def test_no_private_key_is_written_but_that_of_mail_for_the_owner_alone(tmp_path: Path) -> None:
    with running(tmp_path):
        pass

    assert {path.name for path in tmp_path.iterdir()} == {
        "origin.json",
        "authority.pem",
        "origin.log.jsonl",
        "service.log",
    }
    private = [path for path in tmp_path.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert [tmp_path / "origin.json"] == private
    assert 0o600 == stat.S_IMODE(private[0].stat().st_mode)


def test_every_world_has_a_key_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path / "a") as one, running(tmp_path / "b") as other:
        assert one.origin.key != other.origin.key


def test_after_a_world_nothing_listens_and_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.enumerate()
    with running(tmp_path) as world:
        ports = list(world.origin.ports.values())

    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    assert threading.enumerate() == before


def test_a_world_ends_though_clients_hang_on(tmp_path: Path) -> None:
    faults = Fault(kind=FaultKind.SILENT, hosts=frozenset({CANARY}))
    with running(tmp_path) as world:
        world.faults.add(faults)
        proxy = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])
        clients = [
            socket.create_connection(("127.0.0.1", port), timeout=5)
            for port in (
                proxy,
                *(at for url, at in world.origin.ports.items() if url not in OVER_UDP),
            )
        ]
        clients[0].sendall(f"GET http://{CANARY}/ HTTP/1.0\r\n\r\n".encode())
        clients[2].sendall(b"\x16\x03\x01")  # a handshake that never goes on

    for client in clients:
        # What the server never read makes its end a reset.
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_an_error_of_the_caller_s_goes_through(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), running(tmp_path):
        raise ZeroDivisionError


def test_a_world_that_cannot_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"), running(tmp_path / "file"):
        pytest.fail("it started")


def test_dead_hosts_and_words_are_given_at_the_start(tmp_path: Path) -> None:
    texts = {"ob-0001.overblock.accredit.test": "A guide to Penistone"}
    with running(tmp_path, dead_hosts=[CANARY], texts=texts) as world:
        url = f"http://127.0.0.1:{world.origin.ports[80]}/"
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url, headers={"Host": CANARY})
        page = httpx.get(url, headers={"Host": "ob-0001.overblock.accredit.test"})

    assert "A guide to Penistone" in page.text


async def test_many_clients_at_once_are_all_served(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path) as world:
        port = int(world.origin.services["reference"]["proxy"]["ks2"].rpartition(":")[2])

        async def status(number: int) -> bytes:
            host = f"gamb-{number:03d}.{'twin' if number % 2 else 'canary'}.accredit.test"
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer[9:12]

        statuses = await asyncio.gather(*map(status, range(200)))

    assert statuses.count(b"403") == statuses.count(b"200") == 100
    arrived = world.log.arrivals()
    assert len(arrived) == 100
    assert all(".twin." in arrival.host for arrival in arrived)
