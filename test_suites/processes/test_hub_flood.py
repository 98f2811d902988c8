"""``accredit serve`` under a thousand slow connections: people and agents are answered."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from harness.fleet.messages import AgentStatus, Poll, Polled
from harness.ports.storage import WallClock
from probes.range.authority import Authority
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.processes.test_serve import serving

HEAD = b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = (
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\na"
)
SLOW = 1000


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path)
    made.clock = WallClock()  # type: ignore[assignment]  # the server's clock is the system's
    return made.make()


def hold(stack: ExitStack, port: int, addresses: int, sent: bytes) -> None:
    """Open slow connections; the server may end those that it has no place for."""
    for number in range(SLOW):
        source = f"127.0.0.{1 + number % addresses}"
        one = stack.enter_context(
            socket.create_connection(("127.0.0.1", port), 60, source_address=(source, 0))
        )
        try:
            one.sendall(sent)
        except ConnectionError:
            one.close()


@pytest.mark.parametrize(("addresses", "sent"), [(1, HEAD), (100, BODY)])
def test_slow_connections_keep_nobody_out(example: HubExample, addresses: int, sent: bytes) -> None:
    token = example.invite()
    with serving(example) as server, ExitStack() as stack:
        assert server.process.stderr is not None  # read, or the log of each request fills the pipe
        reader = threading.Thread(target=server.process.stderr.read)
        reader.start()
        agent = example.device(token, server.send)
        agent.enrol(token)
        hold(stack, server.client.base_url.port or 0, addresses, sent)
        with httpx.Client(
            base_url=server.client.base_url, trust_env=False, timeout=60,
            transport=httpx.HTTPTransport(local_address="127.0.0.200"),
        ) as second:  # fmt: skip
            for _ in range(3):
                assert second.get("/sign-in").status_code == 200
                assert isinstance(agent.ask(Poll(status=AgentStatus(version="1"))), Polled)
        server.process.kill()
        reader.join()


def test_a_client_that_never_begins_tls_keeps_nobody_out(
    example: HubExample, tmp_path: Path
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "hub.pem").write_bytes(authority.key_and_chain("localhost"))
    tls = ("--certificate", str(tmp_path / "hub.pem"), "--key", str(tmp_path / "hub.pem"))
    with serving(example, *tls, authority=tmp_path / "ca.pem") as server, ExitStack() as stack:
        port = server.client.base_url.port or 0
        hold(stack, port, 100, b"")
        assert server.client.get("/sign-in").status_code == 200
        trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with (
            socket.create_connection(("127.0.0.1", port), 60) as plain,
            trusted.wrap_socket(plain, server_hostname="localhost") as opened,
        ):
            opened.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert opened.recv(4096).startswith(b"HTTP/1.1 200")
