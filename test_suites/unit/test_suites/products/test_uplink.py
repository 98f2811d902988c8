"""The uplink tunnels to the origin's own port, whatever host is named."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, free_port
from test_suites.products.uplink import Uplink


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says one line back, once."""
    with socket.create_server((LOOPBACK, 0)) as door:

        def serve() -> None:
            near, _ = door.accept()
            with near:
                near.sendall(b"heard " + near.recv(100))

        thread = threading.Thread(target=serve)
        thread.start()
        yield door.getsockname()[1]
        thread.join()


def origin(port: int) -> Origin:
    return Origin(zone="accredit.test", resolver="", ports={443: port}, authority="", key=b"k")


def say(port: int, words: bytes) -> bytes:
    with socket.create_connection((LOOPBACK, port), timeout=5) as near:
        near.sendall(words)
        return near.recv(1000)


def test_connect_reaches_the_origin_at_its_real_port(echo: int) -> None:
    with (
        Uplink(origin(echo)) as uplink,
        socket.create_connection((LOOPBACK, uplink.port), timeout=5) as near,
    ):
        near.sendall(b"CONNECT porn-001.canary.accredit.test:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert near.recv(1000).startswith(b"HTTP/1.1 200 ")

        near.sendall(b"hello")

        assert b"heard hello" == near.recv(1000)


def test_a_dead_origin_is_503_and_nothing_but_tunnels_is_carried() -> None:
    with Uplink(origin(free_port())) as uplink:
        assert say(uplink.port, b"CONNECT a.test:443 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503")
        assert say(uplink.port, b"GET http://a.test/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405")
