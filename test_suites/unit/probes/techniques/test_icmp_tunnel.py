"""A page in echo replies, in a network of the test's own whose kernel answers no pings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from harness.model.campaign import Limits
from harness.model.facts import TechniqueFacts
from harness.model.marker import nonce_for
from harness.model.observation import AttemptKey
from harness.ports.network import Origin
from probes.lines.direct import Interface, InterfaceOptions
from probes.net.local_binding import run_in_namespace
from probes.net.pings import ECHO_REPLY, ECHO_REQUEST, checksum, echo_packet
from probes.net.tunnel_pieces import Wanted, write_wanted
from probes.range.arrival_log import ArrivalLog
from probes.range.icmp_endpoint import IcmpEndpoint, may_answer_pings
from probes.range.origin_pages import Pages
from probes.range.tunnel_pages import TunnelPages
from test_suites.kit.campaigns.techniques import HOST, tried
from test_suites.kit.networks.own_network import own_network

ORIGIN = Origin(
    zone="accredit.test", resolver="127.0.0.1:53", ports={80: 80}, authority="", key=b"k" * 16
)
SILENT = "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all"
UNPRIVILEGED = "echo '0 0' > /proc/sys/net/ipv4/ping_group_range"
RAW = "echo '1 0' > /proc/sys/net/ipv4/ping_group_range"


@pytest.fixture(params=[UNPRIVILEGED, RAW], ids=["unprivileged", "raw"])
def network(request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of the network namespace."""
    commands = ("ip link set lo up", SILENT, request.param)
    with own_network(*commands, kind="network namespace that answers no pings") as path:
        yield path


async def test_the_page_comes_in_echo_replies(network: str) -> None:
    tunnel = TunnelPages(pages=Pages(key=ORIGIN.key), log=ArrivalLog())
    options = InterfaceOptions(netns=network, resolver="127.0.0.1:53")
    async with (
        IcmpEndpoint(tunnel=tunnel, netns=network),
        Interface("control", options, ORIGIN, Limits()) as line,
    ):
        result = await tried("icmp-tunnel", line)

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.failure, result.facts.canary) == (None, "seen")
    assert {each.over for each in tunnel.log.arrivals(HOST)} == {"icmp"}


async def test_two_clients_are_told_apart(network: str) -> None:
    tunnel = TunnelPages(pages=Pages(key=ORIGIN.key), log=ArrivalLog())
    options = InterfaceOptions(netns=network, resolver="127.0.0.1:53")
    async with (
        IcmpEndpoint(tunnel=tunnel, netns=network),
        Interface("one", options, ORIGIN, Limits()) as one,
        Interface("other", options, ORIGIN, Limits()) as other,
    ):
        results = await asyncio.gather(
            *(tried("icmp-tunnel", line) for line in (one, other) for _ in range(5))
        )

    for result in results:
        assert isinstance(result.facts, TechniqueFacts)
        assert result.facts.canary == "seen"
        assert result.facts.words == (), "the token came, not words of the other's page alone"


def test_only_echo_requests_of_attempts_are_answered() -> None:
    endpoint = IcmpEndpoint(tunnel=TunnelPages(pages=Pages(key=ORIGIN.key), log=ArrivalLog()))
    key = AttemptKey(campaign="c", item="x", probe="techniques", line="l", profile="ks2")
    question = write_wanted(Wanted(HOST, nonce_for(ORIGIN.key, key), 0))
    reply = endpoint.reply(echo_packet(ECHO_REQUEST, 7, 9, question), "192.0.2.1")

    assert (reply[0], reply[4:8], checksum(reply)) == (ECHO_REPLY, b"\0\7\0\t", 0)
    assert endpoint.reply(echo_packet(ECHO_REPLY, 7, 9, question), "192.0.2.1") == b""
    assert endpoint.reply(echo_packet(ECHO_REQUEST, 7, 9, b"abcdefgh"), "192.0.2.1") == b""
    assert endpoint.reply(b"", "192.0.2.1") == b""


async def test_without_an_endpoint_nothing_comes(network: str) -> None:
    options = InterfaceOptions(netns=network, resolver="127.0.0.1:53")
    async with Interface("control", options, ORIGIN, Limits()) as line:
        result = await tried("icmp-tunnel", line, seconds=0.2)

    assert result.failure is not None
    assert result.failure.name == "generic_timeout_error"


def test_an_origin_answers_pings_where_its_kernel_does_not(network: str) -> None:
    assert run_in_namespace(network, may_answer_pings_in_this_thread)


def may_answer_pings_in_this_thread() -> bool:
    return may_answer_pings()


async def test_a_reply_comes_from_the_address_that_was_asked(network: str) -> None:
    """A machine with several addresses would else answer from the one nearest to the client."""
    tunnel = TunnelPages(pages=Pages(key=ORIGIN.key), log=ArrivalLog())
    options = InterfaceOptions(netns=network, resolver="127.0.0.1:53")
    async with (
        IcmpEndpoint(tunnel=tunnel, netns=network),
        Interface("control", options, ORIGIN, Limits()) as line,
    ):
        result = await tried("icmp-tunnel at=127.0.0.5", line)

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.failure, result.facts.canary) == (None, "seen")
