"""Tunnels in control protocols over the range: the control shows each, a careful resolver none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.facts import TechniqueFacts
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions, ResolverLine, ResolverOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.techniques import (
    HOST,
    attempt_of,
    obstacle_of,
    sighting,
    technique,
    tried,
)

TUNNELS = {
    "dns-tunnel": ("dns", "TXT tunnel"),
    "dns-tunnel type=NULL": ("dns", "NULL tunnel"),
    "dns-tunnel type=CNAME": ("dns", "CNAME tunnel"),
    "ntp-tunnel": ("udp", "ntp"),
    "turn": ("udp", "turn"),
    "turn over=tcp": ("tcp", "turn"),
}
"""How the questions of each arrive at the origin."""


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    async with RangeTestbed(tmp_path) as up:
        yield up


def control(bed: RangeTestbed, ports: dict[int, int] | None = None) -> Control:
    changed = bed.origin.ports | (ports or {})
    return Control("control", ControlOptions(ports=changed), bed.origin, Limits())


@pytest.mark.parametrize("statement", TUNNELS)
async def test_the_control_shows_each_tunnel(bed: RangeTestbed, statement: str) -> None:
    async with control(bed) as line:
        result = await tried(statement, line)
        marker = attempt_of(statement, bed.origin, line.name).marker

    assert isinstance(result.facts, TechniqueFacts)
    assert (result.failure, result.facts.canary, result.facts.status) == (None, "seen", 200)
    assert {sent.step for sent in result.facts.sent} == {statement.split(maxsplit=1)[0]}
    arrived = [each for each in bed.log.arrivals(HOST) if each.nonce]
    assert {(each.over, each.method) for each in arrived} == {TUNNELS[statement]}
    assert marker is not None
    assert {each.nonce for each in arrived} == {marker.nonce}


@pytest.mark.parametrize("kind", ["TXT", "NULL", "CNAME"])
async def test_a_careful_resolver_passes_on_no_tunnel(bed: RangeTestbed, kind: str) -> None:
    server = bed.origin.services["reference"]["resolver"]["ks2"]
    async with ResolverLine("r", ResolverOptions(server=server), bed.origin, Limits()) as line:
        result = await tried(f"dns-tunnel type={kind}", line)
        stopped = bed.log.arrivals(HOST)
        bed.faults.add(Fault(kind=FaultKind.OFF))

        assert await sighting(f"dns-tunnel type={kind}", line) == "seen"
    assert result.failure is not None
    assert (result.failure.name, result.failure.stage) == ("dns_nxdomain_error", "resolve")
    assert stopped == ()


@pytest.mark.parametrize("statement", [*TUNNELS, "icmp-tunnel"])
async def test_a_proxy_carries_tcp_alone(bed: RangeTestbed, statement: str) -> None:
    url = bed.origin.services["reference"]["proxy"]["ks2"]
    async with ExplicitProxy("p", ExplicitProxyOptions(proxy=url), bed.origin, Limits()) as line:
        result = await tried(statement, line)

    if statement == "turn over=tcp":
        assert result.failure is not None
        assert result.failure.stage == "tunnel"
    else:
        assert "line 'p'" in obstacle_of(result)


async def test_a_relay_that_knows_no_turn_ends_the_attempt(bed: RangeTestbed) -> None:
    async with control(bed, {3478: bed.origin.ports[80]}) as line:
        result = await tried("turn over=tcp", line)

    assert result.failure is not None
    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.canary == "absent"


@pytest.mark.parametrize(
    "statement",
    ["dns-tunnel type=MX", "ntp-tunnel port=x", "icmp-tunnel port=1", "turn over=sctp"],
)
def test_a_step_that_cannot_be_read_is_refused(statement: str) -> None:
    with pytest.raises(UsageError, match="step '"):
        Techniques().fits(technique(statement))
