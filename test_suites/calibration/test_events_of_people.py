"""ILL-05, POL-06, OVB-08, POL-08, POL-10: changes that people make are recorded, and polled before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.campaign.events_file import TimedEvent
from harness.cli.compose import prepare
from harness.cli.log_import import LogSource, import_log
from harness.cli.paths import CampaignPaths
from harness.cli.watch import watch
from harness.estimate.waits import ON_RECORD
from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.mapping import read_mapping
from harness.model.outcome import Conformity, Outcome
from harness.model.timed_event import Asks, EventKind
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.test_timed_events import StandingClock
from test_suites.kit.campaigns.ranges import proxy_campaign, world_of
from test_suites.kit.campaigns.rehearsal import rehearse

OPEN = tuple(f"loc-jobs-{number:03}.canary.accredit.test" for number in range(1, 13))
BLOCKED = tuple(f"drug-{number:03}.canary.accredit.test" for number in range(1, 13))
SCHEME = """\
id: our-school
version: "1.0"
title: Changes that people make
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{id: ILL-05}, {id: POL-06}, {id: OVB-08}, {id: POL-08}, {id: POL-10}]
"""


class Kind(NamedTuple):
    """A kind of event, the requirement it decides, its limit in seconds, and what it asks."""

    kind: EventKind
    requirement: str
    limit: float
    asks: tuple[Asks, ...]

    def events(self) -> list[TimedEvent]:
        hosts: dict[Asks, tuple[str, ...]] = {"block": OPEN, "allow": BLOCKED}
        return [
            TimedEvent(id=f"{asks}-{n}", kind=self.kind, at=host, category="GAMB", asks=asks)
            for asks in self.asks
            for n, host in enumerate(hosts[asks])
        ]


KINDS = (
    Kind("list", "ILL-05", 12 * 3600, ("block", "allow")),
    Kind("rule", "POL-06", 300, ("block", "allow")),
    Kind("appeal", "OVB-08", 48 * 3600, ("allow",)),
)
OVERRIDE = Kind("override", "POL-10", 60, ("block",))
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


world = world_of()


Watch = Callable[..., bool]


@pytest.fixture
def watched(world: RangeTestbed, tmp_path: Path) -> Iterator[Watch]:
    """Poll events, once before they happen and then ``polls`` times, each an ``every`` later."""
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    path = proxy_campaign(world, tmp_path)
    clock = StandingClock()

    def run(kind: Kind, every: float, *, follows: bool = True, recorded: bool = True) -> bool:
        events, prepared = kind.events(), prepare(path)
        paths = CampaignPaths(out=tmp_path / "out", campaign=prepared.campaign.campaign)
        options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep}
        watch(prepared, events, {}, paths, polls=1, **options)
        clock.time += timedelta(seconds=1)
        told: dict[str, datetime] = {each.id: clock.time for each in events} if recorded else {}
        if follows:
            world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=frozenset(OPEN)))
            world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset(BLOCKED)))
        clock.time += timedelta(seconds=every)
        return watch(prepared, events, told, paths, every=every, polls=3, **options)

    yield run
    world.faults.clear()


def outcome(kind: Kind, folder: Path) -> Outcome:
    return rehearse(folder / "campaign.yaml").outcome(kind.requirement, "proxy")


@each_kind
def test_a_service_that_follows_in_time_conforms(
    watched: Watch, tmp_path: Path, kind: Kind
) -> None:
    assert watched(kind, every=kind.limit / 2)

    found = outcome(kind, tmp_path)
    assert found.conformity is Conformity.CONFORMS
    assert len(found.metric.parts) == len(kind.asks)


@each_kind
def test_a_service_that_does_not_follow_does_not_conform(
    watched: Watch, tmp_path: Path, kind: Kind
) -> None:
    assert not watched(kind, every=kind.limit, follows=False)
    assert outcome(kind, tmp_path).conformity is Conformity.DOES_NOT_CONFORM


@each_kind
def test_what_nobody_recorded_decides_nothing(watched: Watch, tmp_path: Path, kind: Kind) -> None:
    assert not watched(kind, every=kind.limit / 2, recorded=False)
    assert outcome(kind, tmp_path).conformity is Conformity.INSUFFICIENT


def test_polls_that_are_too_rare_show_no_conformity(watched: Watch, tmp_path: Path) -> None:
    (rule,) = (each for each in KINDS if each.kind == "rule")

    assert watched(rule, every=2 * rule.limit)
    assert outcome(rule, tmp_path).conformity is Conformity.INSUFFICIENT


def test_an_override_that_outlives_its_end_does_not_conform(watched: Watch, tmp_path: Path) -> None:
    assert not watched(OVERRIDE, every=2 * OVERRIDE.limit, follows=False)

    found = outcome(OVERRIDE, tmp_path)
    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert (found.metric.k, found.metric.n) == (12, 12)


def test_overrides_that_end_in_time_show_nothing_of_their_record(
    watched: Watch, tmp_path: Path
) -> None:
    assert watched(OVERRIDE, every=OVERRIDE.limit / 2)

    found = outcome(OVERRIDE, tmp_path)
    assert found.conformity is Conformity.INSUFFICIENT
    assert (found.metric.k, found.metric.n) == (0, 12)
    assert any(ON_RECORD in reason for reason in found.reasons)


MAPPING = """\
fields: {time: when, url: site, user: admin, action: action, reason: reason}
time_format: iso
"""


def read_record(folder: Path, kind: Kind, **changes: str) -> None:
    """Read a record of administration that shows each change of a kind, with some values changed."""
    journal = folder / "out" / "rehearsal" / "journal"
    with closing(open_journal(journal)) as held:
        polls = [one for one in held.sentinels() if one.role == "poll" and one.event]
    times = {one.item.host: one.event.at for one in polls if one.event and one.event.at}
    rows = [
        {"when": time.isoformat(), "site": host, "admin": "ms.jones", "action": f"{kind.kind} set",
         "reason": "lesson"} | changes
        for host, time in times.items()
    ]  # fmt: skip
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    (folder / "admin.csv").write_text("\n".join(lines) + "\n")
    (folder / "admin.yaml").write_text(MAPPING)
    clock = StandingClock()
    options = LogOptions(now=clock.now(), mapping=read_mapping(folder / "admin.yaml"))
    source = LogSource(path=folder / "admin.csv", form="csv-log", options=options)
    import_log(journal, source, clock)


RULE = KINDS[1]


each_record = pytest.mark.parametrize(
    ("kind", "requirement"), [(RULE, "POL-08"), (OVERRIDE, "POL-10")], ids=["rules", "overrides"]
)


@each_record
def test_a_change_is_on_record_with_who_when_and_why(
    watched: Watch, tmp_path: Path, kind: Kind, requirement: str
) -> None:
    assert watched(kind, every=kind.limit / 2)
    read_record(tmp_path, kind)

    found = rehearse(tmp_path / "campaign.yaml").outcome(requirement, "proxy")
    assert found.conformity is Conformity.CONFORMS


@each_record
@pytest.mark.parametrize(
    "changes",
    [
        {"admin": ""},
        {"reason": ""},
        {"when": "2020-01-01T00:00:00Z"},
        {"site": "elsewhere.example"},
    ],
    ids=["nobody", "no reason", "another time", "other sites"],
)
def test_a_change_that_is_not_on_record_does_not_conform(
    watched: Watch, tmp_path: Path, kind: Kind, requirement: str, changes: dict[str, str]
) -> None:
    assert watched(kind, every=kind.limit / 2)
    read_record(tmp_path, kind, **changes)

    found = rehearse(tmp_path / "campaign.yaml").outcome(requirement, "proxy")
    assert found.conformity is Conformity.DOES_NOT_CONFORM


def test_a_log_without_administration_shows_nothing_of_changes(
    watched: Watch, tmp_path: Path
) -> None:
    assert watched(RULE, every=RULE.limit / 2)
    read_record(tmp_path, RULE, action="")

    found = rehearse(tmp_path / "campaign.yaml").outcome("POL-08", "proxy")
    assert found.conformity is Conformity.INSUFFICIENT
