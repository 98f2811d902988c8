"""Other name servers over the range: the control shows each, and what stops one is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.facts import TechniqueFacts
from harness.model.observation import Timings
from harness.ports.streams import Dialled, DialRequest
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions, ResolverLine, ResolverOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.techniques import HOST, PAGE, obstacle_of, sighting, technique, tried

POLICY = FilterPolicy(
    categories={HOST: "MALW.BYPASS"},
    blocks=lambda code, _: code == "MALW.BYPASS",
)
BLOCKED = {"dns_nxdomain_error": "resolve"}


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path, policy=POLICY) as up:
        yield up


def control(bed: RangeTestbed, ports: dict[int, int] | None = None) -> Control:
    changed = bed.origin.ports | (ports or {})
    return Control("control", ControlOptions(ports=changed), bed.origin, Limits())


def filtered(bed: RangeTestbed) -> ResolverLine:
    server = bed.origin.services["reference"]["resolver"]["ks2"]
    return ResolverLine("r", ResolverOptions(server=server), bed.origin, Limits())


def resolver_port(bed: RangeTestbed) -> int:
    return int(bed.origin.services["reference"]["resolver"]["ks2"].rpartition(":")[2])


@pytest.mark.parametrize(
    "step",
    [
        "dns over=udp",
        "dns over=udp type=HTTPS name={host:labels}.svcb.{zone}",
        "dns over=udp cd=yes case=mixed",
        "dns over=tcp",
        "dns over=tls",
        "dns over=tls server={resolver}",
        "dns over=https",
        "dns over=https method=GET",
        "dns over=https server={resolver}",
        "dns over=https server={resolver} at={ip}",
        "dns over=https server={random}.{zone}",
        "dns over=https server={allowed} path=/static/{random}/img",
        "dns over=https server={allowed} path=/static/{random}/img?size=2 method=GET",
        "dns over=quic",
        "dns over=quic server={resolver}",
        "dns over=json",
        "dns over=json server={resolver} path=/resolve?ct=1",
        "dns over=ddr",
        "dns over=own",
        "dns over=own case=mixed cd=yes",
        "dns over=own name={host:labels}.alias.{zone}",
        "dns over=own type=HTTPS name={host:labels}.svcb.{zone}",
    ],
)
async def test_the_control_shows_each_way_to_ask(bed: RangeTestbed, step: str) -> None:
    async with control(bed) as line:
        result = await tried(f"{step} | {PAGE}", line)

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.failure, result.facts.canary) == (None, "seen")
    assert [sent.step for sent in result.facts.sent[:1]] == ["dns"]


@pytest.mark.parametrize(
    ("step", "canary"),
    [
        ("dns over=udp", "seen"),
        ("dns over=https server={random}.{zone}", "seen"),
        ("dns over=own", "absent"),
        ("dns over=own case=mixed cd=yes", "absent"),
        ("dns over=own name={host:labels}.alias.{zone}", "absent"),
        ("dns over=own type=HTTPS name={host:labels}.svcb.{zone}", "absent"),
    ],
)
async def test_a_filter_in_dns_is_passed_by_asking_elsewhere(
    bed: RangeTestbed, step: str, canary: str
) -> None:
    async with filtered(bed) as line:
        result = await tried(f"{step} | {PAGE}", line)

    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.canary == canary
    if canary == "absent":
        assert result.failure is not None
        assert {result.failure.name: result.failure.stage} == BLOCKED


async def test_a_resolver_that_designates_no_other_stops_the_discovery(bed: RangeTestbed) -> None:
    async with filtered(bed) as line:
        result = await tried(f"dns over=ddr | {PAGE}", line)
        bed.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({"_dns.resolver.arpa"})))

        assert await sighting(f"dns over=ddr | {PAGE}", line) == "seen"
    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("dns_no_answer", "resolve")


@pytest.mark.parametrize("over", ["udp", "tcp"])
async def test_an_interceptor_of_foreign_name_servers_is_seen_in_its_answer(
    bed: RangeTestbed, over: str
) -> None:
    async with control(bed, {53: resolver_port(bed)}) as line:
        result = await tried(f"dns over={over} | {PAGE}", line)
        bed.faults.add(Fault(kind=FaultKind.SINKHOLE))
        sunk = await tried(f"dns over={over} | {PAGE}", line)
        bed.faults.add(Fault(kind=FaultKind.SINKHOLE, address="0.0.0.0"))
        bogus = await tried(f"dns over={over} | {PAGE}", line)

    assert result.failure is not None
    assert {result.failure.name: result.failure.stage} == BLOCKED
    assert sunk.failure is not None
    assert (sunk.failure.name, sunk.failure.stage) == ("connection_refused", "connect")
    assert bogus.failure is not None
    assert (bogus.failure.name, bogus.failure.stage) == ("dns_bogon_error", "resolve")


async def test_a_false_certificate_of_a_name_server_ends_the_attempt(bed: RangeTestbed) -> None:
    async with control(bed, {853: bed.origin.ports[80]}) as line:
        result = await tried(f"dns over=tls server={{resolver}} | {PAGE}", line)

    assert result.failure is not None
    assert result.failure.stage == "tls"


async def test_a_certificate_for_another_name_ends_the_attempt(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path, encrypted=True) as bed:
        url = bed.origin.services["reference"]["resolver_tls"]["ks2"]
        async with control(bed, {853: int(url.rpartition(":")[2])}) as line:
            result = await tried(f"dns over=tls server={{allowed}} | {PAGE}", line)

            assert await sighting(f"dns over=tls | {PAGE}", line) == "seen", "no name is checked"
    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("ssl_invalid_hostname", "tls")


@pytest.mark.parametrize("step", ["dns over=udp", "dns over=quic", "dns over=own", "dns over=ddr"])
async def test_a_proxy_carries_no_dns(bed: RangeTestbed, step: str) -> None:
    url = bed.origin.services["reference"]["proxy"]["ks2"]
    async with ExplicitProxy("p", ExplicitProxyOptions(proxy=url), bed.origin, Limits()) as line:
        result = await tried(f"{step} | {PAGE}", line)

        assert await sighting(f"dns over=https server={{resolver}} | {PAGE}", line) == "absent"
    assert "line 'p'" in obstacle_of(result)


@pytest.mark.parametrize(
    "step",
    [
        "over=smoke", "at", "port=0", "port=65536", "type=TXT", "method=PUT", "cd=no", "case=upper",
        "name={nobody}",
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_read_is_refused(step: str) -> None:
    with pytest.raises(UsageError, match="step 'dns'"):
        Techniques().fits(technique(f"dns {step}"))


class Played:
    """A line whose streams and sockets are played by functions of what was sent to them."""

    carries = frozenset({"dial", "datagrams"})
    name = "played"

    def __init__(self, bed: RangeTestbed, play: Callable[[str, bytes], list[bytes]]) -> None:
        self.origin = bed.origin
        self.play = play

    async def dial(self, request: DialRequest) -> Dialled[Any]:
        del request
        return Dialled(timings=Timings(), opened=Played.End("stream", self.play))

    async def datagrams(self, request: DialRequest) -> Dialled[Any]:
        del request
        return Dialled(timings=Timings(), opened=Played.End("datagram", self.play))

    class End:
        def __init__(self, kind: str, play: Callable[[str, bytes], list[bytes]]) -> None:
            self.kind, self.play, self.due = kind, play, list[bytes]()

        async def write(self, data: bytes) -> None:
            self.due += self.play(self.kind, data)

        send = write

        async def read(self) -> bytes:
            return self.due.pop(0) if self.due else b""

        receive = read

        async def start_tls(self, trust: object, host: str) -> None:
            del trust, host

        def close(self) -> None:
            self.due.clear()


async def test_a_block_page_instead_of_an_answer_is_recorded(bed: RangeTestbed) -> None:
    page = b"HTTP/1.1 403 No\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\nblocked"
    result = await tried(f"dns over=https | {PAGE}", Played(bed, lambda kind, data: [page]))

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.facts.status, result.facts.canary) == (403, "absent")
    assert result.failure is not None
    assert result.failure.name == "http_invalid_response"
    assert "403, text/html" in result.failure.detail


@pytest.mark.parametrize("over", ["https", "json"])
async def test_an_answer_to_another_question_is_none(bed: RangeTestbed, over: str) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone"
    result = await tried(f"dns over={over} | {PAGE}", Played(bed, lambda kind, data: [page]))

    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("http_invalid_response", "resolve")


async def test_a_truncated_answer_is_asked_for_again_over_tcp(bed: RangeTestbed) -> None:
    asked: list[str] = []

    def play(kind: str, data: bytes) -> list[bytes]:
        asked.append(kind)
        query = dns.message.from_wire(data if kind == "datagram" else data[2:])
        response = dns.message.make_response(query)
        if kind == "datagram":
            response.flags |= dns.flags.TC
            stray = dns.message.make_response(dns.message.make_query("a.test", "A"))
            return [b"no message", stray.to_wire(), response.to_wire()]
        response.set_rcode(dns.rcode.REFUSED)
        wire = response.to_wire()
        return [bytes((0,)), bytes((len(wire),)) + wire]

    result = await tried(f"dns over=udp | {PAGE}", Played(bed, play))

    assert asked == ["datagram", "stream"]
    assert result.failure is not None
    assert result.failure.name == "dns_refused_error"


@pytest.mark.parametrize(
    ("answer", "name"), [([], "eof_error"), ([b"\0\3abc"], "dns_server_misbehaving")]
)
async def test_half_an_answer_over_tcp_is_an_error(
    bed: RangeTestbed, answer: list[bytes], name: str
) -> None:
    result = await tried(f"dns over=tcp | {PAGE}", Played(bed, lambda kind, data: list(answer)))

    assert result.failure is not None
    assert result.failure.name == name
