"""A public origin shows its pages over HTTP/3 too, by the certificate that it has at the time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import pytest

from harness.errors import UsageError
from harness.model.facts import Certificate
from probes.net.dialling import open_datagrams
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.h3_client import H3Client, request_fields
from probes.net.quic_client import QuicClient, QuicHello
from probes.net.route import Address
from probes.range.authority import Authority
from probes.range.public_origin import PublicOrigin
from test_suites.kit.networks.public_origin import (
    TWINS,
    ZONE,
    free_ports,
    limit,
    origin_in,
    write_folder,
)

HOST = f"porn-001.canary.{ZONE}"
PATIENCE = 60


@asynccontextmanager
async def client_of(
    origin: PublicOrigin, name: str = HOST, *, address: str = "127.0.0.1", trust: str = ""
) -> AsyncIterator[tuple[H3Client, ExchangeRecorder]]:
    """A client whose handshake is over, and what was recorded of it."""
    opened = open_datagrams(Address(host=address, port=origin.settings.ports.https)).opened
    assert opened is not None
    recorder = ExchangeRecorder(1 << 20)
    quic = QuicClient(opened, QuicHello(server_name=name), trust)
    try:
        h3 = H3Client(quic)
        h3.take(await quic.connect(recorder, perf_counter() + PATIENCE))
        yield h3, recorder
    finally:
        await quic.close()
        opened.close()


async def fetched(origin: PublicOrigin, host: str = HOST, address: str = "127.0.0.1") -> bytes:
    """The body of a page."""
    async with client_of(origin, host, address=address) as (h3, recorder):
        stream = h3.send_request(request_fields("GET", host, "/"))
        await h3.read_answer(stream, recorder)
    return bytes(recorder.body)


async def shown(origin: PublicOrigin, name: str, trust: str) -> Certificate:
    """The certificate that is shown to a client that asks for a name."""
    async with client_of(origin, name, trust=trust) as (_, recorder):
        assert recorder.certificate is not None
        return recorder.certificate


@pytest.fixture
async def origin(folder: Path, reports: list[str]) -> AsyncIterator[PublicOrigin]:
    async with origin_in(folder, reports) as served:
        yield served


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_pages_are_shown_at_every_address(origin: PublicOrigin, address: str) -> None:
    assert b"ACCREDIT-MARKER-PORN-0000" in await fetched(origin, address=address)
    assert [(one.over, one.host) for one in origin.log.arrivals()] == []  # without a mark


@pytest.mark.parametrize(
    "label", ["", "porn-001.canary.", "x-1.ways.", "any.relay.ways.", "gate.sites."]
)
async def test_the_certificate_is_valid_for_names_of_all_parts(
    origin: PublicOrigin, folder: Path, label: str
) -> None:
    found = await shown(origin, f"{label}{ZONE}", str(folder / "authority.pem"))

    assert found.trusted


async def test_no_certificate_connects_the_twins_with_the_zones(
    origin: PublicOrigin, folder: Path
) -> None:
    found = await shown(origin, f"a.{TWINS}", str(folder / "authority.pem"))

    assert not found.trusted


async def test_addresses_of_the_twins_alone_have_no_http_3(tmp_path: Path) -> None:
    settings = write_folder(
        tmp_path,
        zones=({"zone": ZONE, "addresses": ("127.0.0.1",)},),
        twins={"zone": TWINS, "addresses": ("127.0.0.3",), "authority": "twins.pem"},
    )
    async with origin_in(tmp_path, []) as origin:
        with socket.socket(type=socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.3", settings.ports.https))
        assert b"ACCREDIT-MARKER-PORN-0000" in await fetched(origin)


async def test_a_renewed_certificate_is_shown_to_new_connections(
    tmp_path: Path, reports: list[str]
) -> None:
    authority, names = Authority(), (f"*.canary.{ZONE}", ZONE)
    write_pair(tmp_path, authority, names)
    files = {"certificate": "chain.pem", "certificate_key": "key.pem"}
    given = {name: str(tmp_path / file) for name, file in files.items()}
    write_folder(tmp_path, authority="", twins=None, **given)
    trust = tmp_path / "trust.pem"
    trust.write_bytes(authority.pem)
    async with origin_in(tmp_path, reports) as origin:
        async with client_of(origin, HOST, trust=str(trust)) as (before, recorder):
            write_pair(tmp_path, authority, names)
            after = await shown(origin, HOST, str(trust))
            stream = before.send_request(request_fields("GET", HOST, "/"))
            await before.read_answer(stream, recorder)
        again = await shown(origin, HOST, str(trust))

    assert recorder.certificate is not None
    assert recorder.certificate.chain != after.chain == again.chain
    assert b"ACCREDIT-MARKER-PORN-0000" in recorder.body
    assert (after.trusted, len(reports)) == (True, 1)


def write_pair(folder: Path, authority: Authority, names: tuple[str, ...]) -> None:
    """Write a new certificate and its key as two files."""
    key, begins, chain = authority.pem_with_key(authority.leaf(*names)).partition(
        b"-----BEGIN CERTIFICATE-----"
    )
    for name, data in (("key.pem", key), ("chain.pem", begins + chain)):
        (folder / f"{name}.new").write_bytes(data)
        (folder / f"{name}.new").replace(folder / name)


async def test_the_chain_of_an_own_authority_is_renewed_before_it_expires(
    folder: Path, reports: list[str]
) -> None:
    time = [datetime.now(UTC)]
    async with origin_in(folder, reports, now=lambda: time[0]) as origin:
        first, second = [await shown(origin, HOST, "") for _ in range(2)]
        time[0] += timedelta(days=20)
        later = await shown(origin, HOST, "")

    assert first.chain == second.chain != later.chain


async def test_strangers_are_limited_as_over_tcp(folder: Path, reports: list[str]) -> None:
    limit(folder, burst=1, per_second=0.001)
    async with origin_in(folder, reports) as origin:
        assert b"ACCREDIT-MARKER-PORN-0000" in await fetched(origin)
        assert b"ACCREDIT-MARKER-PORN-0000" not in await fetched(origin)


async def test_a_used_udp_port_is_named(tmp_path: Path) -> None:
    settings = write_folder(tmp_path, ports=free_ports())
    with socket.socket(type=socket.SOCK_DGRAM) as used:
        used.bind(("127.0.0.1", settings.ports.https))
        where = rf"127\.0\.0\.1, UDP port {settings.ports.https}: .*stop that program"
        with pytest.raises(UsageError, match=where):
            async with origin_in(tmp_path, []):
                pass
