"""DEV-03 on a real device: its default route changes while the real command checks ten times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness import pipeline
from harness.estimate.moment_metrics import FEWEST, MomentTest, moment_tests
from harness.judge.composite_measurements import judge_maker
from harness.model.outcome import Conformity, Outcome
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.moved_device import MovedDevice, Networks, networks, rest, said
from test_suites.kit.campaigns.ranges import is_blocked
from test_suites.kit.campaigns.rehearsal import read_rehearsal

NOWHERE = 1.5
"""Seconds without a route."""
OPEN = 1.0
"""Seconds for which the second gateway does not filter."""
SLOW = "checks were"
"""What is said of a machine that is too slow to show a moment."""


@pytest.fixture
def between() -> Iterator[Networks]:
    with networks() as made:
        yield made


@pytest.fixture
def world(between: Networks, tmp_path: Path) -> Iterator[RangeTestbed]:
    del between  # where there are none, no range is started
    policy = FilterPolicy(blocks=is_blocked)
    with RangeTestbed.running(tmp_path / "w", policy=policy, profiles=("pupils",)) as world:
        yield world


async def changed(device: MovedDevice, lasts: str, fault: Fault | None) -> str:
    """Run the command while the route changes; the second gateway has a fault at first."""
    process = await device.start("network", "--for", lasts)
    await said(process, "now change to another network")
    device.networks.route(None)
    await asyncio.sleep(NOWHERE)
    if fault is not None:
        device.world.faults.add(fault)
    device.networks.route(2)
    if fault is not None:
        await asyncio.sleep(OPEN)
        device.world.faults.remove(fault)
    text, code = await rest(process)
    assert code == 0, text
    return text


def seen(device: MovedDevice) -> tuple[MomentTest, Outcome]:
    """The test of the moment, and the outcome as if the items had been measured."""
    folder = device.folder / "out/rehearsal/journal"
    with closing(open_journal(folder)) as journal:
        checks = judge_maker(journal)().records.availability
    (test,) = moment_tests(checks.of("device", "pupils").checks)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "bar_incomplete", lambda measured, _: tuple(measured))
        return test, read_rehearsal(folder).outcome("DEV-03", "device")


async def test_a_gateway_that_does_not_filter_for_one_second_is_found(
    world: RangeTestbed, between: Networks, tmp_path: Path
) -> None:
    async with MovedDevice(world, between, tmp_path) as device:
        await changed(device, "7s", Fault(kind=FaultKind.OFF))

    test, found = seen(device)
    assert test.returns
    assert found.conformity is Conformity.DOES_NOT_CONFORM, found.reasons
    assert found.metric.k >= 1
    assert "after the network returned" in found.witnesses[0].saw[0]


async def test_a_gateway_that_filters_from_the_first_packet_leaks_nothing(
    world: RangeTestbed, between: Networks, tmp_path: Path
) -> None:
    async with MovedDevice(world, between, tmp_path) as device:
        text = await changed(device, "16s", None)

    test, found = seen(device)
    assert "device: 0 ordinary pages" not in text
    assert test.returns, "no ordinary page came without a route"
    assert len(test.blocked) >= FEWEST
    assert (found.metric.k, found.witnesses) == (0, ())
    assert found.conformity is Conformity.INSUFFICIENT, "it is one test of eight"
    assert test.objection == "" or SLOW in test.objection
