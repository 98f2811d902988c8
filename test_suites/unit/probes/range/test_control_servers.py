"""A public origin answers control protocols on the ports that it declares, within its limits."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest

from harness.cli.origin import checked_settings, read_settings
from harness.errors import UsageError
from harness.model.marker import nonce_for
from harness.model.observation import AttemptKey
from harness.model.protocol_case import CONTROL_PORTS, CONTROL_TRANSPORTS
from probes.net.datagram_question import ask_by_datagrams
from probes.net.dialling import open_datagrams
from probes.net.ntp_packets import SERVER, answers, client_packet, data_in
from probes.net.route import Address
from probes.net.stun_messages import ALLOCATE, REQUEST, Message, read_message, write_message
from probes.net.tunnel_pieces import Wanted, read_piece, write_wanted
from probes.range.datagram_server import DatagramServer, Peer
from probes.range.public_origin import check_ports, read_key
from probes.range.visitor_limits import VisitorLimits, VisitorRules
from test_suites.kit.networks.public_origin import ZONE, free_ports, limit, origin_in, write_folder
from test_suites.kit.processes.product import free_port

HOST = f"x-1.ways.{ZONE}"
ATTEMPT = AttemptKey(campaign="c", item="x", probe="techniques", line="l", profile="ks2")


@pytest.fixture
def controls(tmp_path: Path) -> dict[str, int]:
    """The ports of an origin in the folder ``origin``."""
    ports: set[int] = set()
    others = free_ports()
    while len(ports) < len(CONTROL_PORTS):
        ports |= {free_port()} - {*others.values()}
    declared = dict(zip(CONTROL_PORTS, ports, strict=True))
    write_folder(tmp_path / "origin", controls=declared, ports=others)
    return {str(name): port for name, port in declared.items()}


async def test_it_answers_over_tls(tmp_path: Path, controls: dict[str, int]) -> None:
    folder = tmp_path / "origin"
    async with origin_in(folder, []):
        context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        answer = await dns.asyncquery.tls(
            dns.message.make_query(HOST, "A"), "127.0.0.1", port=controls["dns-over-tls"],
            ssl_context=context, server_hostname=f"dns.{ZONE}", timeout=20,
        )  # fmt: skip

    assert answer.answer[0][0].to_text() == "127.0.0.1"


async def test_it_ends_what_is_beyond_its_limits_over_tls(
    tmp_path: Path, controls: dict[str, int]
) -> None:
    folder = tmp_path / "origin"
    limit(folder, burst=1, per_second=0.001, message_bytes=100)
    wire = dns.message.make_query(HOST, "A").to_wire()
    question = len(wire).to_bytes(2) + wire
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    async with origin_in(folder, []):
        received = []
        for source, data in (("127.0.1.1", question * 2), ("127.0.2.1", b"\x00\xff")):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", controls["dns-over-tls"], ssl=context,
                server_hostname=f"dns.{ZONE}", local_addr=(source, 0),
            )  # fmt: skip
            writer.write(data)
            came = b""
            with suppress(ConnectionError):  # what was sent before a reset may be lost
                while more := await reader.read(2000):
                    came += more
            received.append(came)
            writer.transport.abort()

    first, second = received
    assert len(first) in (0, 2 + int.from_bytes(first[:2])), "at most one answer"
    assert second == b""


async def test_it_answers_those_alone_who_have_a_nonce_over_ntp(
    tmp_path: Path, controls: dict[str, int]
) -> None:
    folder = tmp_path / "origin"
    nonce = nonce_for(read_key(folder / "origin.key"), ATTEMPT)
    async with origin_in(folder, []):
        opened = open_datagrams(Address(host="127.0.0.1", port=controls["ntp"])).opened
        assert opened is not None
        await opened.send(client_packet(write_wanted(Wanted(HOST, "0" * 32, 0)), 1))
        await opened.send(b"hello")
        packet = client_packet(write_wanted(Wanted(HOST, nonce, 0)), 2)
        first = await ask_by_datagrams(opened, packet, lambda received: received)
        opened.close()

    assert answers(first, 2), "the packets before it got no answer"
    assert read_piece(data_in(first, SERVER) or b"") is not None


async def test_its_relay_asks_to_sign_in_over_tcp_and_udp(
    tmp_path: Path, controls: dict[str, int]
) -> None:
    asked = write_message(Message(method=ALLOCATE, kind=REQUEST, transaction=b"t" * 12))
    async with origin_in(tmp_path / "origin", []):
        opened = open_datagrams(Address(host="::1", port=controls["turn"])).opened
        assert opened is not None
        over_udp = await ask_by_datagrams(opened, asked, read_message)
        opened.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", controls["turn"])
        writer.write(asked[:9])
        await writer.drain()
        writer.write(asked[9:])
        over_tcp = read_message(await reader.read(2000))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await reader.read() == b"", "the relay ends what is no STUN"
        writer.close()

    assert over_tcp is not None
    assert (over_udp.error, over_tcp.error) == (401, 401)


def test_a_port_that_is_taken_is_named(tmp_path: Path, controls: dict[str, int]) -> None:
    settings = read_settings(tmp_path / "origin" / "origin.yaml")
    check_ports(settings)
    for name, transports in CONTROL_TRANSPORTS.items():
        for transport in transports:
            kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
            with socket.socket(type=kind) as taken:
                taken.bind(("127.0.0.1", controls[name]))
                with pytest.raises(UsageError, match=f"port {controls[name]}"):
                    check_ports(settings)


def test_each_server_needs_a_port_of_its_own() -> None:
    declared = {
        "zones": ({"zone": ZONE, "addresses": ("127.0.0.1",)},),
        "key": "origin.key",
        "authority": "authority-key.pem",
        "controls": {"ntp": 443},
    }
    with pytest.raises(UsageError, match="a port of their own"):
        checked_settings(declared)


def test_a_stranger_s_datagrams_beyond_the_limits_get_no_answer() -> None:
    def none(data: bytes, peer: Peer) -> Iterator[bytes]:
        del data, peer
        return iter(())

    limits = VisitorLimits(rules=VisitorRules(burst=2, per_second=0.001), now=lambda: 0.0)
    server = DatagramServer(answer=none, limits=limits)
    stranger, other = ("192.0.2.1", 4000), ("198.51.100.1", 4000)

    assert [server.admits(stranger) for _ in range(3)] == [True, True, False]
    assert server.admits(other)
    assert DatagramServer(answer=none).admits(stranger)
