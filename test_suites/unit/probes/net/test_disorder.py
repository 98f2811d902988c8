"""Segments out of order: behind a router, the first segment of a flight arrives after the second.

In network namespaces: a client, a router and a server, joined by two pairs of virtual interfaces.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from probes.net.client_hello import ClientHello, name_extension
from probes.net.dialling import Stream
from probes.net.first_flight import FlightShape, in_records, send_flight, written_parts
from probes.net.local_binding import run_in_namespace
from test_suites.kit.networks.own_network import own_network

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("ip") is None, reason="needs Linux and ip"
)

SERVER, PORT = "198.18.2.2", 4443
HELLO = ClientHello(random=bytes(32), extensions=(name_extension([b"cv-001.accredit.test"]),))
FLIGHT = in_records(HELLO.message(), ())
SHAPE = FlightShape(disorder=True)
EVERY_PROTOCOL = 0x0003


class Network:
    """The namespaces of a client, a router and a server, by the process that holds each."""

    def __init__(self, stack: ExitStack) -> None:
        self._processes = {name: self._hold(stack) for name in ("client", "router", "server")}
        for one, other, net in (("client", "router", "198.18.1"), ("server", "router", "198.18.2")):
            mine, theirs = f"acc-{one}", f"acc-r-{one}"
            self.run("client" if one == "client" else "server", f"ip link add {mine} type veth peer"
                     f" name {theirs} netns {self._processes['router']}")  # fmt: skip
            for name, link, address in ((one, mine, 2), (other, theirs, 1)):
                self.run(name, f"ip addr add {net}.{address}/24 dev {link}")
                self.run(name, f"ip link set {link} up")
            self.run(one, f"ip route add default via {net}.1")
        self.run("router", "sysctl -qw net.ipv4.ip_forward=1")

    def _hold(self, stack: ExitStack) -> int:
        path = stack.enter_context(own_network())
        return int(path.split("/")[2])

    def path(self, name: str) -> str:
        return f"/proc/{self._processes[name]}/ns/net"

    def run(self, name: str, command: str) -> None:
        done = subprocess.run(
            ["nsenter", f"--net={self.path(name)}", *command.split()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"this machine allows no networks of its own: {done.stderr.strip()}")


@pytest.fixture
def network() -> Iterator[Network]:
    with ExitStack() as stack:
        yield Network(stack)


def payloads(frames: list[bytes]) -> list[bytes]:
    """The data of TCP segments to the server, in the order in which they arrived."""
    found = []
    for frame in frames:
        head = 14 + 4 * (frame[14] & 15)
        if frame[12:14] == b"\x08\0" and frame[23] == socket.IPPROTO_TCP:
            end = 14 + int.from_bytes(frame[16:18])
            data = frame[head + 4 * (frame[head + 12] >> 4) : end]
            found += [data] if data and int.from_bytes(frame[head + 2 : head + 4]) == PORT else []
    return found


async def test_the_server_sees_the_second_part_first_and_reads_the_whole(
    network: Network,
) -> None:
    loop, path = asyncio.get_running_loop(), network.path
    with (
        run_in_namespace(path("server"), socket.socket) as listener,
        run_in_namespace(
            path("server"),
            partial(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL)),
        ) as tap,
        run_in_namespace(path("client"), socket.socket) as client,
    ):
        for each in (listener, tap, client):
            each.settimeout(0)
        listener.bind((SERVER, PORT))
        listener.listen()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(client, (SERVER, PORT))
        server, _ = await loop.sock_accept(listener)
        with server:
            await send_flight(Stream(client), FLIGHT, SHAPE, random.Random(1))
            received = b""
            while len(received) < len(FLIGHT):
                received += await loop.sock_recv(server, 4096)
        frames = []
        while True:
            try:
                frames.append(tap.recv(65536))
            except BlockingIOError:
                break

    first, second = written_parts(FLIGHT, SHAPE, random.Random(1))
    assert FLIGHT == received
    arrived = payloads(frames)
    assert second == arrived[0]
    assert first in arrived[1:]
