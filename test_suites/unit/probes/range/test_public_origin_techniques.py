"""A public origin answers techniques: encrypted names, malformed requests, what arrived."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
from dns.rdtypes.svcbbase import ParamKey

from harness.model.arrivals import arrivals_path, read_arrivals
from harness.model.marker import nonce_for
from harness.model.observation import AttemptKey
from harness.model.transition_address import page_path
from probes.net.client_hello import ECH, Extension
from probes.net.dialling import connect
from probes.net.ech import INNER, read_configs, seal
from probes.net.first_flight import FlightShape
from probes.net.key_shares import X25519, KeyShares
from probes.net.local_binding import UNBOUND
from probes.net.route import Address
from probes.net.tls13 import HelloPlan, Tls13Client, Tls13Stream, build_hello
from probes.range.public_origin import PublicOrigin
from test_suites.kit.networks.public_origin import ZONE, get, origin_in, sent

HOST = f"porn-001.canary.{ZONE}"


@pytest.fixture
async def origin(folder: Path, reports: list[str]) -> AsyncIterator[PublicOrigin]:
    async with origin_in(folder, reports) as served:
        yield served


async def test_a_foreign_server_name_is_shown_the_zone_s_certificate(
    origin: PublicOrigin, folder: Path
) -> None:
    trust = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    port = origin.settings.ports.https
    with pytest.raises(ssl.SSLCertVerificationError, match=r"valid for 'example\.com'"):
        await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="example.com")
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trust, server_hostname=HOST
    )
    writer.write(get(HOST))
    assert b"ACCREDIT-MARKER-PORN-" in await reader.read()
    writer.close()


async def test_an_encrypted_server_name_is_opened(origin: PublicOrigin, folder: Path) -> None:
    host, port = f"cv-001.ways.{ZONE}", origin.settings.ports.https
    query = dns.message.make_query(host, "HTTPS")
    answer = await dns.asyncquery.udp(
        query, "127.0.0.1", port=origin.settings.ports.dns, timeout=10
    )
    (record,) = answer.answer[0]
    (config,) = read_configs(record.params[ParamKey.ECH].ech)
    shares, mark = KeyShares([X25519]), Extension(ECH, INNER)
    inner = build_hello(HelloPlan(names=(host.encode(),)), shares, (mark,))
    public = HelloPlan(names=(config.public_name.encode(),))
    outer = build_hello(public, shares, (mark,), inner.session_id)
    dialled = await connect(Address(host="127.0.0.1", port=port), UNBOUND)
    stream = Tls13Stream(dialled, Tls13Client(seal(config, inner, outer), shares, inner))
    try:
        await stream.handshake(FlightShape(), random.Random(1))
        await stream.write(get(host))
        received = await stream.read()
    finally:
        stream.close()

    assert f"open.ways.{ZONE}" == config.public_name
    assert received.startswith(b"HTTP/1.1 200 OK")
    certificate = stream.certificate()
    assert certificate is not None
    assert f"CN={host}" == certificate.subject


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [b"\xff\xfe.canary.example.org", b"a\0b.canary.example.org"])
async def test_a_server_name_that_is_no_text_harms_nobody(
    origin: PublicOrigin, folder: Path, reports: list[str], name: bytes
) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    stand_in = "x" * (len(name) - 4) + ".org"
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=stand_in)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read().replace(stand_in.encode(), name)

    reader, writer = await asyncio.open_connection("127.0.0.1", origin.settings.ports.https)
    writer.write(hello)
    answered = await _rest(reader)
    writer.close()

    assert b"\x15" == answered[:1]  # a TLS alert
    assert [] == reports


async def test_who_has_the_key_is_told_what_arrived_with_a_nonce(
    origin: PublicOrigin, folder: Path
) -> None:
    key = bytes.fromhex((folder / "origin.key").read_text().strip())
    attempt = AttemptKey(campaign="c", item="i", probe="p", line="l", profile="ks2")
    nonce = nonce_for(key, attempt)
    await sent(origin, get(HOST, f"/a/{nonce}"))
    await sent(origin, get(HOST))
    answered = await sent(origin, get(ZONE, arrivals_path(key, [nonce])))
    forged = await sent(origin, get(ZONE, arrivals_path(b"x" * 32, [nonce])))

    arrived = read_arrivals(answered.partition(b"\r\n\r\n")[2])
    assert [(one.nonce, one.host, one.method) for one in arrived] == [(nonce, HOST, "GET")]
    assert len(origin.log.arrivals()) == 1  # those without a nonce are kept in the file alone
    assert nonce.encode() not in forged


async def test_connections_to_hosts_of_techniques_are_kept(origin: PublicOrigin) -> None:
    host = f"x-1.ways.{ZONE}"
    many = await sent(origin, get(host) * 200 + get(host, "/", "Connection: close"))
    old = await sent(origin, get(host).replace(b"/1.1", b"/1.0") * 2)
    other = await sent(origin, get(HOST) * 2)

    assert (many.count(b"HTTP/1.1 200"), many.count(b"Connection: keep-alive")) == (201, 200)
    assert (old.count(b"HTTP/1.1 200"), other.count(b"HTTP/1.1 200")) == (1, 1)


async def test_only_hosts_of_techniques_are_asked_in_malformed_requests(
    origin: PublicOrigin,
) -> None:
    for host, status in ((HOST, 400), (f"x-1.ways.{ZONE}", 200), ("other.example", 400)):
        closed = get(host, "/", "Connection: close")
        for malformed in (closed.replace(b"GET", b"GET "), closed.replace(b"HTTP", b"HTP")):
            assert (await sent(origin, malformed))[9:12] == str(status).encode()


async def test_a_request_of_http_0_9_is_answered_without_a_head(origin: PublicOrigin) -> None:
    answered = await sent(origin, f"GET {page_path(f'x-1.ways.{ZONE}')}\r\n".encode())

    assert answered.startswith(b"<!DOCTYPE html>")


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
