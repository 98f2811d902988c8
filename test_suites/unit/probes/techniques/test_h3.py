"""HTTP/3, WebTransport and CONNECT-UDP carried out over the range: the page's token arrives."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import dns.message
import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, ProbeResult
from harness.ports.streams import DialRequest
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.net.doq import ask_over_quic
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from probes.techniques.steps import read_statement

HOST = "x-1.ways.accredit.test"
OPEN = "open.ways.accredit.test"
PATIENCE = 60.0


@pytest.fixture
async def testbed(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path) as started:
        yield started


async def tried(
    testbed: RangeTestbed, statement: str, patience: float = PATIENCE, **options: Any
) -> ProbeResult:
    item = Item(
        id="x", value=statement, kind="vector", labels=("MALW.BYPASS",), registrable=HOST,
        stratum="MALW.BYPASS/way:quic:h3:http",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item="x", probe="techniques", line="l", profile="ks2")
    attempt = Attempt(
        key=key, item=item, limits=Limits(), timeout=patience,
        marker=mark(testbed.origin.key, key, HOST), browser=1234567,
    )  # fmt: skip
    async with Control("control", ControlOptions(**options), testbed.origin, Limits()) as line:
        return await Techniques().try_item(attempt, line)


def facts_of(result: ProbeResult) -> TechniqueFacts:
    assert isinstance(result.facts, TechniqueFacts)
    return result.facts


@pytest.mark.parametrize(
    "statement",
    [
        "h3",
        "h3 version=2",
        "h3 version=negotiated",
        "h3 split=yes",
        "h3 large=yes",
        "h3 sni=",
        "h3 sni={allowed} authority={host} path=/",
        "h3 zero-rtt=yes",
        "h3 port=8443",
        r"to host={allowed} | webtransport | http1 GET / HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n",
        "to host={allowed} | webtransport carry=datagrams | h3",
        "to host={allowed} | masque | h3",
        "to host={allowed} | masque carry=capsules | h3 version=2 split=yes",
    ],
)
async def test_the_page_arrives(testbed: RangeTestbed, statement: str) -> None:
    result = await tried(testbed, statement)
    facts = facts_of(result)

    assert result.failure is None
    assert (facts.status, facts.canary) == (200, "seen")
    assert facts.sent[0].step == "quic"


async def test_a_request_is_sent_with_the_client_hello_of_a_second_connection(
    testbed: RangeTestbed,
) -> None:
    facts = facts_of(await tried(testbed, "h3 zero-rtt=yes"))

    assert [each.step for each in facts.sent] == ["quic", "quic", "h3", "h3"]
    assert facts.sent[-1].data == "0-RTT accepted"
    assert len([each for each in testbed.log.arrivals(HOST) if each.over == "h3"]) == 1


async def test_a_request_is_logged_with_its_nonce_as_one_over_http3(testbed: RangeTestbed) -> None:
    facts = facts_of(await tried(testbed, "h3 path=/deep"))
    [arrival] = [each for each in testbed.log.arrivals(HOST) if each.nonce]

    assert (arrival.over, arrival.method, arrival.path) == ("h3", "GET", "/deep")
    assert arrival.nonce
    assert facts.peer == "127.0.0.1"
    assert facts.certificate is not None
    assert facts.certificate.trusted


async def test_a_name_that_is_not_valid_is_recorded_and_the_page_arrives(
    testbed: RangeTestbed,
) -> None:
    facts = facts_of(await tried(testbed, "h3 sni=elsewhere.example"))

    assert facts.canary == "seen"
    assert facts.certificate is not None
    assert not facts.certificate.trusted


async def test_only_the_inner_connection_of_a_tunnel_names_the_host(testbed: RangeTestbed) -> None:
    facts = facts_of(await tried(testbed, "to host={allowed} | masque | h3"))
    arrivals = [(each.method, each.host) for each in testbed.log.arrivals() if each.over == "h3"]

    assert [each.data for each in facts.sent if each.step == "quic"] == [
        f"ClientHello for {OPEN}",
        f"ClientHello for {HOST}",
    ]
    assert arrivals == [("CONNECT", OPEN), ("GET", HOST)]


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("masque target=example.com | h3", 403),
        ("masque target-port=53 | h3", 403),
        ("masque carry=capsules | masque | h3", 403),
        ("webtransport authority=example.com | http1 GET /", 421),
    ],
)
async def test_a_relay_leads_nowhere_but_to_the_origin(
    testbed: RangeTestbed, statement: str, status: int
) -> None:
    result = await tried(testbed, f"to host={{allowed}} | {statement}")

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("proxy_refused_tunnel", "tunnel")
    assert (facts_of(result).tunnel_status, facts_of(result).canary) == (status, "absent")


async def test_a_handshake_alone_is_no_success(testbed: RangeTestbed) -> None:
    result = await tried(testbed, "to host={allowed} | masque")

    assert facts_of(result).canary == "absent"


async def test_a_datagram_that_does_not_fit_into_a_tunnel_is_trouble_of_our_own(
    testbed: RangeTestbed,
) -> None:
    result = await tried(testbed, "to host={allowed} | masque | masque | h3")

    assert result.failure is not None
    assert result.failure.is_instrument


async def test_a_foreign_host_is_not_served(testbed: RangeTestbed) -> None:
    facts = facts_of(await tried(testbed, "h3 authority=example.com"))

    assert (facts.status, facts.canary) == (421, "absent")


async def test_a_dead_host_resets_the_stream(testbed: RangeTestbed) -> None:
    testbed.faults.add(Fault(kind=FaultKind.DEAD, hosts=frozenset({HOST})))
    result = await tried(testbed, "h3")

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("connection_reset", "response")


async def test_a_silent_port_ends_in_a_timeout_at_connecting(testbed: RangeTestbed) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        result = await tried(testbed, "to address=127.0.0.1 | h3", patience=0.3, ports={443: port})

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("generic_timeout_error", "connect")
    assert facts_of(result).canary == "absent"


async def test_a_closed_port_is_refused_at_connecting(testbed: RangeTestbed) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    result = await tried(testbed, "h3", ports={443: port})

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("connection_refused", "connect")


async def test_the_origin_answers_dns_over_quic(testbed: RangeTestbed) -> None:
    query = dns.message.make_query(HOST, "A")
    async with Control("control", ControlOptions(), testbed.origin, Limits()) as line:
        dialled = await line.datagrams(DialRequest(host="dns.accredit.test", port=853))
        assert dialled.opened is not None
        answer = await ask_over_quic(
            dialled.opened, query.to_wire(), "dns.accredit.test", testbed.origin.authority,
            perf_counter() + PATIENCE,
        )  # fmt: skip
        dialled.opened.close()

    assert "127.0.0.1" in str(dns.message.from_wire(answer).answer[0])


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("h3 version=3", "version=3 is unknown"),
        ("h3 split=maybe", "split=maybe is unknown"),
        ("h3 port=0", "'0' is not a port"),
        ("h3 sni={nobody}", "unknown placeholder"),
        ("webtransport carry=capsules", "carry=capsules is unknown"),
        ("masque carry=streams", "carry=streams is unknown"),
        ("masque host=a", "'host=a' is no option"),
    ],
)
def test_a_statement_with_an_unknown_option_is_refused(statement: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_statement(statement)


def test_the_probe_says_which_item_is_wrong() -> None:
    item = Item(
        id="x", value="h3 version=3", kind="vector", labels=("MALW.BYPASS",), registrable=HOST,
        stratum="MALW.BYPASS/way:quic:h3:http",
    )  # fmt: skip
    with pytest.raises(UsageError, match="item 'x': step 'h3': version=3"):
        Techniques().fits(item)
