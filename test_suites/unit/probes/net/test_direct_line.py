"""A direct line: one name server, then straight to what it said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from harness.model.campaign import Limits
from harness.model.facts import DnsFacts, DnsRecord
from harness.model.observation import Failure, Timings
from harness.ports.network import Answer, Origin, Request
from probes.lines.direct import ResolverLine, ResolverOptions
from probes.net.backend import BACKENDS, BackendName
from probes.net.direct_line import DirectLine, DirectOptions, Ports, _address_in
from probes.net.dns_server import parse_dns_server
from probes.net.route import Address, Family
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

HOST = "gamb-001.canary.accredit.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path) as up:
        yield up


def line(world: RangeTestbed, server: str, origin: Origin | None = None) -> DirectLine:
    options = DirectOptions(lane="portable")
    return DirectLine(
        "direct", options, origin or world.origin, Limits(), parse_dns_server(server, "server")
    )


async def test_both_schemes_reach_the_origin(world: RangeTestbed) -> None:
    async with line(world, world.origin.resolver) as opened:
        for scheme in ("http", "https"):
            exchange = await opened.fetch(Request(url=f"{scheme}://{HOST}/"))

            assert exchange.failure is None
            assert exchange.status == 200
            assert exchange.timings.resolve is not None
            assert exchange.timings.total is not None
            assert exchange.timings.total >= exchange.timings.resolve


async def test_an_address_in_the_url_needs_no_name_server(
    world: RangeTestbed, closed_port: int
) -> None:
    async with line(world, f"127.0.0.1:{closed_port}") as opened:
        exchange = await opened.fetch(Request(url=f"http://127.0.0.1:{world.origin.ports[80]}/"))

    assert exchange.status is not None
    assert exchange.timings.resolve is None


async def test_a_given_address_is_connected_to_and_no_name_server_is_asked(
    world: RangeTestbed, closed_port: int
) -> None:
    async with line(world, f"127.0.0.1:{closed_port}") as opened:
        there = await opened.fetch(Request(url=f"http://{HOST}/", address="127.0.0.1"))
        elsewhere = await opened.fetch(Request(url=f"http://{HOST}/", address="127.0.0.99"))

    assert (200, "127.0.0.1") == (there.status, there.peer)
    assert elsewhere.failure is not None
    assert elsewhere.failure.name == "connection_refused"


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        (FaultKind.NXDOMAIN, "dns_nxdomain_error"),
        (FaultKind.REFUSE, "dns_refused_error"),
        (FaultKind.NODATA, "dns_no_answer"),
        (FaultKind.SILENT, "generic_timeout_error"),
    ],
)
async def test_what_stops_at_the_name_server(
    world: RangeTestbed, kind: FaultKind, failure: str
) -> None:
    world.faults.add(Fault(kind=kind, hosts=frozenset({HOST})))
    async with line(world, world.origin.services["reference"]["resolver"]["ks2"]) as opened:
        exchange = await opened.fetch(Request(url=f"http://{HOST}/", timeout=0.3))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == (failure, "resolve")
    assert exchange.timings.connect is None


async def test_a_sinkhole_that_means_nowhere_is_never_connected_to(world: RangeTestbed) -> None:
    """On Linux 0.0.0.0 is this machine, where the origin itself would answer."""
    world.faults.add(Fault(kind=FaultKind.SINKHOLE, hosts=frozenset({HOST}), address="0.0.0.0"))
    async with line(world, world.origin.services["reference"]["resolver"]["ks2"]) as opened:
        exchange = await opened.fetch(Request(url=f"http://{HOST}/"))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.failure.stage) == ("dns_bogon_error", "resolve")


async def test_a_url_that_is_none_is_our_own_trouble(world: RangeTestbed) -> None:
    async with line(world, world.origin.resolver) as opened:
        for url in ("ftp://a.test/", "http://", "http://a.test:99999/", "nonsense"):
            exchange = await opened.fetch(Request(url=url))

            assert exchange.failure is not None
            assert exchange.failure.is_instrument


@pytest.mark.parametrize(
    ("family", "records", "asked", "came"),
    [
        ("any", {"A": "127.0.0.1", "AAAA": "::1"}, ["A"], "127.0.0.1"),
        ("any", {"AAAA": "::1"}, ["A", "AAAA"], "::1"),
        ("ipv4", {"AAAA": "::1"}, ["A", "AAAA"], "address_family_not_supported"),
        ("ipv6", {"A": "127.0.0.1", "AAAA": "::1"}, ["AAAA"], "::1"),
        ("ipv6", {"A": "127.0.0.1"}, ["AAAA", "A"], "address_family_not_supported"),
        ("ipv6", {}, ["AAAA", "A"], "dns_no_answer"),
        ("any", {}, ["A", "AAAA"], "dns_no_answer"),
    ],
)
@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_families_are_kept_apart(
    name_server: Any,
    lane: BackendName,
    family: Family,
    records: dict[str, str],
    asked: list[str],
    came: str,
) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No\r\n\r\n")
        await writer.drain()
        writer.close()

    far = await asyncio.start_server(play, "::1" if ":" in came else "127.0.0.1", 0)
    ports = {80: far.sockets[0].getsockname()[1]}
    book = await name_server(records)
    options = DirectOptions(lane=lane, family=family, ports=ports)
    server = parse_dns_server(str(book.address), "server")
    async with DirectLine("direct", options, None, Limits(), server) as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))
    far.close()

    assert [type_ for _, type_ in book.asked] == asked
    if exchange.failure is None:
        assert (exchange.status, exchange.peer) == (204, came)
    else:
        assert (exchange.failure.name, exchange.failure.stage) == (came, "resolve")


@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_the_address_that_was_tried_is_known_though_nobody_was_there(
    name_server: Any, lane: BackendName, closed_port: int
) -> None:
    book = await name_server({"AAAA": "::1"})
    options = DirectOptions(lane=lane, family="ipv6", ports={80: closed_port})
    server = parse_dns_server(str(book.address), "server")
    async with DirectLine("direct", options, None, Limits(), server) as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert exchange.failure is not None
    assert (exchange.failure.name, exchange.peer) == ("connection_refused", "::1")


async def test_an_address_of_the_other_family_says_nothing_of_the_service() -> None:
    options = DirectOptions(family="ipv6")
    server = parse_dns_server("127.0.0.1", "server")
    async with DirectLine("direct", options, None, Limits(), server) as opened:
        exchange = await opened.fetch(Request(url="http://127.0.0.1/"))

    assert exchange.failure is not None
    assert exchange.failure.is_instrument


async def test_only_the_origins_ports_are_mapped(world: RangeTestbed) -> None:
    ports = Ports(mapping={80: 8080}, origin=world.origin)

    assert ports.real(Address(host=HOST, port=80)) == 8080
    assert ports.real(Address(host=HOST, port=81)) == 81
    assert ports.real(Address(host="www.example.org", port=80)) == 80
    assert replace(ports, origin=None).real(Address(host="www.example.org", port=80)) == 8080


async def test_aliases_that_lead_back_to_each_other_are_no_denial() -> None:
    names = (HOST, "a.test", HOST)
    records = tuple(
        DnsRecord(name=name, type="CNAME", ttl=0, data=f"{target}.")
        for name, target in pairwise(names)
    )
    facts = DnsFacts(name=HOST, type="A", server="s", rcode="NOERROR", records=records)
    honest = structs.replace(facts, records=records[:1])

    loop = _address_in(Answer(facts=facts, timings=Timings()), "any")

    assert isinstance(loop, Failure)
    assert "dns_server_misbehaving" == loop.name
    assert _address_in(Answer(facts=honest, timings=Timings()), "any") is None


async def test_as_a_pupil_uses_it_a_line_is_on_the_browser_lane(name_server: Any) -> None:
    book = await name_server({"A": "127.0.0.1"})
    server = parse_dns_server(str(book.address), "server")
    line = ResolverLine(
        "classroom", ResolverOptions(server=str(server), mixed_case=True), None, Limits()
    )

    for source, left in (("", ""), ("127.0.0.1", "127.0.0.1")):
        options = line.as_pupil(source)._options
        assert (options.lane, options.mixed_case, options.source) == ("browser", False, left)


async def test_packets_leave_from_the_source(
    name_server: Any, far_end: tuple[int, list[str]]
) -> None:
    port, left = far_end
    book = await name_server({"A": "127.0.0.1"})
    options = DirectOptions(ports={80: port}, source="127.0.0.7")
    server = parse_dns_server(str(book.address), "server")
    async with DirectLine("direct", options, None, Limits(), server) as opened:
        await opened.fetch(Request(url="http://a.accredit.test/"))

    assert left == ["127.0.0.7"]
