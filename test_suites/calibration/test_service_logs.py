"""LOG-01 to LOG-07, CIR-13: a filter's own log is read, and each fault of it is found by its requirement alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli.compose import prepare
from harness.cli.log import send
from harness.cli.log_import import LogSource, import_log
from harness.cli.paths import CampaignPaths
from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.mapping import read_mapping
from harness.judge.composite_measurements import judge_maker
from harness.model.log_case import Situation
from harness.model.outcome import Conformity
from harness.model.service_log import LoggedRequest
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.people_stating import both, keep
from test_suites.kit.campaigns.ranges import origin_file, proxy_campaign, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.kit.clocks.right_clock import synchronised

REQUESTS = 350
"""So many recorded requests show that few fields are wrong, at the level of error of ``SCHEME``."""
LOSING = (FaultKind.LOG_ONLY_MARKED, FaultKind.LOG_DROPPED)
"""Faults that leave so few entries that more requests are needed."""
SCHEME = """\
id: our-school
version: "1.0"
title: Records
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: LOG-01, n_min: 80, threshold: {at_least: 0.98, provenance: proposed, source: this test}}
  - {id: LOG-02, n_min: 300}
  - {id: LOG-03}
  - {id: LOG-04}
  - {id: LOG-05}
  - {id: LOG-06}
  - {id: LOG-07, n_min: 20}
  - {id: CIR-13, n_min: 8, threshold: {at_least: 0.8, provenance: proposed, source: this test}}
"""
RECORDS = {
    "users": {"pupils": "pupils"},
    "computers": {"proxy": "127.0.0.1"},
    "keeps_days": 365,
    "delivers_later": True,
}
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
MEASURED = ("LOG-01", "LOG-02", "LOG-03", "LOG-04", "LOG-06", "CIR-13")


class Later:
    """A clock that is ``seconds`` ahead of the real one: the log is read so much later."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return 0.0


world = world_of()


class Campaign:
    """A campaign over the proxy of the range, and the log of the range's filter."""

    def __init__(self, world: RangeTestbed, folder: Path, service_log: Path) -> None:
        self.world, self.folder, self.log = world, folder, service_log
        (folder / "scheme.yaml").write_text(SCHEME)
        self.path = self.write(RECORDS)
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")

    def write(self, records: dict[str, Any] | None) -> Path:
        return proxy_campaign(
            self.world, self.folder, service={"name": "Filter", "records": records}
        )

    def send(
        self,
        situation: Situation = "ordinary",
        requests: int = REQUESTS,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        async def paused() -> None:
            pause()

        send(prepare(self.path), self.paths, situation, requests, pause=paused)

    def read(self, *clocks: float, form: str = "squid-log", path: Path | None = None) -> None:
        for seconds in clocks:
            options = LogOptions(now=datetime.now(UTC), mapping=self.mapping if path else None)
            source = LogSource(path=path or self.log, form=form, options=options)
            import_log(self.paths.journal, source, Later(seconds))

    @property
    def mapping(self) -> Any:
        text = "fields: {time: at, url: url, user: user, client: client}\ntime_format: iso\n"
        (self.folder / "mapping.yaml").write_text(text)
        return read_mapping(self.folder / "mapping.yaml")

    def requests(self) -> tuple[LoggedRequest, ...]:
        with closing(open_journal(self.paths.journal)) as journal:
            return judge_maker(journal)().records.logs.requests

    def conclude(self) -> Rehearsal:
        return rehearse(self.path)


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path) -> Iterator[Campaign]:
    """A campaign on a machine whose clock is known to be right."""
    with synchronised():
        yield Campaign(world, tmp_path, world.access_log.path)
    world.faults.clear()


def conformities(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


def test_a_filter_that_keeps_a_right_log_conforms(campaign: Campaign) -> None:
    campaign.send()
    campaign.read(0, 400)
    run = campaign.conclude()

    found = conformities(run)
    assert {name: found[name] for name in MEASURED} == dict.fromkeys(MEASURED, CONFORMS)
    assert "+0.0 s off" in run.outcome("LOG-03", "proxy").metric.method


@pytest.mark.parametrize(
    ("fault", "expected"), [(None, CONFORMS), (FaultKind.LOG_ONLY_MARKED, FAILS)]
)
def test_a_name_server_is_asked_names_and_its_log_is_read(
    campaign: Campaign, fault: FaultKind | None, expected: Conformity
) -> None:
    server = campaign.world.origin.services["reference"]["resolver"]["pupils"]
    campaign.path = write_campaign(
        campaign.folder,
        origin=origin_file(campaign.world),
        lines=[{"name": "names", "type": "resolver", "options": {"server": server}}],
        categories=["GAMB"],
        sample=2,
        probes=["dns"],
        limits={"timeout": 20, "confirmation_timeout": 40, "concurrency": 20},
        service={
            "name": "Names",
            "records": {"who": "address", "users": {"pupils": "127.0.0.1"}, "computers": {"names": "127.0.0.1"}},
        },
        scheme="scheme.yaml",
    )  # fmt: skip
    if fault is not None:
        campaign.world.faults.add(Fault(kind=fault))
    campaign.send()
    campaign.read(400)
    outcome = campaign.conclude().outcome("LOG-01", "names")

    assert outcome.conformity is expected, outcome.reasons
    assert {one.case for one in campaign.requests()} == {"name", "plain-name", "blocked-name"}


def test_a_log_that_was_not_read_decides_nothing(campaign: Campaign) -> None:
    campaign.send(requests=20)
    found = conformities(campaign.conclude())
    assert set(found.values()) == {OPEN}


@pytest.mark.parametrize(
    ("fault", "broken", "perhaps"),
    [
        (Fault(kind=FaultKind.LOG_ONLY_MARKED), {"LOG-01"}, {"LOG-03"}),
        (Fault(kind=FaultKind.LOG_DROPPED, share=0.1), {"LOG-01"}, {"LOG-03", "LOG-06", "CIR-13"}),
        (Fault(kind=FaultKind.LOG_NO_CLIENT), {"LOG-01", "CIR-13"}, {"LOG-02"}),
        (Fault(kind=FaultKind.LOG_WRONG_USER, share=0.05), {"LOG-02"}, set()),
        (Fault(kind=FaultKind.LOG_CLOCK, seconds=7), {"LOG-02", "LOG-03"}, set()),
        (Fault(kind=FaultKind.LOG_NO_SEARCH_TERMS), {"LOG-02", "LOG-04"}, set()),
        (Fault(kind=FaultKind.LOG_NO_BLOCKS), {"LOG-01", "LOG-04"}, {"LOG-03"}),
        (Fault(kind=FaultKind.LOG_SECRETS), {"LOG-06"}, set()),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)
def test_each_fault_of_a_log_breaks_its_requirements_alone(
    campaign: Campaign, fault: Fault, broken: set[str], perhaps: set[str]
) -> None:
    """``perhaps``: what else cannot conform, because entries are missing there too."""
    campaign.world.faults.add(fault)
    campaign.send(requests=2 * REQUESTS if fault.kind in LOSING else REQUESTS)
    campaign.read(0, 400)
    found = conformities(campaign.conclude())

    failed = {name for name in MEASURED if found[name] is FAILS}
    assert broken <= failed <= broken | perhaps
    assert {name for name in MEASURED if found[name] is CONFORMS} >= (
        set(MEASURED) - broken - perhaps
    )


def test_entries_that_come_after_ten_minutes_are_too_late(campaign: Campaign) -> None:
    before = campaign.log.read_bytes()
    campaign.send(requests=100)
    whole, early = campaign.log.read_bytes(), campaign.folder / "early.log"
    early.write_bytes(before + whole.splitlines(keepends=True)[-1])
    for path, seconds in ((early, 600), (campaign.log, 700)):
        source = LogSource(path=path, form="squid-log", options=LogOptions(now=datetime.now(UTC)))
        import_log(campaign.paths.journal, source, Later(seconds))

    assert conformities(campaign.conclude())["LOG-03"] is FAILS


def around_a_restart(campaign: Campaign) -> None:
    """Send requests, and stop the filter after the 20th for the next ten."""
    stopped, made = campaign.world.filter_down(), 0

    def pause() -> None:
        nonlocal made
        made += 1
        if made == 20:
            stopped.__enter__()
        elif made == 30:
            stopped.__exit__(None, None, None)

    campaign.send("restart", 60, pause)


def test_a_log_that_loses_nothing_and_cannot_be_altered_conforms(campaign: Campaign) -> None:
    campaign.write(RECORDS | {"keeps_days": 1})
    around_a_restart(campaign)
    campaign.read(90_000)
    unjudged = campaign.conclude().outcome("LOG-05", "proxy")
    keep(campaign.paths.journal, both("LOG-05"))
    judged = campaign.conclude().outcome("LOG-05", "proxy")
    keep(campaign.paths.journal, both("LOG-05", {"unaltered": "not adequate"}))
    alterable = campaign.conclude().outcome("LOG-05", "proxy")

    assert unjudged.conformity is OPEN
    assert any("judged by people" in reason for reason in unjudged.reasons)
    assert (judged.conformity, judged.metric.k) == (CONFORMS, 0), judged.reasons
    assert judged.metric.n > 40
    assert alterable.conformity is FAILS
    assert alterable.witnesses[0].rule == "people"


def test_a_log_that_loses_entries_at_a_restart_does_not_conform(campaign: Campaign) -> None:
    campaign.world.faults.add(Fault(kind=FaultKind.LOG_LOST_AT_RESTART, seconds=3600))
    around_a_restart(campaign)
    campaign.world.faults.clear()
    campaign.send(requests=30)
    campaign.read(400)
    outcome = campaign.conclude().outcome("LOG-05", "proxy")

    assert outcome.conformity is FAILS
    assert outcome.metric.k >= 20


def test_without_a_restart_nothing_is_known_of_restarts(campaign: Campaign) -> None:
    campaign.send("restart", 30)
    campaign.read(400)
    assert campaign.conclude().outcome("LOG-05", "proxy").conformity is OPEN


def delivered(campaign: Campaign, *, doubled: int = 0, lost: int = 0) -> Path:
    """Make requests without a connection, and the log that an agent of the device delivers."""
    with campaign.world.filter_down():
        campaign.send("offline", 40)
    entries = [
        {"at": one.started.isoformat(), "url": one.url, "user": "pupils", "client": "127.0.0.1"}
        for one in campaign.requests()
    ]
    path = campaign.folder / "delivered.json"
    entries = entries[lost:] + entries[-doubled:] * bool(doubled)
    path.write_text("\n".join(map(json.dumps, entries)) + "\n")
    return path


def test_what_happened_offline_is_delivered_once(campaign: Campaign) -> None:
    campaign.read(400, form="json-log", path=delivered(campaign))
    assert campaign.conclude().outcome("LOG-07", "proxy").conformity is CONFORMS


@pytest.mark.parametrize("faults", [{"lost": 1}, {"doubled": 1}])
def test_what_was_lost_or_doubled_does_not_conform(
    campaign: Campaign, faults: dict[str, int]
) -> None:
    campaign.read(400, form="json-log", path=delivered(campaign, **faults))
    assert campaign.conclude().outcome("LOG-07", "proxy").conformity is FAILS


def test_whether_entries_come_later_must_be_declared(campaign: Campaign) -> None:
    path = campaign.write(RECORDS | {"delivers_later": None})
    campaign.read(400, form="json-log", path=delivered(campaign))
    assert rehearse(path).outcome("LOG-07", "proxy").conformity is OPEN


def test_what_is_not_claimed_is_not_asked(campaign: Campaign) -> None:
    path = campaign.write(RECORDS | {"delivers_later": False})
    campaign.send(requests=30)
    run = rehearse(path)

    assert "LOG-07" not in conformities(run)
    assert any("LOG-07" in remark for remark in run.assessment.not_applicable)
