"""An agent asks its hub: by its keys alone, whatever the clock, and whoever is on the way."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.fleet.envelope import read_envelope, seal
from harness.fleet.identity import Identity
from harness.fleet.messages import AgentStatus, Introduction, Poll, Polled, RunReport, encode
from probes.agent.proxy_choice import NO_PROXY, FixedProxy, ProxyChoice, read_proxy
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from probes.range.authority import Authority
from test_suites.fake_hub import INTRODUCTIONS, FakeHub
from test_suites.intercepting_proxy import InterceptingProxy, Interception
from test_suites.products.process import free_port

POLL = Poll(status=AgentStatus(version="1"))
AGENT = Identity.new()
PATIENCE = 30.0


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(agent=AGENT.public).running() as running:
        yield running


def uplink(
    hub: FakeHub,
    *,
    url: str = "",
    keys: Identity | None = None,
    proxy: ProxyChoice = NO_PROXY,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
    seconds: float = PATIENCE,
) -> HubUplink:
    identity = keys if keys is not None else hub.identity
    return HubUplink(url or hub.url, identity.public, AGENT, proxy, clock, monotonic=monotonic, seconds=seconds)  # fmt: skip


def polled(answer: bytes) -> Introduction:
    return INTRODUCTIONS.decode(answer)


def noted(held: list[bytes], body: bytes) -> list[bytes]:
    held.append(body)
    return held


def trouble_of(one: HubUplink) -> UplinkError:
    with one, pytest.raises(UplinkError) as caught:
        one.ask(POLL)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("wrong", [timedelta(days=-366), timedelta(0), timedelta(days=400)])
def test_the_clock_may_be_a_year_off(hub: FakeHub, wrong: timedelta) -> None:
    with uplink(hub, clock=lambda: datetime.now(UTC) + wrong) as one:
        reading = one.read_clock()
        answer = one.ask(POLL)

        assert abs(reading.offset + wrong.total_seconds()) <= reading.bound + 0.5
        assert abs((one.now() - datetime.now(UTC)).total_seconds()) <= reading.bound + 0.5
        assert reading == one.reading
    assert isinstance(answer, Polled)


def test_of_several_tries_the_one_with_the_smallest_error_counts(hub: FakeHub) -> None:
    moments = iter([0.0, 4.0, 4.0, 5.0, 5.0, 8.0, 8.0, 12.0, 12.0, 16.0])
    with uplink(hub) as one:
        one._monotonic = lambda: next(moments)

        assert 0.5 == one.read_clock().bound


def test_a_system_clock_that_is_set_later_is_noticed(hub: FakeHub) -> None:
    wrong = [timedelta(days=300)]
    with uplink(hub, clock=lambda: datetime.now(UTC) + wrong[0]) as one:
        one.ask(POLL)
        wrong[0] = timedelta(0)
        one.ask(POLL)

        assert one.reading is not None
        assert abs(one.reading.offset) < 1


def test_the_clock_is_not_asked_for_before_each_message(hub: FakeHub) -> None:
    asked: list[bytes] = []
    hub.changes = lambda body: noted(asked, body)[-1]
    with uplink(hub) as one:
        one.ask(POLL)
        before = len(asked)
        one.ask(POLL)

    assert before + 1 == len(asked)


def test_only_enrolment_sends_the_keys(hub: FakeHub) -> None:
    with uplink(hub) as one:
        one.ask(POLL)
        one.ask(POLL, introduce=True)

    assert [None, AGENT.public] == hub.introduced


def test_the_time_of_somebody_else_is_not_believed(hub: FakeHub) -> None:
    trouble = trouble_of(uplink(hub, keys=Identity.new()))

    assert "untrusted" == trouble.kind
    assert "the time is not signed by the hub" in str(trouble)


def test_a_time_that_was_recorded_is_not_believed(hub: FakeHub) -> None:
    recorded: list[bytes] = []
    hub.changes = lambda body: noted(recorded, body)[0]
    with uplink(hub) as one:
        one.read_clock()
        with pytest.raises(UplinkError, match="not signed by the hub"):
            one.read_clock()


def test_an_answer_of_another_hub_is_refused(hub: FakeHub) -> None:
    other = Identity.new()

    def by_other(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        asked = read_envelope(bytes(polled(body).envelope))
        forged = seal(encode(Polled()), other, AGENT.public, hub.clock(), answers=asked.header.answers)  # fmt: skip
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(forged.encoded())))

    hub.changes = by_other

    assert "untrusted" == trouble_of(uplink(hub)).kind


def test_an_answer_that_was_changed_is_refused(hub: FakeHub) -> None:
    def change(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        answer = read_envelope(bytes(polled(body).envelope))
        sealed = bytes((answer.sealed[0] ^ 1, *answer.sealed[1:]))
        changed = msgspec.structs.replace(answer, sealed=sealed)
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(changed.encoded())))

    hub.changes = change
    trouble = trouble_of(uplink(hub))

    assert "untrusted" == trouble.kind
    assert "was changed" in str(trouble)


def test_an_answer_to_another_question_is_refused(hub: FakeHub) -> None:
    recorded: list[bytes] = []

    def replay(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        recorded.append(body)
        return recorded[0]

    hub.changes = replay
    with uplink(hub) as one:
        one.ask(POLL)
        with pytest.raises(UplinkError, match="another question") as caught:
            one.ask(POLL)

    assert "untrusted" == caught.value.kind


def test_an_old_answer_is_refused(hub: FakeHub) -> None:
    def late(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        asked = read_envelope(bytes(polled(body).envelope)).header.answers
        old = seal(encode(Polled()), hub.identity, AGENT.public, hub.clock() - timedelta(hours=1), answers=asked)  # fmt: skip
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(old.encoded())))

    hub.changes = late

    assert "untrusted" == trouble_of(uplink(hub)).kind


def test_interception_is_recognised_by_the_certificate(hub: FakeHub, tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(Authority().pem)
    ports, how = {443: hub.port}, Interception(verifies=False, alpn=("http/1.1",))
    with InterceptingProxy(ports, trusted=str(trusted), how=how).running() as opening:
        url = opening.url
        proxy = FixedProxy(server=read_proxy(url, "the proxy"))
        with uplink(hub, url="https://hub.accredit.test", proxy=proxy) as one:
            one.read_clock()
            before = one.report
            one.ask(POLL)
            report = one.report

    assert before is None
    assert report is not None
    assert report.is_intercepted
    assert report.seen != hub.certificate
    assert "School Interception CA" in report.issuer
    assert url == f"http://{report.proxy}"


def test_without_interception_the_hubs_own_certificate_is_seen(hub: FakeHub) -> None:
    with uplink(hub) as one:
        one.ask(POLL)
        report = one.report

    assert report is not None
    assert not report.is_intercepted
    assert hub.certificate == report.seen
    assert "" == report.proxy


def test_it_is_not_known_while_the_hub_tells_no_certificates(hub: FakeHub) -> None:
    hub.memory.certificates = ()
    with uplink(hub) as one:
        one.ask(POLL)

        assert one.report is None


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
