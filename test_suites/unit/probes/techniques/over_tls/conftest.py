"""A range, up once for the tests of this folder, and statements that are tried over its lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Line, ProbeResult
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions, ResolverLine, ResolverOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.testbed import RangeTestbed, running

HOST = "cv-001.ways.accredit.test"
Try = Callable[..., Awaitable[ProbeResult]]


@pytest.fixture(scope="package")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A range on its own thread."""
    directory = tmp_path_factory.mktemp("range")
    with running(directory, dual_stack=True) as world:
        yield world


@pytest.fixture
def world(standing: RangeTestbed) -> RangeTestbed:
    standing.faults.clear()
    return standing


@pytest.fixture
def attempt(world: RangeTestbed) -> Try:
    """Try a statement over ``line``: the control, the filtering proxy or the resolver."""

    async def attempt(statement: str, line: str = "control", patience: float = 30) -> ProbeResult:
        async with line_of(world, line) as opened:
            return await tried(statement, opened, world, patience)

    return attempt


def line_of(world: RangeTestbed, name: str) -> Line:
    """Return a line of the range by its name."""
    origin, limits = world.origin, Limits()
    reference = origin.services["reference"]
    if name == "proxy":
        proxy = ExplicitProxyOptions(proxy=reference["proxy"]["ks2"])
        return ExplicitProxy(name, proxy, origin, limits)
    if name == "resolver":
        server = ResolverOptions(server=reference["resolver"]["ks2"])
        return ResolverLine(name, server, origin, limits)
    return Control(name, ControlOptions(), origin, limits)


async def tried(
    statement: str, line: Line, world: RangeTestbed, patience: float = 30
) -> ProbeResult:
    """Return the result of one attempt of a statement."""
    item = Item(
        id="cv-001", value=statement, kind="vector", labels=("MALW.BYPASS",), registrable=HOST,
        stratum="MALW.BYPASS/way:name:absent:https",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item=item.id, probe="techniques", line=line.name, profile="ks2")
    made = Attempt(
        key=key, item=item, limits=Limits(), timeout=patience, browser=1234567,
        marker=mark(world.origin.key, key, HOST),
    )  # fmt: skip
    probe = Techniques()
    assert probe.fits(item)
    return await probe.try_item(made, line)


def facts_of(result: ProbeResult) -> TechniqueFacts:
    """Return the facts of an attempt."""
    assert isinstance(result.facts, TechniqueFacts), result
    return result.facts
