"""A strict gateway opens TLS, decides about the request inside, and refuses what it cannot read."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed, running

BLOCKED, PASSED = "gamb-001.canary.accredit.test", "drug-001.canary.accredit.test"
HEAD = "GET / HTTP/1.1\r\nHost: {}\r\n{}\r\n"
WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=lambda code, _: code == "GAMB", reads_pages=True, is_strict=True)
    folder = tmp_path_factory.mktemp("strict")
    with running(folder, policy=policy, profiles=("ks2",), gateway=True) as world:
        yield world


def connect(world: RangeTestbed, port: int) -> socket.socket:
    real = int(world.origin.services["reference"]["gateway"]["ks2"][str(port)])
    return socket.create_connection(("127.0.0.1", real), timeout=20)


def answer(client: socket.socket, request: str) -> bytes:
    """The first line of the whole answer to a request."""
    client.sendall(request.encode())
    return b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n")[0]


def secured(world: RangeTestbed, name: str | None) -> ssl.SSLSocket:
    """A connection by TLS that names a host, or none; only the gateway's authority is trusted."""
    gateway = Path(world.origin.authority).with_name("gateway.pem")
    context = ssl.create_default_context(cafile=str(gateway))
    context.check_hostname = name is not None
    return context.wrap_socket(connect(world, 443), server_hostname=name)


def test_tls_that_passes_is_opened_and_the_request_inside_decides(world: RangeTestbed) -> None:
    with secured(world, PASSED) as client:
        assert answer(client, HEAD.format(PASSED, "")) == b"HTTP/1.1 200 OK"
    with secured(world, PASSED) as client:
        assert answer(client, HEAD.format(BLOCKED, "")) == b"HTTP/1.1 403 Forbidden"


def test_tls_without_a_name_is_ended(world: RangeTestbed) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured(world, None)


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_websocket_is_refused(world: RangeTestbed, is_secure: bool) -> None:
    with secured(world, PASSED) if is_secure else connect(world, 80) as client:
        assert answer(client, HEAD.format(PASSED, WEBSOCKET)) == b"HTTP/1.1 403 Forbidden"


@pytest.mark.parametrize(
    "request_", ["GET /\r\n", f"GET / HTTP/1.1\rHost: {PASSED}\r\r"], ids=["HTTP/0.9", "no LF"]
)
def test_what_no_strict_reader_can_end_is_refused_at_once(
    world: RangeTestbed, request_: str
) -> None:
    with connect(world, 80) as client:
        assert answer(client, request_) == b"HTTP/1.1 400 Bad Request"
