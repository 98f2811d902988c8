"""A public origin serves its zone, and withstands strangers who do what they should not."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest

from harness.model.content_form import PageContent
from probes.range import name_server
from probes.range.public_origin import PublicOrigin
from test_suites.kit.networks.public_origin import (
    ELSEWHERE,
    TWINS,
    ZONE,
    get,
    limit,
    origin_in,
    sent,
)

HOST = f"porn-001.canary.{ZONE}"


@pytest.fixture
async def origin(folder: Path, reports: list[str]) -> AsyncIterator[PublicOrigin]:
    async with origin_in(folder, reports) as served:
        yield served


async def asked(origin: PublicOrigin, host: str, **options: Any) -> dns.message.Message:
    query = dns.message.make_query(host, "A")
    return await dns.asyncquery.udp(
        query, "127.0.0.1", port=origin.settings.ports.dns, timeout=5, **options
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_every_kind_of_page_is_served(
    origin: PublicOrigin, folder: Path, address: str
) -> None:
    page = await sent(origin, get(HOST), address=address)

    assert page.startswith(b"HTTP/1.1 200 OK\r\nServer: nginx\r\n")
    assert b"ACCREDIT-MARKER-PORN-0000" in page
    assert b"302 Found" in await sent(origin, get(f"redirect-1.special.{ZONE}"), address=address)
    assert b"" == await sent(origin, get(f"dead-1.special.{ZONE}"), address=address)
    assert b"has been denied" in await sent(origin, get(f"blocked.filter.{ZONE}"))
    assert b"200 OK" in await sent(origin, get(f"slow-1.special.{ZONE}"))


async def test_texts_and_contents_of_the_range_are_shown_in_the_own_zone(
    folder: Path, reports: list[str]
) -> None:
    texts = {"x.sites.accredit.test": "Scunthorpe"}
    contents = {"x.sites.accredit.test": PageContent(code="DRUG")}
    async with origin_in(folder, reports, texts=texts, contents=contents) as origin:
        page = await sent(origin, get(f"x.sites.{ZONE}"))

    assert b"Scunthorpe" in page
    assert b"ACCREDIT-MARKER-DRUG-" in page


async def test_the_health_page_says_what_holds_and_is_not_logged(
    folder: Path, origin: PublicOrigin
) -> None:
    head, _, body = (await sent(origin, get(ZONE, "/health"))).partition(b"\r\n\r\n")
    told = json.loads(body)

    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Type: application/json" in head
    assert ("ok", [], ZONE) == (told["status"], told["faults"], told["zone"])
    assert TWINS.encode() not in body  # it is asked by suppliers too
    assert datetime.fromisoformat(told["certificate_ends"]) > datetime.fromisoformat(told["time"])
    assert b"test" not in body.lower()
    assert b"application/json" not in await sent(origin, get(HOST, "/health"))


async def test_the_health_page_says_what_is_wrong(folder: Path, reports: list[str]) -> None:
    path = folder / "origin.yaml"
    path.write_text(path.read_text().replace('log: "-"', "log: /dev/full"))
    later = datetime.now(UTC) + timedelta(days=800)
    async with origin_in(folder, reports, now=lambda: later) as origin:
        await sent(origin, get(HOST))
        answered = await sent(origin, get(ZONE, "/health"))

    assert answered.startswith(b"HTTP/1.1 503 ")
    told = json.loads(answered.partition(b"\r\n\r\n")[2])
    assert ["the certificate has expired", "the log cannot be written"] == told["faults"]
    assert "degraded" == told["status"]


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "", ZONE + ".example.com", TWINS])
async def test_a_wrong_host_is_misdirected(origin: PublicOrigin, host: str) -> None:
    assert (await sent(origin, get(host))).startswith(b"HTTP/1.1 421 ")


CHUNK = b"1000\r\n" + bytes(0x1000) + b"\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get(HOST, "/", "X: " + "a" * 20_000), 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 25, 413),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ],
)
async def test_requests_that_are_too_large_or_malformed_are_refused(
    origin: PublicOrigin, reports: list[str], data: bytes, status: int
) -> None:
    answered = await sent(origin, data)

    assert answered[9:12] == str(status).encode(), answered[:80]
    assert (await sent(origin, get(HOST))).startswith(b"HTTP/1.1 200 ")
    assert [] == reports


async def test_a_slow_request_ends_when_its_time_is_over(folder: Path, reports: list[str]) -> None:
    limit(folder, patience=0.2)
    async with origin_in(folder, reports) as origin:
        ports = origin.settings.ports
        for port, piece in ((ports.http, b"GET / HT"), (ports.https, b"\x16"), (ports.dns, b"\0")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(piece)
            assert b"" == await _rest(reader)
            writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


async def test_one_network_may_not_hold_all_connections(folder: Path, reports: list[str]) -> None:
    limit(folder, connections=3)
    async with origin_in(folder, reports) as origin:
        port = origin.settings.ports.http
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        ended = [asyncio.create_task(_rest(reader)) for reader, _ in held]
        done, pending = await asyncio.wait(ended, timeout=10, return_when="FIRST_COMPLETED")
        while len(done) < 3:
            more, pending = await asyncio.wait(pending, timeout=10, return_when="FIRST_COMPLETED")
            assert more
            done |= more

        assert (await sent(origin, get(HOST), source=ELSEWHERE)).startswith(b"HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()
        await asyncio.wait(pending, timeout=10)
        assert (await sent(origin, get(HOST))).startswith(b"HTTP/1.1 200 ")


async def test_a_flood_of_requests_is_refused_while_others_are_served(
    folder: Path, reports: list[str]
) -> None:
    limit(folder, per_second=0.001, burst=5)
    async with origin_in(folder, reports) as origin:
        answers = [await sent(origin, get(HOST)) for _ in range(14)]
        other = await sent(origin, get(HOST), source=ELSEWHERE)

    statuses = [answered[9:12] for answered in answers]
    assert [b"200"] * 5 + [b"429"] * 5 + [b""] * 4 == statuses
    assert b"Retry-After: 2\r\n" in answers[5]
    assert other.startswith(b"HTTP/1.1 200 ")


async def test_a_flood_of_questions_is_cut_off_while_others_are_answered(
    folder: Path, reports: list[str]
) -> None:
    limit(folder, per_second=0.001, burst=3)
    async with origin_in(folder, reports) as origin:
        answers = [await asked(origin, HOST) for _ in range(6)]
        with pytest.raises(dns.exception.Timeout):
            await dns.asyncquery.udp(
                dns.message.make_query(HOST, "A"),
                "127.0.0.1",
                port=origin.settings.ports.dns,
                timeout=0.2,
            )
        other = await asked(origin, HOST, source=ELSEWHERE)

    cut = [bool(each.flags & dns.flags.TC) for each in answers]
    assert [False] * 3 + [True] * 3 == cut
    assert all(not each.answer for each in answers[3:])
    assert other.answer


async def test_a_flood_over_udp_uses_up_nothing_of_tcp_and_http(
    folder: Path, reports: list[str]
) -> None:
    """Its sources can be forged, as the addresses of a service that is measured."""
    limit(folder, per_second=0.001, burst=1)
    async with origin_in(folder, reports) as origin:
        for _ in range(2):
            await asked(origin, HOST)
        query = dns.message.make_query(HOST, "A")
        answer = await dns.asyncquery.tcp(
            query, "127.0.0.1", port=origin.settings.ports.dns, timeout=5
        )
        page = await sent(origin, get(HOST))

    assert answer.answer
    assert page.startswith(b"HTTP/1.1 429 ")  # the question over TCP was the one that is served


async def test_questions_over_tcp_are_limited_in_number_and_size(
    folder: Path, reports: list[str]
) -> None:
    limit(folder, per_second=0.001, burst=4)
    wire = dns.message.make_query(HOST, "A").to_wire()
    framed = len(wire).to_bytes(2, "big") + wire
    async with origin_in(folder, reports) as origin:
        port = origin.settings.ports.dns
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(framed * 10)
        received = await _rest(reader)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ELSEWHERE, 0))
        writer.write(b"\xff\xff" + b"x" * 100)
        assert b"" == await _rest(reader)
        writer.close()

    assert received.count(wire[:2]) <= 4


async def test_a_client_that_reads_no_answers_over_tcp_is_cut_off(
    folder: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_server, "MOST_UNREAD", 0)
    limit(folder, per_second=1e6, burst=10_000_000)
    wire = dns.message.make_query(HOST, "NS").to_wire()
    framed = (len(wire).to_bytes(2, "big") + wire) * 1000
    async with origin_in(folder, reports) as origin:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(0)
            await loop.sock_connect(client, ("127.0.0.1", origin.settings.ports.dns))
            with pytest.raises(ConnectionError):
                await loop.sock_sendall(client, framed * 1000)


async def test_long_texts_are_cut_in_the_log(folder: Path, reports: list[str]) -> None:
    path = folder / "origin.yaml"
    path.write_text(path.read_text().replace('log: "-"', "log: arrivals"))
    async with origin_in(folder, reports) as origin:
        await sent(origin, get(HOST, "/" + "a" * 10_000))

    assert (folder / "arrivals").stat().st_size < 1300


async def test_it_is_no_open_resolver(origin: PublicOrigin) -> None:
    answered = await asked(origin, "www.example.com")

    assert dns.rcode.REFUSED is answered.rcode()
    assert not answered.flags & dns.flags.RA
