"""The origin serves the same pages by HTTP/2 as by HTTP/1.1, to clients that ask for it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import h2.config
import h2.connection
import httpx
import pytest

from harness.model.marker import nonce_for, token_for
from harness.model.observation import AttemptKey
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http2 import Http2Client
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.networks.public_origin import ZONE, limit, origin_in

KEY = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")


def get(
    world: RangeTestbed,
    host: str,
    trust: ssl.SSLContext | None,
    *,
    http1: bool = False,
    http2: bool = True,
) -> httpx.Response:
    """Ask the origin directly, by HTTP/2 alone unless told otherwise."""
    scheme, port = ("https", 443) if trust else ("http", 80)
    url = f"{scheme}://127.0.0.1:{world.origin.ports[port]}/"
    headers = {"Host": host, "X-Request-ID": nonce_for(world.origin.key, KEY)}
    with httpx.Client(
        verify=trust or False, timeout=60, trust_env=False, http1=http1, http2=http2
    ) as client:
        return client.get(url, headers=headers, extensions={"sni_hostname": host})


@pytest.mark.parametrize("secure", [False, True])
def test_the_page_arrives_by_http2_and_the_log_holds_the_request(
    world: RangeTestbed, trust: ssl.SSLContext, secure: bool
) -> None:
    host = f"gamb-03{secure:d}.canary.accredit.test"
    answer = get(world, host, trust if secure else None)
    nonce = nonce_for(world.origin.key, KEY)

    assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
    assert token_for(world.origin.key, host, nonce) in answer.text
    (arrival,) = world.log.arrivals(host)
    assert (arrival.over, arrival.nonce) == ("https" if secure else "http", nonce)


@pytest.mark.parametrize("http2", [False, True])
def test_by_alpn_the_client_chooses(
    world: RangeTestbed, trust: ssl.SSLContext, http2: bool
) -> None:
    answer = get(world, "gamb-032.canary.accredit.test", trust, http1=True, http2=http2)

    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


def test_a_client_without_alpn_is_served_by_http1(
    world: RangeTestbed, trust: ssl.SSLContext
) -> None:
    host = "gamb-033.canary.accredit.test"
    with (
        socket.create_connection(("127.0.0.1", world.origin.ports[443])) as raw,
        trust.wrap_socket(raw, server_hostname=host) as stream,
    ):
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

        assert stream.selected_alpn_protocol() is None
        assert stream.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("secure", [False, True])
def test_a_dead_host_gives_up(world: RangeTestbed, trust: ssl.SSLContext, secure: bool) -> None:
    with pytest.raises(httpx.TransportError):
        get(world, "dead-002.special.accredit.test", trust if secure else None)

    assert world.log.arrivals("dead-002.special.accredit.test")


def test_a_rejection_a_slow_host_and_a_foreign_host_are_as_by_http1(world: RangeTestbed) -> None:
    refused = "gamb-034.canary.accredit.test"
    world.faults.add(Fault(kind=FaultKind.CAPTCHA, service="origin", hosts=frozenset({refused})))

    assert get(world, refused, None).status_code == 403
    assert get(world, "slow-002.special.accredit.test", None).status_code == 200
    assert get(world, "example.org", None).status_code == 421


def test_a_service_answers_by_http2(world: RangeTestbed) -> None:
    host = "gamb-035.canary.accredit.test"
    url = f"http://127.0.0.1:{world.origin.ports[80]}/objects/app.js"
    with httpx.Client(timeout=60, trust_env=False, http1=False, http2=True) as client:
        over_http2 = client.get(url, headers={"Host": host})
    over_http1 = httpx.get(url, headers={"Host": host}, trust_env=False)

    assert over_http2.content == over_http1.content
    assert over_http2.headers["content-type"] == over_http1.headers["content-type"]


async def _asked(port: int, requests: int) -> list[int]:
    """Request a page so many times on one connection; return the statuses until it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = list[int]()

    class Opened:
        async def write(self, data: bytes) -> None:
            writer.write(data)

        async def read(self) -> bytes:
            return await reader.read(65536)

        async def start_tls(self, trust: ssl.SSLContext, host: str) -> None: ...
        def close(self) -> None: ...

    client = Http2Client(Opened())
    await client.begin()
    names = {":method": "GET", ":scheme": "http", ":path": "/", ":authority": f"a.sites.{ZONE}"}
    fields = [(name.encode(), value.encode()) for name, value in names.items()]
    for _ in range(requests):
        recorder = ExchangeRecorder(1 << 20)
        try:
            await client.read_answer(await client.request(fields), recorder)
        except (OSError, EOFError):
            break
        assert recorder.head is not None
        statuses.append(recorder.head.status)
    writer.close()
    return statuses


async def test_each_stream_of_a_stranger_counts_as_a_request(
    folder: Path, reports: list[str]
) -> None:
    limit(folder, per_second=0.001, burst=3)
    async with origin_in(folder, reports) as origin:
        assert await _asked(origin.settings.ports.http, 9) == [200] * 3 + [429] * 3


async def test_a_stranger_s_connection_ends_some_time_after_its_last_request(
    folder: Path, reports: list[str]
) -> None:
    limit(folder, patience=0.2)
    async with origin_in(folder, reports) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.settings.ports.http)
        client = h2.connection.H2Connection(h2.config.H2Configuration())
        client.initiate_connection()
        writer.write(client.data_to_send())
        async with asyncio.timeout(60):
            while await _more(reader):
                pass
        writer.close()


async def _more(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
