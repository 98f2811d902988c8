"""The origin over HTTP/3: what strangers may do there, and what it passes to its web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import pytest

from probes.net.dialling import open_datagrams
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.h3_client import H3Client, request_fields
from probes.net.quic_client import QuicClient, QuicHello
from probes.net.route import Address
from probes.range.arrival_log import ArrivalLog
from probes.range.authority import Authority
from probes.range.h3_server import h3_listener
from probes.range.origin import OriginServer
from probes.range.origin_pages import Pages
from probes.range.server_chain import read_chain
from probes.range.visitor_limits import VisitorLimits, VisitorRules

HOST = "porn-001.canary.accredit.test"
Fields = list[tuple[bytes, bytes]]


@asynccontextmanager
async def serving(limits: VisitorLimits | None = None) -> AsyncIterator[tuple[int, OriginServer]]:
    """Serve the origin's pages over HTTP/3 alone; gives the port."""
    authority = Authority()
    origin = OriginServer(
        pages=Pages(key=b"k" * 32), certificates=authority, log=ArrivalLog(), limits=limits
    )
    chain = read_chain(authority.pem_with_key(authority.leaf(HOST)))
    async with h3_listener(origin, chain, 0) as listener:
        yield listener.port, origin


@asynccontextmanager
async def client_at(port: int) -> AsyncIterator[H3Client]:
    opened = open_datagrams(Address(host="127.0.0.1", port=port)).opened
    assert opened is not None
    quic = await QuicClient(opened, QuicHello(server_name=HOST)).start()
    try:
        h3 = H3Client(quic)
        h3.take(await quic.connect(ExchangeRecorder(1), perf_counter() + 60))
        yield h3
    finally:
        await quic.close()
        opened.close()


async def answer_to(h3: H3Client, fields: Fields, body: bytes = b"") -> ExchangeRecorder:
    recorder = ExchangeRecorder(1 << 20)
    stream = h3.send_request(fields, ends=not body)
    if body:
        h3.end_request(stream, body)
    await h3.read_answer(stream, recorder)
    return recorder


def status(recorder: ExchangeRecorder) -> int:
    assert recorder.head is not None
    return recorder.head.status


async def test_several_requests_go_over_one_connection() -> None:
    async with serving() as (port, origin), client_at(port) as h3:
        found = [await answer_to(h3, request_fields("GET", HOST, path)) for path in ("/", "/a")]

    assert [status(each) for each in found] == [200, 200]
    assert [(each.over, each.path) for each in origin.log.arrivals(HOST)] == [
        ("h3", "/"), ("h3", "/a"),
    ]  # fmt: skip
    assert all(b"</html>" in each.body for each in found)


async def test_an_answer_has_no_header_of_http1_connections() -> None:
    async with serving() as (port, _), client_at(port) as h3:
        found = await answer_to(h3, request_fields("GET", HOST, "/"))

    assert found.head is not None
    names = {name for name, _ in found.head.headers}
    assert {"connection", "transfer-encoding"}.isdisjoint(names)
    assert {"content-type", "content-length", "server"} <= names


async def test_head_gets_no_body() -> None:
    async with serving() as (port, _), client_at(port) as h3:
        found = await answer_to(h3, request_fields("HEAD", HOST, "/"))

    assert (status(found), bytes(found.body)) == (200, b"")


async def test_a_body_that_is_too_long_is_refused() -> None:
    limits = VisitorLimits(rules=VisitorRules(body_bytes=100))
    async with serving(limits) as (port, _), client_at(port) as h3:
        long = await answer_to(h3, request_fields("POST", HOST, "/"), b"x" * 5000)
        short = await answer_to(h3, request_fields("POST", HOST, "/"), b"x" * 100)

    assert [status(long), status(short)] == [413, 200]


async def test_requests_beyond_the_limit_get_a_short_refusal() -> None:
    limits = VisitorLimits(rules=VisitorRules(burst=1, per_second=0.001))
    async with serving(limits) as (port, _), client_at(port) as h3:
        found = [await answer_to(h3, request_fields("GET", HOST, "/")) for _ in range(2)]
        with pytest.raises(ConnectionResetError):
            await answer_to(h3, request_fields("GET", HOST, "/"))

    assert [status(each) for each in found] == [200, 429]


@pytest.mark.parametrize("limits", [None, VisitorLimits()])
async def test_a_stranger_must_prove_its_address(limits: VisitorLimits | None) -> None:
    async with serving(limits) as (port, _), client_at(port) as h3:
        retries = h3.quic.connection._retry_count

    assert retries == (0 if limits is None else 1)


async def test_connections_beyond_the_limit_get_no_answer() -> None:
    limits = VisitorLimits(rules=VisitorRules(connections=1))
    async with serving(limits) as (port, _), client_at(port):
        opened = open_datagrams(Address(host="127.0.0.1", port=port)).opened
        assert opened is not None
        second = QuicClient(opened, QuicHello(server_name=HOST))
        with pytest.raises(TimeoutError):
            await second.connect(ExchangeRecorder(1), perf_counter() + 0.3)
        opened.close()

        assert limits.open_connections == 1


class Places(VisitorLimits):
    """Limits that say when the last connection has ended."""

    def __init__(self, **rules: float) -> None:
        super().__init__(rules=VisitorRules.model_validate(rules))
        self.is_free = asyncio.Event()

    def close(self, address: str) -> None:
        super().close(address)
        if not self.open_connections:
            self.is_free.set()


async def test_a_connection_frees_its_place_when_it_ends() -> None:
    limits = Places()
    async with serving(limits) as (port, _):
        async with client_at(port) as h3:
            await answer_to(h3, request_fields("GET", HOST, "/"))
        await limits.is_free.wait()

    assert limits.open_connections == 0


async def test_a_connection_ends_after_its_time() -> None:
    limits = Places(patience=0.2)
    async with serving(limits) as (port, _):
        with pytest.raises((EOFError, ConnectionAbortedError)):
            await stay(port)
        await limits.is_free.wait()

    assert limits.open_connections == 0


async def stay(port: int) -> None:
    """Connect, and wait until the server ends the connection."""
    async with client_at(port) as h3:
        while True:
            await h3.advance()


@pytest.mark.parametrize("name", [b":path", b"x-a"])
async def test_a_request_that_http1_cannot_say_ends_its_stream_alone(name: bytes) -> None:
    fields = dict(request_fields("GET", HOST, "/")) | {name: b"a b\x7f c"}
    async with serving() as (port, _), client_at(port) as h3:
        strange = await answer_to(h3, list(fields.items()))
        plain = await answer_to(h3, request_fields("GET", HOST, "/"))

    assert status(strange) in (200, 400)
    assert status(plain) == 200


async def test_a_stream_of_a_session_that_there_is_not_is_ignored() -> None:
    async with serving() as (port, origin), client_at(port) as h3:
        await h3.send_raw(h3.open_stream(400), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        found = await answer_to(h3, request_fields("GET", HOST, "/"))

    assert status(found) == 200
    assert [each.over for each in origin.log.arrivals()] == ["h3"]


async def test_a_torn_capsule_ends_the_tunnel_alone() -> None:
    path = f"/.well-known/masque/udp/{HOST}/443/"
    async with serving() as (port, _), client_at(port) as h3:
        tunnel, head, _ = await h3.open_tunnel(
            request_fields("CONNECT", HOST, path, protocol="connect-udp")
        )
        await h3.send_data(tunnel, b"\0\xff\xff\xff\xff\xff\xff\xff\xff")
        await h3.send_datagram(tunnel, b"\0nonsense")
        found = await answer_to(h3, request_fields("GET", HOST, "/"))

    assert (head.status, status(found)) == (200, 200)


@pytest.mark.parametrize(
    ("protocol", "path", "expected"),
    [
        ("connect-ip", "/", 501),
        ("", "/", 501),
        ("connect-udp", "/elsewhere", 403),
        ("connect-udp", "/.well-known/masque/udp/a.example/443/", 403),
        ("connect-udp", f"/.well-known/masque/udp/{HOST}/8443/", 403),
        ("connect-udp", f"/.well-known/masque/udp/{HOST}/443/", 200),
        ("webtransport", "/", 200),
    ],
)
async def test_only_tunnels_to_the_origin_are_opened(
    protocol: str, path: str, expected: int
) -> None:
    async with serving() as (port, _), client_at(port) as h3:
        fields = request_fields("CONNECT", HOST, path, protocol=protocol)
        _, head, _ = await h3.open_tunnel(fields)

    assert head.status == expected


async def test_tunnels_beyond_the_limit_are_not_opened() -> None:
    limits = VisitorLimits(rules=VisitorRules(burst=1, per_second=0.001))
    async with serving(limits) as (port, origin), client_at(port) as h3:
        await answer_to(h3, request_fields("GET", HOST, "/"))
        with pytest.raises(ConnectionResetError):
            await h3.open_tunnel(request_fields("CONNECT", HOST, "/", protocol="webtransport"))

    assert [each.method for each in origin.log.arrivals()] == ["GET"]
