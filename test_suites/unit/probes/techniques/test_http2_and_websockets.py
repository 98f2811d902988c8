"""A page arrives by HTTP/2 and by WebSockets, in each way that a statement can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Timings
from harness.ports.network import Attempt, ProbeResult
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.route import client_tls_context
from probes.net.websocket import accept_of
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from probes.techniques.steps import read_statement
from test_suites.kit.campaigns.techniques import obstacle_of

HOST, ALLOWED = "x-1.ways.accredit.test", "open.ways.accredit.test"
TUNNELLED = r"http1 GET / HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    policy = FilterPolicy(categories={HOST: "GAMB"})
    async with RangeTestbed(tmp_path, policy=policy) as testbed:
        yield testbed


class OverTls:
    """A line whose streams are behind TLS with one protocol."""

    def __init__(self, line: Control, world: RangeTestbed, protocol: str = "h2") -> None:
        self._line, self.name, self.origin = line, line.name, line.origin
        self._trust = client_tls_context(world.origin.authority, alpn=(protocol,))
        self.protocols: list[str] = []

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        dialled = await self._line.dial(replace(request, port=443))
        assert dialled.opened is not None
        await dialled.opened.start_tls(self._trust, request.host)
        self.protocols.append(getattr(dialled.opened, "alpn_protocol", ""))
        return dialled


class Played:
    """A line to a far end that sends these pieces, whatever it is asked for."""

    def __init__(self, world: RangeTestbed, *pieces: bytes) -> None:
        self.name, self.origin = "line", world.origin
        self._pieces = list(pieces)

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        del request
        return Dialled(timings=Timings(), opened=self)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None: ...
    async def start_tls(self, trust: object, host: str) -> None: ...
    def close(self) -> None: ...


async def carried(statement: str, line: Any) -> ProbeResult:
    """Carry out a statement for HOST over a line."""
    item = Item(
        id="x", value=statement, kind="vector", labels=("MALW.BYPASS",), registrable=HOST,
        stratum="MALW.BYPASS/way:name:authority:http",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item="x", probe="techniques", line=line.name, profile="ks2")
    marker = mark(line.origin.key, key, HOST)
    attempt = Attempt(
        key=key, item=item, limits=Limits(), timeout=60, marker=marker, browser=1234567
    )
    assert Techniques().fits(item)
    return await Techniques().try_item(attempt, line)


async def facts_of(statement: str, line: Any) -> TechniqueFacts:
    result = await carried(statement, line)
    assert result.failure is None
    assert isinstance(result.facts, TechniqueFacts)
    return result.facts


def control(world: RangeTestbed) -> Control:
    return Control("control", ControlOptions(), world.origin, Limits())


def proxy(world: RangeTestbed) -> ExplicitProxy:
    options = ExplicitProxyOptions(proxy=world.origin.services["reference"]["proxy"]["ks2"])
    return ExplicitProxy("proxy", options, world.origin, Limits())


def hosts_in_log(world: RangeTestbed) -> list[tuple[str, bool]]:
    """The hosts of all requests, and whether each carried the nonce."""
    web = [entry for entry in world.log.arrivals() if entry.over in ("http", "https")]
    return [(entry.host, bool(entry.nonce)) for entry in web]


BY_HTTP2 = {
    "prior knowledge": "h2",
    "fields": "h2 :path=/seeds :authority={host} x-note=a\\x20b",
    "another host": "h2 :authority={host} host={allowed}",
    "only a host": "h2 host={host}",
    "fragments": "h2 :authority={host} continuation=7",
    "one letter each": "h2 :authority={host} continuation=1",
    "capitals": "h2 :authority={host:upper} Host={allowed}",
}


@pytest.mark.parametrize("name", BY_HTTP2)
@pytest.mark.parametrize("secure", [False, True])
async def test_the_page_arrives_by_http2(world: RangeTestbed, name: str, secure: bool) -> None:
    async with control(world) as line:
        over = OverTls(line, world) if secure else line
        facts = await facts_of(BY_HTTP2[name], over)

    assert (facts.status, facts.canary) == (200, "seen")
    assert hosts_in_log(world) == [(HOST, True)]
    assert world.log.arrivals(HOST)[-1].over == ("https" if secure else "http")
    assert not secure or over.protocols == ["h2"]  # type: ignore[union-attr]
    assert [step.step for step in facts.sent] == ["h2"]


async def test_the_authority_decides_and_not_the_host(world: RangeTestbed) -> None:
    async with control(world) as line:
        facts = await facts_of("h2 :authority={allowed} host={host}", line)

    assert (facts.status, facts.canary) == (200, "absent")
    assert hosts_in_log(world) == [(ALLOWED, True)]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_connection_for_an_allowed_host_carries_the_request(
    world: RangeTestbed, secure: bool
) -> None:
    async with control(world) as line:
        over = OverTls(line, world) if secure else line
        facts = await facts_of("to host={allowed} | h2 first={allowed} :authority={host}", over)

    assert (facts.status, facts.canary) == (200, "seen")
    assert hosts_in_log(world) == [(ALLOWED, False), (HOST, True)]


@pytest.mark.parametrize(
    ("statement", "hosts"),
    [
        ("h2c", [(HOST, True)]),
        ("h2c :authority={host} :path=/seeds", [(HOST, True)]),
        ("h2c first={allowed} :authority={host}", [(ALLOWED, False), (HOST, True)]),
    ],
)
async def test_the_page_arrives_after_an_upgrade_to_http2(
    world: RangeTestbed, statement: str, hosts: list[tuple[str, bool]]
) -> None:
    async with control(world) as line:
        facts = await facts_of(statement, line)

    assert (facts.status, facts.canary) == (200, "seen")
    assert hosts_in_log(world) == hosts
    assert facts.sent[0].step == "h2c"


async def test_without_an_upgrade_the_answer_by_http1_counts(world: RangeTestbed) -> None:
    page = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nblocked"
    facts = await facts_of("h2c first={allowed} :authority={host} | h2", Played(world, page))

    assert (facts.status, facts.canary) == (403, "absent")
    assert [step.step for step in facts.sent] == ["h2c"]


@pytest.mark.parametrize("statement", ["h2", "h2 first={allowed} :authority={host}"])
async def test_a_block_page_by_http1_is_the_answer_to_http2(
    world: RangeTestbed, statement: str
) -> None:
    page = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nblocked"
    facts = await facts_of(statement, Played(world, page[:9], page[9:]))

    assert (facts.status, facts.canary) == (403, "absent")


async def test_a_far_end_that_speaks_no_http2_is_an_invalid_answer(world: RangeTestbed) -> None:
    result = await carried("h2", Played(world, b"220 mail ready for everybody\r\n"))

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("http_invalid_response", "response")


async def test_the_page_arrives_by_a_websocket(world: RangeTestbed) -> None:
    async with control(world) as line:
        facts = await facts_of("ws", line)

    assert (facts.status, facts.canary) == (101, "seen")
    assert hosts_in_log(world) == [(HOST, True)]


async def test_a_websocket_shows_the_page_of_the_host_that_it_names(world: RangeTestbed) -> None:
    async with control(world) as line:
        seen = await facts_of("to host={allowed} | ws host={host}", line)
        other = await facts_of("ws host={allowed}", line)

    assert (seen.canary, other.status, other.canary) == ("seen", 101, "absent")


async def test_a_websocket_that_is_not_accepted_is_an_answer(world: RangeTestbed) -> None:
    async with control(world) as line:
        plain = await facts_of("ws host=a.sites.{zone}", line)
        tunnel = await facts_of(f"ws-tunnel host=a.sites.{{zone}} | {TUNNELLED}", line)

    assert (plain.status, tunnel.status) == (200, 200)
    assert [step.step for step in tunnel.sent] == ["ws"]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_websocket_to_an_allowed_host_carries_a_request(
    world: RangeTestbed, secure: bool
) -> None:
    async with control(world) as line:
        over = OverTls(line, world, "http/1.1") if secure else line
        facts = await facts_of(f"to host={{allowed}} | ws-tunnel | {TUNNELLED}", over)

    assert (facts.status, facts.canary) == (200, "seen")
    assert hosts_in_log(world) == [(ALLOWED, False), (HOST, True)]


@pytest.mark.parametrize("parts", ["{cut}", "{cut}{cut}"])
async def test_a_request_may_come_in_several_messages(world: RangeTestbed, parts: str) -> None:
    async with control(world) as line:
        request = TUNNELLED.replace("GET", f"GET{parts}")
        facts = await facts_of(f"to host={{allowed}} | ws-tunnel | {request}", line)

    assert facts.canary == "seen"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (r"http1 GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 421),
        (r"http1 nonsense\r\n\r\n", 400),
        (r"http1 HEAD / HTTP/1.0\r\nHost: slow-1.special.{zone}\r\n\r\n", 200),
    ],
)
async def test_a_tunnel_leads_to_hosts_of_the_origin_alone(
    world: RangeTestbed, request_: str, status: int
) -> None:
    async with control(world) as line:
        result = await carried(f"to host={{allowed}} | ws-tunnel | {request_}", line)

    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.status == status


async def test_a_dead_host_gives_up_also_behind_a_tunnel(world: RangeTestbed) -> None:
    statement = f"to host={{allowed}} | ws-tunnel | {TUNNELLED}"
    async with control(world) as line:
        for host in (HOST, ALLOWED):
            fault = world.faults.add(Fault(kind=FaultKind.DEAD, hosts=frozenset({host})))
            result = await carried(statement, line)
            world.faults.remove(fault)

            assert result.failure is not None
            assert result.failure.stage == "response"


BAD_SOCKETS = {
    "no message": b"\x88\x00",
    "an invalid frame": b"\xff\xff",
}


@pytest.mark.parametrize("name", BAD_SOCKETS)
async def test_a_websocket_without_a_page_is_a_failure(world: RangeTestbed, name: str) -> None:
    result = await carried("ws", Accepting(world, BAD_SOCKETS[name]))

    assert result.failure is not None
    assert result.failure.stage == "response"


async def test_a_websocket_must_be_accepted_with_its_key(world: RangeTestbed) -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n"
    result = await carried("ws", Played(world, head))

    assert result.failure is not None
    assert "wrong key" in result.failure.detail


class Accepting(Played):
    """A far end that accepts a WebSocket and then sends these bytes."""

    async def write(self, data: bytes) -> None:
        for line in data.split(b"\r\n"):
            if line.startswith(b"Sec-WebSocket-Key: "):
                accepted = accept_of(line.partition(b": ")[2].decode())
                head = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "
                self._pieces.insert(0, f"{head}{accepted}\r\n\r\n".encode())


@pytest.mark.parametrize("statement", ["h2", "h2c", "ws", "h2 :authority={host} continuation=7"])
async def test_a_proxy_that_blocks_the_host_refuses_the_tunnel(
    world: RangeTestbed, statement: str
) -> None:
    async with proxy(world) as line:
        result = await carried(statement, line)

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.facts.tunnel_status, result.facts.canary) == (403, "absent")


@pytest.mark.parametrize(
    "statement",
    [
        "to host={allowed} | h2 first={allowed} :authority={host}",
        "to host={allowed} | h2c first={allowed} :authority={host}",
        "to host={allowed} | ws host={host}",
        f"to host={{allowed}} | ws-tunnel | {TUNNELLED}",
    ],
)
async def test_a_proxy_that_reads_no_tunnels_lets_them_through(
    world: RangeTestbed, statement: str
) -> None:
    async with proxy(world) as line:
        facts = await facts_of(statement, line)

    assert (facts.tunnel_status, facts.canary) == (200, "seen")


@pytest.mark.parametrize("step", ["h2", "h2c", "ws", "ws-tunnel"])
async def test_on_a_stream_of_requests_to_a_proxy_nothing_is_tried(
    world: RangeTestbed, step: str
) -> None:
    request = r"http1 GET http://{allowed}/ HTTP/1.1\r\nHost: {allowed}\r\n\r\n"
    async with proxy(world) as line:
        result = await carried(f"{request} | {step}", line)

    assert "proxy" in obstacle_of(result)


@pytest.mark.parametrize(
    "statement",
    ["h2 host", "h2 =x", "h2 continuation=x", "h2 continuation=5000", "h2c :path={nothing}",
     "h2 first={nothing}", "ws port=80", "ws-tunnel path={nothing}"],
)  # fmt: skip
def test_a_step_that_says_nothing_known_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match=r"step '(h2|h2c|ws|ws-tunnel)': "):
        read_statement(statement)


async def test_many_streams_of_many_clients_are_answered(world: RangeTestbed) -> None:
    async with control(world) as line:
        facts = await asyncio.gather(*(facts_of(BY_HTTP2["fragments"], line) for _ in range(20)))

    assert {each.canary for each in facts} == {"seen"}
