"""ALR-01 to ALR-08: a filter's alerts are received, and each fault of them is found by its requirements alone."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.campaign.events_file import TimedEvent
from harness.cli.alerts import import_alerts, play, report_command
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.watch import watch
from harness.estimate.alert_metrics import HOST_ALONE
from harness.judge.composite_measurements import judge_maker
from harness.model.alert_case import KINDS, Hours
from harness.model.outcome import Conformity, Outcome
from harness.model.received_alert import ReceivedAlert
from harness.model.timed_event import EventKind
from harness.store.journal.journal import open_journal
from probes.range.alert_delivery import AlertSettings
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.test_timed_events import StandingClock
from test_suites.kit.campaigns.ranges import is_blocked, proxy_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.kit.networks.alert_receiving import Inbox, notes, receiving

LEAD, DEPUTY, OPERATOR = "lead@school.test", "deputy@school.test", "it@school.test"
CONTACTS = {"recipients": {"pupils": [LEAD]}, "next_contacts": [DEPUTY], "operator": [OPERATOR]}
OF_CELL, AT_NIGHT, HARMLESS = 6, 2, 24
"""Sessions that can show conformity, and a cell without alerts, at the level of error of ``SCHEME``."""
SCHEME = """\
id: our-school
version: "1.0"
title: Alerts
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: ALR-01, n_min: 32}
  - {id: ALR-02, n_min: 32}
  - {id: ALR-03, n_min: 24, threshold: {at_most: 0.1, provenance: proposed, source: this test}}
  - {id: ALR-04}
  - {id: ALR-05}
  - {id: ALR-06, n_min: 6, threshold: {at_least: 0.75, provenance: proposed, source: this test}}
  - {id: ALR-07, n_min: 32}
  - {id: ALR-08, n_min: 3}
"""
FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
ABOUT_PUPILS = ("ALR-01", "ALR-02", "ALR-03", "ALR-06", "ALR-07")
BLOCKED = tuple(f"drug-{number:03}.canary.accredit.test" for number in range(1, 5))


class Later:
    """A clock that is some hours ahead of the real one: alerts are read so much later."""

    def __init__(self, hours: float) -> None:
        self._ahead = timedelta(hours=hours)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=is_blocked)
    alerts = AlertSettings(
        alert_mail=inbox.mail,
        recipients={"pupils": LEAD},
        operator=OPERATOR,
        escalate_to=DEPUTY,
        escalate_after=0.1,
        notices_after=0.1,
    )
    folder = tmp_path_factory.mktemp("world")
    options: dict[str, Any] = {"profiles": ("pupils",), "alerts": alerts}
    with RangeTestbed.running(folder, policy=policy, **options) as world:
        yield world


class Campaign:
    """A campaign over the proxy of a range whose filter sends alerts, and what was received."""

    def __init__(self, world: RangeTestbed, folder: Path, inbox: Inbox) -> None:
        self.world, self.folder, self.inbox = world, folder, inbox
        self.received = len(inbox.alerts)
        self.began = datetime.now(UTC)
        (folder / "scheme.yaml").write_text(SCHEME)
        self.path = self.write(CONTACTS)
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")

    def write(self, contacts: dict[str, Any] | None) -> Path:
        return proxy_campaign(
            self.world, self.folder, service={"name": "Filter", "alerts": contacts}
        )

    def play(
        self, hours: Hours = "in_hours", of_cell: int = OF_CELL, harmless: int = HARMLESS
    ) -> None:
        play(prepare(self.path), self.paths, hours, of_cell, harmless)

    def play_few(self) -> None:
        """Play a session of each cell, where no cell is looked at by itself."""
        self.play(of_cell=1, harmless=0)

    def wait_for(self, to: str, number: int) -> None:
        """Wait until so many alerts to an address were received."""
        with self.inbox.changed:
            assert self.inbox.changed.wait_for(lambda: len(self.alerts(to)) >= number, 120)

    def wait_for_escalation(self) -> None:
        """Wait until each urgent alert was passed on."""
        self.wait_for_sender()
        own = [one for one in self.inbox.alerts[self.received :] if DEPUTY not in one.to]
        self.wait_for(DEPUTY, sum(one.subject.endswith((": HARM", ": ILL")) for one in own))

    def wait_for_sender(self) -> None:
        assert self.world.alert_sender is not None
        assert self.world.alert_sender.wait(120)

    def alerts(self, to: str) -> list[ReceivedAlert]:
        return [one for one in self.inbox.alerts[self.received :] if to in one.to]

    def read(self, hours: float = 3, *, is_noted: bool = True) -> None:
        """Read what was received, as if so many hours had passed."""
        self.wait_for_sender()
        worked = notes(self.began, Later(hours).now()) if is_noted else []
        lines = map(msgspec.json.encode, [*worked, *self.inbox.alerts[self.received :]])
        spool = self.folder / "alerts.jsonl"
        spool.write_bytes(b"".join(line + b"\n" for line in lines))
        import_alerts(self.paths.journal, spool, Later(hours))

    def measured(self) -> Path:
        """The journal, after the items of the campaign were tried."""
        return rehearse(self.path).journal

    def conclude(self) -> Rehearsal:
        return rehearse(self.path)


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path, inbox: Inbox) -> Iterator[Campaign]:
    """A campaign on a machine whose clock is known to be right."""
    with synchronised():
        yield Campaign(world, tmp_path, inbox)
    world.faults.clear()


def conformities(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


def test_monitoring_that_tells_the_right_person_at_once_conforms(campaign: Campaign) -> None:
    campaign.play()
    campaign.play("out_of_hours", AT_NIGHT, 0)
    campaign.wait_for_escalation()
    campaign.read()
    run = campaign.conclude()

    found = conformities(run)
    assert {name: found[name] for name in ABOUT_PUPILS} == dict.fromkeys(ABOUT_PUPILS, CONFORMS)
    assert len(run.outcome("ALR-06", "proxy").metric.parts) == 48


@pytest.mark.parametrize(
    ("fault", "broken", "perhaps"),
    [
        (Fault(kind=FaultKind.ALERT_ONLY_MARKED), {"ALR-01", "ALR-02", "ALR-06", "ALR-07"}, set()),
        (
            Fault(kind=FaultKind.ALERT_NO_CATEGORIES, categories=("EXTR",)),
            {"ALR-01", "ALR-06"},
            set(),
        ),
        (Fault(kind=FaultKind.ALERT_NO_WORDS, words=("dwi", "fyddai")), {"ALR-06"}, {"ALR-01", "ALR-02", "ALR-07"}),
        (Fault(kind=FaultKind.ALERT_NO_DEVICES, words=("iPhone", "Android")), {"ALR-06"}, {"ALR-01", "ALR-02", "ALR-07"}),
        (Fault(kind=FaultKind.ALERT_DROPPED, share=0.5), {"ALR-01", "ALR-02", "ALR-07"}, {"ALR-06"}),
        (Fault(kind=FaultKind.ALERT_BENIGN, share=1.0), {"ALR-03"}, set()),
        (Fault(kind=FaultKind.ALERT_WRONG_RECIPIENT), {"ALR-02"}, set()),
        (Fault(kind=FaultKind.ALERT_NO_PRIORITY), {"ALR-02"}, set()),
        (Fault(kind=FaultKind.ALERT_NO_ESCALATION), {"ALR-07"}, set()),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)  # fmt: skip
def test_each_fault_of_monitoring_breaks_its_requirements_alone(
    campaign: Campaign, fault: Fault, broken: set[str], perhaps: set[str]
) -> None:
    """``perhaps``: what else cannot conform, because alerts are missing there too."""
    campaign.world.faults.add(fault)
    campaign.play()
    campaign.play("out_of_hours", AT_NIGHT, 0)
    if fault.kind is not FaultKind.ALERT_NO_ESCALATION:
        campaign.wait_for_escalation()
    campaign.read()
    found = conformities(campaign.conclude())

    failed = {name for name in ABOUT_PUPILS if found[name] is FAILS}
    assert broken <= failed <= broken | perhaps


def test_a_late_alert_is_too_late(campaign: Campaign) -> None:
    """Each alert is received twenty minutes after it was sent."""
    campaign.play_few()
    campaign.wait_for_sender()
    late = [
        msgspec.structs.replace(one, at=one.at + timedelta(minutes=20))
        for one in campaign.alerts(LEAD)
    ]
    campaign.inbox.alerts[campaign.received :] = late
    campaign.read()
    found = conformities(campaign.conclude())

    assert found["ALR-02"] is FAILS
    assert found["ALR-01"] is not FAILS


def test_alerts_that_name_the_host_alone_do_not_say_what_happened(campaign: Campaign) -> None:
    """A person who reads them cannot tell what was searched for, though each has its session."""
    campaign.play()
    campaign.play("out_of_hours", AT_NIGHT, 0)
    campaign.wait_for_escalation()
    campaign.wait_for_sender()
    cut = [
        msgspec.structs.replace(
            one,
            text=" ".join(re.findall(r"[\w.-]+\.orchard-view\.test", one.text)),
            subject="Alert",
        )
        for one in campaign.inbox.alerts[campaign.received :]
    ]
    campaign.inbox.alerts[campaign.received :] = cut
    campaign.read()
    ended = CliRunner().invoke(app, ["conclude", str(campaign.measured()), "--json"])
    rows = {one["requirement"]["id"]: one for one in json.loads(ended.stdout)["outcomes"]}

    failed = {name for name in ABOUT_PUPILS if rows[name]["conformity"] == "does-not-conform"}
    assert {"ALR-01", "ALR-02", "ALR-06", "ALR-07"} == failed
    assert HOST_ALONE in str(rows["ALR-01"]["witnesses"])


def test_alerts_that_were_not_read_decide_nothing(campaign: Campaign) -> None:
    campaign.play_few()
    assert set(conformities(campaign.conclude()).values()) == {OPEN}


def test_a_receiver_that_was_down_decides_nothing(campaign: Campaign) -> None:
    campaign.world.faults.add(Fault(kind=FaultKind.ALERT_DROPPED, share=1.0))
    campaign.play_few()
    campaign.read(is_noted=False)
    assert set(conformities(campaign.conclude()).values()) == {OPEN}


def test_an_alert_that_may_still_come_decides_nothing(campaign: Campaign) -> None:
    campaign.world.faults.add(Fault(kind=FaultKind.ALERT_DROPPED, share=1.0))
    campaign.play_few()
    campaign.read(hours=0.1)
    assert FAILS not in conformities(campaign.conclude()).values()


def test_without_declared_people_speed_is_not_known(campaign: Campaign) -> None:
    campaign.write(None)
    campaign.play_few()
    campaign.play("out_of_hours", AT_NIGHT, 0)
    campaign.read()
    found = conformities(campaign.conclude())
    assert {found["ALR-02"], found["ALR-07"], found["ALR-05"], found["ALR-08"]} == {OPEN}


def counted(alerts: list[ReceivedAlert]) -> str:
    """The counts of alerts by category, as a supplier's report states them."""
    codes = Counter(
        kind for one in alerts for kind in KINDS if f"-{kind}-" in one.text.partition("Found:")[2]
    )
    return "category,count\n" + "".join(f"{kind},{codes[kind]}\n" for kind in KINDS)


def outcome_of_report(campaign: Campaign) -> Outcome:
    """Play sessions, and compare them with the report that the service's alerts would give."""
    campaign.play_few()
    campaign.read()
    path = campaign.folder / "report.csv"
    path.write_text(counted(campaign.alerts(LEAD)))
    ends = campaign.began + timedelta(days=1)
    report_command(campaign.paths.journal, path, campaign.began.isoformat(), ends.isoformat())
    return campaign.conclude().outcome("ALR-04", "proxy")


def test_a_report_that_names_what_was_played_conforms(campaign: Campaign) -> None:
    found = outcome_of_report(campaign)
    assert found.conformity is CONFORMS
    assert found.metric.n == len(KINDS)


def test_a_report_with_gaps_does_not_conform(campaign: Campaign) -> None:
    campaign.world.faults.add(Fault(kind=FaultKind.ALERT_DROPPED, share=0.3))
    found = outcome_of_report(campaign)
    assert found.conformity is FAILS
    assert found.metric.k > 0


Change = Callable[[EventKind], dict[str, Outcome]]


@pytest.fixture
def changed(campaign: Campaign) -> Change:
    """Poll blocked places, change the filter so that they are open, and poll them again."""

    def change(kind: EventKind) -> dict[str, Outcome]:
        clock, prepared = StandingClock(), prepare(campaign.path)
        hosts = BLOCKED[:1] if kind == "outage" else BLOCKED
        events = [
            TimedEvent(id=f"{kind}-{number}", kind=kind, at=host, category="DRUG", asks="allow")
            for number, host in enumerate(hosts)
        ]
        options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep}
        clock.time = datetime.now(UTC)
        watch(prepared, events, {}, campaign.paths, polls=1, **options)
        clock.time = datetime.now(UTC)
        told = {each.id: clock.time for each in events}
        for host in hosts:
            off = Fault(kind=FaultKind.OFF)
            miss = Fault(kind=FaultKind.MISS, hosts=frozenset({host}))
            campaign.world.faults.add(off if kind == "outage" else miss)
        is_told = not any(
            each.kind is FaultKind.ALERT_NO_OPERATOR for each in campaign.world.faults.due()
        )
        campaign.wait_for(OPERATOR, len(hosts) if is_told else 0)
        clock.time += timedelta(seconds=60)
        watch(prepared, events, told, campaign.paths, every=60, polls=2, **options)
        campaign.world.faults.clear()
        campaign.read(hours=30)
        run = campaign.conclude()
        return {name: run.outcome(name, "proxy") for name in ("ALR-05", "ALR-08")}

    return change


@pytest.mark.parametrize(("kind", "requirement"), [("outage", "ALR-05"), ("drift", "ALR-08")])
def test_the_operator_is_notified_that_the_filter_does_not_block(
    changed: Change, kind: EventKind, requirement: str
) -> None:
    found = changed(kind)
    assert found.pop(requirement).conformity is CONFORMS
    assert [each.conformity for each in found.values()] == [OPEN]


@pytest.mark.parametrize(("kind", "requirement"), [("outage", "ALR-05"), ("drift", "ALR-08")])
def test_an_operator_who_is_not_notified_is_a_failure(
    campaign: Campaign, changed: Change, kind: EventKind, requirement: str
) -> None:
    campaign.world.faults.add(Fault(kind=FaultKind.ALERT_NO_OPERATOR))
    found = changed(kind)
    assert found[requirement].conformity is FAILS
    assert found[requirement].metric.k == 0


def test_pupils_searches_do_not_tell_of_the_filter(campaign: Campaign) -> None:
    """Alerts about sessions say nothing of outages, and nothing else was asked."""
    campaign.play_few()
    campaign.read()
    with closing(open_journal(campaign.paths.journal)) as journal:
        alerts = judge_maker(journal)().records.alerts
    assert not alerts.to_operator
    assert {one.item for one in alerts.sessions if one.entries}
