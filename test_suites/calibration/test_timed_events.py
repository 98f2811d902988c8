"""DYN-09: pages whose content changes are polled until the service follows, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from corpora.changing_pages import changing_pages, events_text
from harness.campaign.events_file import read_events
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.watch import watch
from harness.errors import UsageError
from harness.estimate.waits import NOT_SEEN_BEFORE
from harness.model.outcome import Conformity, Outcome
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_campaign, world_of
from test_suites.kit.campaigns.rehearsal import rehearse

PAGES = changing_pages("a secret of this test", categories=("DRUG", "VIOL"))
HARMFUL, HARMLESS = (
    frozenset(host for host, page in PAGES.contents.items() if page.becomes == becomes)
    for becomes in ("harmful", "harmless")
)
SCHEME = """\
id: our-school
version: "1.0"
title: Pages whose content changes
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{id: DYN-09}]
"""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = NOON + timedelta(minutes=30)
HOUR = 3600.0


class StandingClock:
    """A clock that stands still but in pauses."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return perf_counter()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


world = world_of(PAGES)


@pytest.fixture
def clock(world: RangeTestbed) -> Iterator[StandingClock]:
    """The clock of the origin and of the campaign; the origin's pages change at ``CHANGE``."""
    standing = StandingClock()
    world.change.at, world.change.now = CHANGE, standing.now
    yield standing
    world.faults.clear()


Watch = Callable[..., bool]


@pytest.fixture
def watched(world: RangeTestbed, clock: StandingClock, tmp_path: Path) -> Watch:
    """Poll the pages of a campaign; returns whether the service followed all events."""
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    path = proxy_campaign(world, tmp_path, "DRUG")
    events = tmp_path / "changes.yaml"
    events.write_text(events_text(PAGES, CHANGE))

    def run(polls: int, every: float = HOUR, told: Any = None) -> bool:
        prepared = prepare(path)
        paths = CampaignPaths(out=tmp_path / "out", campaign=prepared.campaign.campaign)
        options: dict[str, Any] = {"every": every, "polls": polls, "clock": clock}
        events_read = read_events(events)
        return watch(prepared, events_read, told or {}, paths, sleep=clock.sleep, **options)

    return run


def outcome(folder: Path) -> Outcome:
    """Measure the campaign whose pages were polled, and conclude it."""
    return rehearse(folder / "campaign.yaml").outcome("DYN-09", "proxy")


def test_a_filter_that_follows_both_ways_conforms(watched: Watch, tmp_path: Path) -> None:
    assert watched(polls=5)
    found = outcome(tmp_path)

    assert found.conformity is Conformity.CONFORMS
    assert found.metric.value == 1800.0
    assert [(each.metric.k, each.metric.n) for each in found.metric.parts] == [(12, 12)] * 2


@pytest.mark.parametrize(
    ("fault", "limit"),
    [
        (Fault(kind=FaultKind.UNREAD, hosts=HARMFUL), timedelta(hours=24)),
        (Fault(kind=FaultKind.PAGE_403, hosts=HARMLESS), timedelta(days=30)),
    ],
)
def test_a_filter_that_never_looks_again_does_not_conform(
    watched: Watch, world: RangeTestbed, tmp_path: Path, fault: Fault, limit: timedelta
) -> None:
    world.faults.add(fault)

    assert not watched(polls=4, every=limit.total_seconds() / 2)
    found = outcome(tmp_path)

    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert found.metric.k == 0


def test_a_filter_that_blocks_it_all_has_followed_nothing(
    watched: Watch, world: RangeTestbed, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=HARMFUL))

    assert not watched(polls=4)
    found = outcome(tmp_path)

    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.parts[0].metric.left_out == {NOT_SEEN_BEFORE: 12}


def test_a_filter_that_is_switched_off_has_followed_nothing(
    watched: Watch, world: RangeTestbed, tmp_path: Path
) -> None:
    watched(polls=1)
    world.faults.add(Fault(kind=FaultKind.OFF))

    assert not watched(polls=3)
    world.faults.clear()
    found = outcome(tmp_path)
    assert found.conformity is Conformity.INSUFFICIENT
    assert [each.metric.n for each in found.metric.parts] == [0, 0]


def test_pages_that_did_not_change_show_nothing(
    watched: Watch, world: RangeTestbed, tmp_path: Path
) -> None:
    world.change.at = None

    assert not watched(polls=4, every=24 * HOUR)
    assert outcome(tmp_path).conformity is Conformity.INSUFFICIENT


def test_without_polls_nothing_is_decided(watched: Watch, tmp_path: Path) -> None:
    found = outcome(tmp_path)

    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.n == 0


def test_polls_go_on_where_they_were_ended(watched: Watch, clock: StandingClock) -> None:
    assert not watched(polls=1)
    clock.time += timedelta(hours=1)
    assert not watched(polls=1)
    clock.time += timedelta(hours=1)

    assert watched(polls=1)


def test_an_event_never_changes_its_time(watched: Watch, tmp_path: Path) -> None:
    watched(polls=1)
    (tmp_path / "changes.yaml").write_text(events_text(PAGES, CHANGE + timedelta(hours=1)))

    with pytest.raises(UsageError, match=r"becomes-harmful-01.*another id"):
        watched(polls=1)
