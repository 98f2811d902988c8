"""A page is fetched over UDP alone, as a browser would; other ways of the line are for the rest."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Timings
from harness.ports.network import Attempt, Exchange, Origin, ProbeResult, Request, fits
from harness.ports.streams import Dialled, DialRequest
from probes.kinds.web import Web, WebHttps
from probes.kinds.web_h3 import WebH3
from probes.net.dialling import open_datagrams
from probes.net.route import Address
from probes.range.arrival_log import ArrivalLog
from probes.range.authority import Authority
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.gateway import closed_port
from probes.range.h3_server import h3_listener
from probes.range.origin import OriginServer
from probes.range.origin_pages import Pages
from probes.range.server_chain import read_chain

HOST = "drug-104.canary.accredit.test"
KEY = b"k" * 32
PATIENT = 60.0


class UdpLine:
    """A line that reaches one UDP port, and notes what it is asked for over TCP."""

    carries = frozenset({"datagrams"})

    def __init__(self, port: int) -> None:
        self.name, self.port = "line", port
        self.origin = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=KEY)
        self.dialled: list[DialRequest] = []
        self.fetched: list[str] = []

    async def datagrams(self, request: DialRequest) -> Dialled[Any]:
        self.dialled.append(request)
        return open_datagrams(Address(host="127.0.0.1", port=self.port))

    async def fetch(self, request: Request) -> Exchange:
        self.fetched.append(request.url)
        return Exchange(timings=Timings(total=0.1), status=200, body=b"blocked")


class TcpLine:
    """A line without UDP."""

    carries = frozenset({"fetch"})
    name = "proxy"
    origin = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=KEY)


def item(case: str = "address:h3", value: str = f"https://{HOST}/") -> Item:
    stratum = f"DRUG/{case}" if case else ""
    return Item(id="a", value=value, kind="url", labels=("DRUG",), stratum=stratum)


def attempt(case: str = "address:h3", timeout: float = PATIENT) -> Attempt:
    key = AttemptKey(campaign="c", item="a", probe="web_h3", line="l", profile="ks2")
    marker = mark(KEY, key, HOST)
    return Attempt(key=key, item=item(case), limits=Limits(), timeout=timeout, marker=marker)


async def tried(line: Any, of: Attempt | None = None) -> tuple[ProbeResult, WebFacts]:
    result = await WebH3().try_item(of or attempt(), line)
    assert isinstance(result.facts, WebFacts)
    return result, result.facts


@asynccontextmanager
async def origin_at(*faults: Fault) -> AsyncIterator[tuple[int, OriginServer]]:
    authority = Authority()
    origin = OriginServer(
        pages=Pages(key=KEY), certificates=authority, log=ArrivalLog(), faults=Faults(*faults)
    )
    chain = read_chain(authority.pem_with_key(authority.leaf(HOST)))
    async with h3_listener(origin, chain, 0) as listener:
        yield listener.port, origin


async def test_the_page_arrives_over_udp_alone() -> None:
    async with origin_at() as (port, origin):
        line = UdpLine(port)
        result, facts = await tried(line)

    assert (facts.canary, facts.status, result.failure) == ("seen", 200, None)
    assert [(one.host, one.port) for one in line.dialled] == [(HOST, 443)]
    assert (line.fetched, facts.peer) == ([], "127.0.0.1")
    (arrival,) = origin.log.arrivals(HOST)
    assert (arrival.over, arrival.method, arrival.path) == ("h3", "GET", "/")
    assert facts.certificate is not None
    assert facts.browser
    assert result.timings.connect is not None


async def test_a_refused_port_is_a_failure_to_connect() -> None:
    result, facts = await tried(UdpLine(closed_port()))

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("connection_refused", "connect")
    assert facts.canary == "absent"


async def test_a_silent_port_is_a_timeout() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        result, facts = await tried(UdpLine(silent.getsockname()[1]), attempt(timeout=0.2))

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("generic_timeout_error", "connect")
    assert facts.canary == "absent"


async def test_an_answer_that_breaks_off_is_no_page() -> None:
    dead = Fault(kind=FaultKind.DEAD, hosts=frozenset({HOST}), service="origin")
    async with origin_at(dead) as (port, _):
        result, facts = await tried(UdpLine(port))

    assert result.failure is not None
    assert (result.failure.stage, facts.canary) == ("response", "absent")


async def test_a_line_without_udp_shows_nothing() -> None:
    result, _ = await tried(TcpLine())

    assert result.failure is not None
    assert result.failure.is_instrument


async def test_a_sentinel_is_fetched_as_the_line_does() -> None:
    line = UdpLine(closed_port())
    await tried(line, attempt(""))

    assert (line.fetched, line.dialled) == ([f"https://{HOST}/"], [])


@pytest.mark.parametrize(
    ("case", "by_udp", "by_tcp"),
    [("address:h3", True, False), ("address:https", False, True), ("", False, True)],
)
def test_a_page_over_udp_is_for_this_probe_alone(case: str, by_udp: bool, by_tcp: bool) -> None:
    assert fits(WebH3(), item(case)) is by_udp
    assert fits(WebHttps(), item(case)) is by_tcp
    assert not fits(Web(), item(case))


def test_only_a_sentinel_has_an_address_for_other_clients() -> None:
    assert WebH3().address(item()) == ""
    assert WebH3().address(item("")) == f"https://{HOST}/"
