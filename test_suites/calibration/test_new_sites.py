"""UPD-02 and UPD-03: new sites and reported ones are polled until the service follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from corpora.new_sites import new_sites, new_sites_text
from harness.campaign.events_file import TimedEvent, read_events
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.watch import watch
from harness.estimate.discovery import KNOWN, PLAIN
from harness.estimate.waits import NOT_RECORDED, NOT_SEEN_BEFORE
from harness.model.outcome import Conformity, Outcome
from harness.model.plain_twin import twin_of
from harness.model.timed_event import Asks
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from probes.range.zone import TWIN_ZONE, ZONE
from test_suites.calibration.test_timed_events import StandingClock
from test_suites.kit.campaigns.ranges import proxy_campaign, world_of
from test_suites.kit.campaigns.rehearsal import rehearse

PAGES = new_sites("a secret of this test", (), ("DRUG", "VIOL"), plain=16, known=4)
SITES = frozenset(PAGES.contents)
UNKNOWN = frozenset(row["value"] for row in PAGES.rows if row["place"] == "plain")
"""Sites that are polled under the names of their plain twins."""
OPEN = [f"loc-jobs-{number:03}.canary.accredit.test" for number in range(1, 22)]
BLOCKED = [f"drug-{number:03}.canary.accredit.test" for number in range(1, 22)]
SCHEME = """\
id: our-school
version: "1.0"
title: Updates
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{id: UPD-02, n_min: 21}, {id: UPD-03, n_min: 16}]
"""
HOUR, DAY = 3600.0, 86_400.0
FRIDAY = datetime(2026, 3, 6, 12, tzinfo=UTC)


world = world_of(PAGES)
"""A filter that reads pages, and an origin with new sites."""


@pytest.fixture
def clock(world: RangeTestbed) -> Iterator[StandingClock]:
    """The clock of the origin and of the campaign; the first site changes in an hour."""
    standing = StandingClock()
    standing.time = FRIDAY
    world.change.at, world.change.now = FRIDAY + timedelta(hours=1), standing.now
    yield standing
    world.faults.clear()


Watch = Callable[..., bool]


@pytest.fixture
def watched(world: RangeTestbed, clock: StandingClock, tmp_path: Path) -> Watch:
    """Poll events of a campaign; returns whether the service followed all of them."""
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    path = proxy_campaign(world, tmp_path, "DRUG")

    def run(
        events: list[TimedEvent], polls: int, every: float, told: dict[str, datetime] | None = None
    ) -> bool:
        prepared = prepare(path)
        paths = CampaignPaths(out=tmp_path / "out", campaign=prepared.campaign.campaign)
        options: dict[str, Any] = {"every": every, "polls": polls, "clock": clock}
        return watch(prepared, events, told or {}, paths, sleep=clock.sleep, **options)

    return run


@pytest.fixture
def sites(world: RangeTestbed, tmp_path: Path) -> list[TimedEvent]:
    """The events of the new sites, read from the file that an origin writes."""
    file = tmp_path / "new-sites.yaml"
    assert world.change.at is not None
    text = new_sites_text(PAGES, world.change.at, lambda host: twin_of(host, ZONE, TWIN_ZONE))
    file.write_text(text)
    return list(read_events(file))


def outcome(folder: Path, requirement: str) -> Outcome:
    """Measure the campaign whose events were polled, and conclude it."""
    return rehearse(folder / "campaign.yaml").outcome(requirement, "proxy")


def parts(found: Outcome) -> dict[str, tuple[int, int]]:
    return {one.group: (one.metric.k, one.metric.n) for one in found.metric.parts}


def test_new_sites_that_are_blocked_within_a_day_conform(
    watched: Watch, sites: list[TimedEvent], tmp_path: Path
) -> None:
    assert watched(sites, polls=7, every=12 * HOUR)
    found = outcome(tmp_path, "UPD-03")

    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert parts(found) == {
        f"{PLAIN}: 0.5 quantile": (16, 16),
        f"{PLAIN}: 0.9 quantile": (16, 16),
        f"{KNOWN}: 0.5 quantile": (4, 4),
        f"{KNOWN}: 0.9 quantile": (4, 4),
    }


def test_new_sites_that_stay_open_do_not_conform(
    watched: Watch, world: RangeTestbed, sites: list[TimedEvent], tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.UNREAD, hosts=SITES))

    assert not watched(sites, polls=4, every=36 * HOUR)
    assert outcome(tmp_path, "UPD-03").conformity is Conformity.DOES_NOT_CONFORM


def test_a_service_that_follows_in_the_testers_zone_alone_does_not_conform(
    watched: Watch, world: RangeTestbed, sites: list[TimedEvent], tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.UNREAD, hosts=UNKNOWN))

    assert not watched(sites, polls=4, every=36 * HOUR)
    found = outcome(tmp_path, "UPD-03")
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert parts(found)[f"{KNOWN}: 0.5 quantile"] == (4, 4)


def test_sites_that_were_blocked_before_show_nothing(
    watched: Watch, world: RangeTestbed, sites: list[TimedEvent], tmp_path: Path
) -> None:
    """A supplier that knows the sites beforehand has discovered nothing."""
    world.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=UNKNOWN))

    assert not watched(sites, polls=4, every=36 * HOUR)
    found = outcome(tmp_path, "UPD-03")
    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.left_out == {NOT_SEEN_BEFORE: 16}


def reports() -> list[TimedEvent]:
    reported: dict[Asks, list[str]] = {"block": OPEN, "allow": BLOCKED}
    return [
        TimedEvent(id=f"{asks}-{n}", kind="report", at=host, category="GAMB", asks=asks)
        for asks, hosts in reported.items()
        for n, host in enumerate(hosts)
    ]


def reported(watched: Watch, world: RangeTestbed, clock: StandingClock, days: float) -> bool:
    """Report sites on a Friday; the supplier corrects them after so many days."""
    events = reports()
    watched(events, 1, HOUR)
    clock.time += timedelta(seconds=1)
    told = {each.id: clock.time for each in events}
    clock.time += timedelta(days=1)
    watched(events, 1, HOUR, told)
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=frozenset(OPEN)))
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset(BLOCKED)))
    clock.time += timedelta(days=days - 1)
    return watched(events, 2, HOUR)


def test_reports_that_take_effect_within_five_working_days_conform(
    watched: Watch, world: RangeTestbed, clock: StandingClock, tmp_path: Path
) -> None:
    """From one Friday to the next are seven days, of which five are working days."""
    assert reported(watched, world, clock, days=6.9)
    found = outcome(tmp_path, "UPD-02")

    assert found.conformity is Conformity.CONFORMS, found.reasons
    assert found.metric.upper is not None
    assert 4.8 * DAY < found.metric.upper < 5 * DAY


def test_reports_that_take_longer_do_not_conform(
    watched: Watch, world: RangeTestbed, clock: StandingClock, tmp_path: Path
) -> None:
    watched(reports(), 1, HOUR)
    clock.time += timedelta(seconds=1)
    told = {each.id: clock.time for each in reports()}
    clock.time += timedelta(days=8)

    assert not watched(reports(), 2, HOUR, told)
    assert outcome(tmp_path, "UPD-02").conformity is Conformity.DOES_NOT_CONFORM


def test_reports_that_nobody_recorded_decide_nothing(
    watched: Watch, world: RangeTestbed, tmp_path: Path
) -> None:
    watched(reports(), 2, HOUR)
    found = outcome(tmp_path, "UPD-02")

    assert found.conformity is Conformity.INSUFFICIENT
    assert found.metric.left_out == {NOT_RECORDED: 21}
