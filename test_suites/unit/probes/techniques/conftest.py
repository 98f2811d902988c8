"""A range whose names have IPv6 addresses, and how its lines carry out statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.model.origin_zone import OriginZone
from harness.ports.network import Attempt, Line, Origin, ProbeResult
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS, ADDRESS_6, ZONE

HOST = "x-1.ways.accredit.test"
Try = Callable[..., Awaitable[ProbeResult]]


def attempt_of(origin: Origin, line: Line, statement: str, *, patience: float = 60) -> Attempt:
    """An attempt of a statement that wants the page of HOST."""
    item = Item(
        id="x", value=statement, kind="vector", labels=("MALW.BYPASS",), registrable=HOST,
        stratum="MALW.BYPASS/way:spelling:case:http",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item="x", probe="techniques", line=line.name, profile="ks2")
    return Attempt(
        key=key, item=item, limits=Limits(), timeout=patience, browser=1234567,
        marker=mark(origin.key, key, HOST),
    )  # fmt: skip


def facts_of(result: ProbeResult) -> TechniqueFacts:
    """The facts of a result."""
    assert isinstance(result.facts, TechniqueFacts), result.failure
    return result.facts


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[RangeTestbed]:
    policy = FilterPolicy(own={HOST: "MALW.BYPASS"})
    async with RangeTestbed(tmp_path, dual_stack=True, policy=policy) as testbed:
        zone = OriginZone(zone=ZONE, addresses=(ADDRESS, ADDRESS_6))
        testbed.origin = replace(testbed.origin, zones=(zone,))
        yield testbed


@pytest.fixture
async def over_control(bed: RangeTestbed) -> AsyncIterator[Try]:
    async with Control("control", ControlOptions(), bed.origin, Limits()) as line:

        async def attempt(statement: str, patience: float = 60) -> ProbeResult:
            tried = attempt_of(bed.origin, line, statement, patience=patience)
            return await Techniques().try_item(tried, line)

        yield attempt


@pytest.fixture
async def over_proxy(bed: RangeTestbed) -> AsyncIterator[Try]:
    proxy = bed.origin.services["reference"]["proxy"]["ks2"]
    options = ExplicitProxyOptions(proxy=proxy)
    async with ExplicitProxy("proxy", options, bed.origin, Limits()) as line:

        async def attempt(statement: str, patience: float = 60) -> ProbeResult:
            tried = attempt_of(bed.origin, line, statement, patience=patience)
            return await Techniques().try_item(tried, line)

        yield attempt
