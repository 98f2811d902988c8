"""Products under load: every verdict is correct or *insufficient*."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.model.corpus import Item
from probes.range.testbed import RangeTestbed
from test_suites.kit.clocks.sizes import only_full, sized
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.load import busy
from test_suites.products.measured import SENTINEL, Measured, canaries, measure_through
from test_suites.products.squid import Reply as SquidReply
from test_suites.products.squid import Squid
from test_suites.products.unbound import Reply as UnboundReply
from test_suites.products.unbound import Unbound

PATIENT = {"timeout": 4.0, "confirmation_timeout": 8.0, "silence_timeout": 10.0}
"""Long timeouts: every request is answered in the end, which takes long on a slow machine."""

CROWDED = {"concurrency": 200}
"""More concurrent requests than any of these products can answer promptly."""

Measure = Callable[..., Measured]


def chosen_items(number: int) -> tuple[list[Item], list[str]]:
    """Items, and the hosts of those that are denied."""
    chosen = canaries({"PORN": number, "twin:PORN": number})
    denied = [item.host for item in chosen["PORN"]]
    return [item for some in chosen.values() for item in some], denied


def denying(hosts: Iterable[str], reply: str) -> BlockList:
    return BlockList(name="denied", hosts=(SENTINEL, *hosts), reply=reply)


def assert_right_idle_and_under_load(
    measure: Measure, world: RangeTestbed, denied: list[str]
) -> None:
    first, second = measure(out="first"), measure(out="second")
    with busy():
        loaded = measure(out="loaded", limits={**PATIENT, **CROWDED})

    for measured in (first, second, loaded):
        assert [] == measured.contradicted(world.log, denied)
    for measured in (first, second):
        assert measured.decided_share >= 0.99
    for probe in {verdict.key.probe for verdict in first.verdicts}:
        assert first.fates(probe) == second.fates(probe)


@pytest.mark.product("squid")
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "reply", [SquidReply.RESET, pytest.param(SquidReply.PAGE_503, marks=only_full)]
)
def test_squid_gets_correct_verdicts_idle_and_under_load(
    tmp_path: Path, start_range: StartRange, reply: SquidReply
) -> None:
    items, denied = chosen_items(sized(20, 50))
    world = start_range()

    with Squid(world.origin, [denying(denied, reply)], {"ks2": ["denied"]}) as squid:
        line = squid_line(squid, ["web", "web_https"])
        measure = partial(measure_through, tmp_path, line, items, limits=PATIENT)
        assert_right_idle_and_under_load(measure, world, denied)


@pytest.mark.product("squid")
@pytest.mark.timeout(240)
def test_slow_answers_of_squid_are_not_judged_as_silent_drops(
    tmp_path: Path, start_range: StartRange
) -> None:
    items, denied = chosen_items(sized(15, 40))
    world = start_range()

    with Squid(
        world.origin,
        [denying(denied, SquidReply.PAGE)],
        {"ks2": ["denied"]},
        bytes_per_second=sized(7_500, 20_000),
    ) as squid:
        measured = measure_through(tmp_path, squid_line(squid, ["web"]), items, limits=CROWDED)

    assert [] == measured.contradicted(world.log, denied)
    assert any(verdict.state == "allowed" for verdict in measured.verdicts)


@pytest.mark.product("unbound")
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "reply", [UnboundReply.NXDOMAIN, pytest.param(UnboundReply.REFUSED, marks=only_full)]
)
def test_unbound_gets_correct_verdicts_idle_and_under_load(
    tmp_path: Path, start_range: StartRange, reply: UnboundReply
) -> None:
    items, denied = chosen_items(sized(20, 50))
    world = start_range()

    with Unbound(world.origin, [denying(denied, reply)], {"ks2": ["denied"]}) as unbound:
        line = {
            "name": "resolver",
            "type": "resolver",
            "options": {"server": unbound.server("ks2")},
            "probes": ["dns", "web"],
        }
        measure = partial(measure_through, tmp_path, line, items, limits=PATIENT)
        assert_right_idle_and_under_load(measure, world, denied)


def squid_line(squid: Squid, probes: list[str]) -> dict[str, Any]:
    return {
        "name": "proxy",
        "type": "explicit_proxy",
        "options": {"proxy": squid.proxy("ks2")},
        "probes": probes,
    }
