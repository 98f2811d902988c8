"""Checks at moments of a device overlap, and everything that was seen is written."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.assemble import read_campaign
from harness.cli.compose import prepare
from harness.cli.device import MomentTimes, check_moment
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import UnfinishedError
from harness.measure import moment_checks
from harness.measure.attempts import attempt
from harness.measure.moment_checks import AT_ONCE, PATIENCE
from harness.model.availability import checked_page
from harness.model.observation import CONTROL, Observation
from harness.model.timed_event import Moment
from harness.store.journal.journal import open_journal
from probes.range.zone import TWIN_ZONE
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

TURNS = 2000
"""Turns of the event loop for which a held attempt waits."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Device:
    """A campaign over a simulated line, tested by a clock that is set forward."""

    campaign: Path
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOON))
    told: list[datetime] = field(default_factory=list)

    @property
    def paths(self) -> CampaignPaths:
        name = read_campaign(self.campaign)[0].campaign
        return CampaignPaths(out=self.campaign.parent / "out", campaign=name)

    def test(self, moment: Moment = "network", lasts: float = 20, **more: Any) -> int:
        options: dict[str, Any] = {"pause": self.clock.pause, "at_once": 1} | more
        times = MomentTimes(every=0.1, lasts=lasts, at_once=options.pop("at_once"))
        return check_moment(
            prepare(self.campaign), self.paths, moment, times,
            clock=self.clock, announce=lambda: self.told.append(self.clock.now()), **options,
        )  # fmt: skip

    def seen(self) -> list[Observation]:
        with closing(open_journal(self.paths.journal)) as journal:
            journal.verify()
            return [one for one in journal.observations() if one.role == "availability"]


def campaign_in(folder: Path, **options: Any) -> Path:
    """A campaign over a simulated line that blocks the items of a pack."""
    return write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone=TWIN_ZONE),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": ["DRUG"]} | options}],
        categories=["DRUG"],
        sample=15,
        control={"type": "simulated"},
    )


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(campaign_in(tmp_path))


class Waiting:
    """Attempts on the line that wait for an answer: by check, and the most at once."""

    def __init__(self) -> None:
        self.now: Counter[int] = Counter()
        self.most = 0

    async def attempt(self, planned: Any, options: Any, limits: Any, context: Any) -> Observation:
        """Wait far longer than the others take on the control."""
        page = checked_page(planned.item)
        assert page is not None
        assert options.patience <= PATIENCE
        if planned.key.line != CONTROL:
            self.now[page.number] += 1
            self.most = max(self.most, sum(number > 0 for number in self.now.values()))
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self.now[page.number] -= 1
        return await attempt(planned, options, limits, context)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    made = Waiting()
    monkeypatch.setattr(moment_checks, "attempt", made.attempt)
    return made


def test_each_check_tries_both_pages_everywhere_ten_times_a_second(device: Device) -> None:
    assert device.test(lasts=20) == 200

    seen = device.seen()
    begun = sorted({one.started for one in seen})
    assert len(seen) == 200 * 4
    assert len(begun) == 200
    assert max(other - one for one, other in pairwise(begun)) <= timedelta(seconds=0.15)
    assert {one.nonce for one in seen} == {""}
    assert all(one.item.host.endswith("." + TWIN_ZONE) for one in seen)


def test_the_moment_is_announced_after_each_harmful_page_was_tried_twice(device: Device) -> None:
    device.test(lasts=20)

    harmful: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    ats = set()
    for one in device.seen():
        page = checked_page(one.item)
        assert one.event is not None
        assert page is not None
        assert (one.event.kind, one.event.name) == ("moment", "network")
        ats.add(one.event.at)
        if page.kind == "harmful" and one.key.line == CONTROL:
            harmful[one.event.at is None][one.item.host] += 1
    assert set(harmful[True].values()) == {2}
    assert set(harmful[False]) == set(harmful[True])
    assert ats == {None, *device.told}
    assert len(device.told) == 1


def test_a_start_has_nothing_before_it(device: Device) -> None:
    device.test("start", lasts=3)

    assert {one.event.at for one in device.seen() if one.event} == {NOON}


def test_checks_that_wait_do_not_delay_the_next_ones(device: Device, waiting: Waiting) -> None:
    """The device has no network from the first check on, and nothing is answered for long."""

    async def pause(seconds: float) -> None:
        await device.clock.pause(seconds)
        await asyncio.sleep(0)
        if device.clock.now() > NOON + timedelta(seconds=3):
            raise _PulledOutError

    with pytest.raises(_PulledOutError):
        device.test("start", lasts=60, pause=pause, at_once=AT_ONCE)

    kept = device.seen()
    assert waiting.most >= 25
    assert len(kept) >= 25, "what the control got is kept"


def test_no_more_checks_wait_at_once_than_is_allowed(device: Device, waiting: Waiting) -> None:
    async def pause(seconds: float) -> None:
        await device.clock.pause(seconds)
        await asyncio.sleep(0)

    device.test("start", lasts=3, pause=pause, at_once=4)

    assert waiting.most == 4
    assert len(device.seen()) == 30 * 4


class _PulledOutError(Exception):
    """Somebody ended the test."""


def test_what_was_seen_is_kept_if_the_test_is_stopped(device: Device) -> None:
    passed = 0

    async def pause(seconds: float) -> None:
        nonlocal passed
        passed += 1
        if passed == 71:
            raise KeyboardInterrupt
        await device.clock.pause(seconds)

    with pytest.raises(KeyboardInterrupt):
        device.test(lasts=20, pause=pause)

    numbers = Counter(page.number for one in device.seen() if (page := checked_page(one.item)))
    assert numbers == dict.fromkeys(range(1, 71), 4)


def test_the_observations_of_a_check_are_in_one_batch(device: Device) -> None:
    device.test("start", lasts=10, pause=device.clock.pause)

    batches: dict[int, set[int]] = {}
    for one in device.seen():
        page = checked_page(one.item)
        assert page is not None
        batches.setdefault(page.number, set()).add(one.batch)
    assert {len(one) for one in batches.values()} == {1}
    assert len({one for each in batches.values() for one in each}) == 5


def test_a_clock_that_is_set_back_delays_no_check(device: Device) -> None:
    slept: list[float] = []

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        await device.clock.pause(-3600 if len(slept) == 50 else seconds)

    assert device.test(lasts=20, pause=pause) == 200
    assert max(slept) <= 0.15


def test_time_asleep_does_not_count(device: Device) -> None:
    slept = 0

    async def pause(seconds: float) -> None:
        nonlocal slept
        slept += 1
        await device.clock.pause(900 if slept == 100 else seconds)

    assert device.test("resume", lasts=20, pause=pause) == 200


def test_nothing_is_announced_where_no_ordinary_page_comes(tmp_path: Path) -> None:
    captive = Device(campaign_in(tmp_path, captive=True))

    with pytest.raises(UnfinishedError, match="no ordinary page comes on proxy before the moment"):
        captive.test(lasts=20)

    assert captive.told == []
    assert len(captive.seen()) == 32 * 4


def test_another_test_is_a_run_of_its_own(device: Device) -> None:
    device.test("start", lasts=2)
    device.test("portal", lasts=8)

    runs = {(one.key.round, one.event.name) for one in device.seen() if one.event}
    assert len(runs) == 2
    assert len({round_ for round_, _ in runs}) == 2
