"""What is on the way to a hub, or in its place, is said in one sentence; passwords never are."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.errors import UsageError
from harness.fleet.messages import Polled, Refused, RunReport, encode
from probes.agent.proxy_choice import FixedProxy, read_proxy
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import FakeHub
from test_suites.kit.processes.product import free_port
from test_suites.unit.probes.agent.asking import PATIENCE, POLL, trouble_of, uplink


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (302, {"Location": "http://portal.school.example/login"}, "a redirect (status 302)"),
        (403, {}, "answered with status 403"),
        (407, {}, "asks for a name and password"),
        (200, {"Content-Encoding": "gzip"}, ""),
    ],
)
def test_what_is_no_hub_is_said(
    hub: FakeHub, status: int, headers: dict[str, str], said: str
) -> None:
    hub.status, hub.headers = status, headers
    if said:
        assert said in str(trouble_of(uplink(hub)))
    else:  # nothing is decompressed
        with uplink(hub) as one:
            one.read_clock()


def test_an_unsigned_refusal_is_quoted_as_such(hub: FakeHub) -> None:
    told = encode(Refused(reason="unknown", words="this agent is not enrolled here"))
    hub.status, hub.changes = 403, lambda _: told
    trouble = trouble_of(uplink(hub))

    assert "refused" == trouble.kind
    assert "status 403 and said, unsigned: this agent is not enrolled here" in str(trouble)


@pytest.mark.parametrize("body", [b"", b"<html>Blocked</html>", b"{}", b"[" * 5000, b"\xff\xfe"])
def test_a_block_page_is_no_hub(hub: FakeHub, body: bytes) -> None:
    hub.changes = lambda _: body

    assert "not-a-hub" == trouble_of(uplink(hub)).kind


def test_an_endless_answer_is_not_read(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.agent.hub_connection.MOST_ANSWER", 100_000)
    hub.changes = lambda _: bytes(100_001)

    trouble = trouble_of(uplink(hub))

    assert ("not-a-hub", True) == (trouble.kind, "larger than 100,000 bytes" in str(trouble))


def test_a_message_larger_than_a_hub_reads_is_not_sent(hub: FakeHub) -> None:
    with uplink(hub) as one, pytest.raises(UplinkError) as caught:
        one.ask(RunReport(run='"' * 2_000_000))

    assert "too-large" == caught.value.kind
    assert [] == hub.introduced


def test_nobody_listens(hub: FakeHub) -> None:
    trouble = trouble_of(uplink(hub, url=f"https://127.0.0.1:{free_port()}"))

    assert "unreached" == trouble.kind
    assert "Connection refused" in str(trouble)


def test_a_name_without_address_is_said(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    trouble = trouble_of(uplink(hub, url="https://hub.accredit.test"))

    assert "lookup" == trouble.kind
    assert "the hub hub.accredit.test was not found: its name has no address" == str(trouble)


@contextmanager
def far_end(play: Callable[[socket.socket], None]) -> Iterator[int]:
    """Play a behaviour with each connection, one after the other; gives the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                try:
                    play(client)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_what_speaks_no_tls_is_said(hub: FakeHub) -> None:
    with far_end(lambda client: client.sendall(b"SSH-2.0-x\r\n" + client.recv(9999))) as port:
        assert "tls" == trouble_of(uplink(hub, url=f"https://127.0.0.1:{port}")).kind


def test_a_connection_that_is_cut_is_said(hub: FakeHub) -> None:
    hub.before = cut
    with uplink(hub) as one:
        one.read_clock()
        with pytest.raises(UplinkError) as caught:
            one.ask(POLL)

    assert caught.value.kind in ("lost", "tls")


def test_a_connection_that_was_closed_meanwhile_is_made_again(hub: FakeHub) -> None:
    faults, ids = [cut], []

    def once(message: object) -> None:
        ids.append(len(hub.introduced))
        if faults:
            faults.pop()(message)

    hub.before = once
    with uplink(hub) as one:
        assert isinstance(one.ask(POLL), Polled)
    assert [1, 2] == ids


def cut(_: object) -> None:
    raise OSError("cut")


def test_an_answer_that_drips_ends_at_the_deadline(hub: FakeHub) -> None:
    stop = threading.Event()

    def drip(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.02):
            client.sendall(b"y")

    with far_end(drip) as port:
        started = time.monotonic()
        try:
            trouble = trouble_of(uplink(hub, url=f"http://127.0.0.1:{port}", seconds=0.5))
        finally:
            stop.set()

    assert "timeout" == trouble.kind
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize(
    "url",
    ["http://hub.accredit.test", "hub", "ftp://h", "https://", "https://a:x", "https://n:p@h", "https://h?a"],
)  # fmt: skip
def test_a_hub_is_reached_by_https_alone(hub: FakeHub, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        uplink(hub, url=url)

    assert "n:p" not in str(caught.value)


def test_proxies_of_the_environment_are_not_heeded(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with uplink(hub) as one:
        assert isinstance(one.ask(POLL), Polled)


def test_a_proxy_that_asks_for_a_password_is_said_and_the_password_is_not(
    hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(client: socket.socket) -> None:
        assert b"Basic bmFtZTpDYXRzLWFuZC1kb2dz" in client.recv(65536)
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with far_end(refuse) as port:
        server = read_proxy(f"http://name:Cats-and-dogs@127.0.0.1:{port}", "the proxy")
        trouble = trouble_of(uplink(hub, proxy=FixedProxy(server=server)))

    assert "proxy" == trouble.kind
    assert f"the proxy 127.0.0.1:{port} asks for a name and password" in str(trouble)
    for text in (str(trouble), repr(trouble), repr(server), caplog.text):
        assert "Cats" not in text
        assert "bmFtZTpDYXRzLWFuZC1kb2dz" not in text


def test_a_proxy_that_opens_no_tunnel_is_said(hub: FakeHub) -> None:
    def refuse(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with far_end(refuse) as port:
        server = read_proxy(f"http://127.0.0.1:{port}", "the proxy")
        trouble = trouble_of(uplink(hub, proxy=FixedProxy(server=server)))

    assert "opens no connection to" in str(trouble)
    assert "status 403" in str(trouble)
