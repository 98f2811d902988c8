"""People are told what happened at a hub: once, not of what was before, and never of other suppliers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.cli import hub_notifier
from harness.cli.hub_conditions import Condition, of_agents, of_schedules
from harness.cli.hub_file import read_hub
from harness.cli.hub_notifier import Notified, Notifier
from harness.cli.hub_standing import AgentView
from harness.cli.registry_session import open_session, place_of
from harness.cli.stream_states import StreamStates
from harness.fleet.messages import AgentStatus, Poll, SentinelBracket
from harness.model.alarm import AlarmRetest, AlarmRule, RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.event import Event, RecordAdded
from harness.model.notification import Notification, NotificationKind
from harness.model.registry_record import Service
from harness.model.surveillance_event import AlarmRaised, AlarmRetested, SurveillanceRun
from harness.store.hub.outbox import Entry, Outbox
from test_suites.kit.hubs.hub_example import HILL, NOW, HubExample

HOUR = timedelta(hours=1)
Kind = NotificationKind


class Taking:
    """A target that keeps what it is told, or refuses it for a reason."""

    def __init__(self) -> None:
        self.messages: list[tuple[Notification, ...]] = []
        self.refuses = ""

    def __call__(self, told: tuple[Notification, ...], now: datetime) -> str:
        if not self.refuses:
            self.messages.append(told)
        return self.refuses

    @property
    def kinds(self) -> list[Kind]:
        return [each.kind for message in self.messages for each in message]


class Desk:
    """A hub with targets; its registry is open."""

    def __init__(self, example: HubExample, registry: Any, **notify: Any) -> None:
        self.example, self.session = example, registry
        self.told: list[str] = []
        self.taking: dict[str, Taking] = {}
        self.notify(**notify)

    def notify(self, **notify: Any) -> None:
        """Write that part of hub.yaml, and begin as another process."""
        self.example.change(self.example.hub / "hub.yaml", lambda it: it.update(notify=notify))
        hub = read_hub(self.example.hub)
        for target in hub.notify.targets:
            self.taking.setdefault(target.name, Taking())
        clock = self.example.clock
        states = StreamStates(self.session.registry)
        self.notifier = Notifier(hub, self.session, states, clock, self.taking, self.told.append)

    def record(self, *events: Event, supplier: str = "Acme") -> None:
        self.session.record(place_of(supplier), *events)

    def once(self, later: timedelta = timedelta(0)) -> Notified:
        self.example.clock.at += later
        return self.notifier.once()

    @property
    def at(self) -> datetime:
        return self.example.clock.at


TARGET: dict[str, Any] = {"name": "desk", "file": "targets"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    example = HubExample(tmp_path).make()
    registry = read_hub(example.hub).registry
    with open_session(registry, create=True, clock=example.clock) as session:
        made = Desk(example, session, targets=[TARGET])
        made.record(service(made.at))
        assert made.once() == Notified()
        yield made


def service(at: datetime, name: str = "Safe Net") -> RecordAdded:
    return RecordAdded(at=at, actor="Ann", record=Service(id=name))


def raised(at: datetime, number: int = 1, service: str = "Safe Net") -> AlarmRaised:
    alarm = RaisedAlarm(
        number=number, service=service, scheme="becta-2008", requirement=f"URL-0{number}", profile="pupils",
        rule=AlarmRule.MISS, sites=(HILL,), of_sites=1, statement="2 of 60 items were missed.",
        retest_by=at + timedelta(days=5), items=("PRIVATE-item",),
    )  # fmt: skip
    return AlarmRaised(at=at, actor="monitor", service=service, alarm=alarm.id, raised=alarm)


def retested(at: datetime, conformity: Conformity) -> AlarmRetested:
    retest = AlarmRetest(
        campaign="c", scheme="becta-2008", begun=at, conformity=conformity, statement="9 of 60."
    )
    return AlarmRetested(at=at, actor="Ann", service="Safe Net", alarm="A-0001", retest=retest)


def test_what_was_before_the_first_start_is_not_told_and_then_each_thing_once(desk: Desk) -> None:
    desk.record(raised(desk.at))
    assert desk.once() == Notified(1, 1, 0)
    assert desk.once(HOUR) == Notified()
    desk.notify(targets=[TARGET])  # another process
    assert desk.once(HOUR) == Notified()

    (message,) = desk.taking["desk"].messages
    (told,) = message
    assert told.kind is Kind.ALARM_RAISED
    assert told.title == "Alarm A-0001: Safe Net, URL-01"
    assert told.path == "/alarms/supplier%3Aacme/A-0001"
    assert "PRIVATE" not in str(told)


@pytest.mark.parametrize(
    ("conformity", "kinds"),
    [
        (Conformity.DOES_NOT_CONFORM, [Kind.ALARM_RAISED, Kind.ALARM_CONFIRMED]),
        (Conformity.CONFORMS, [Kind.ALARM_RAISED, Kind.ALARM_NOT_CONFIRMED]),
        (Conformity.INSUFFICIENT, [Kind.ALARM_RAISED]),
    ],
)
def test_a_retest_is_told_by_what_it_showed(
    desk: Desk, conformity: Conformity, kinds: list[Kind]
) -> None:
    desk.record(raised(desk.at), retested(desk.at, conformity))
    desk.once()

    assert kinds == desk.taking["desk"].kinds


def test_a_target_that_does_not_take_is_tried_ever_more_rarely_and_then_given_up(
    desk: Desk,
) -> None:
    desk.taking["desk"].refuses = "answered with status 503"
    desk.record(raised(desk.at))

    assert desk.once() == Notified(1, 0, 1)
    assert desk.once(timedelta(seconds=59)) == Notified()
    assert desk.once(timedelta(seconds=1)) == Notified(0, 0, 1)
    assert desk.once(timedelta(seconds=119)) == Notified()
    for _ in range(60):
        desk.once(timedelta(hours=7))
    assert Outbox(desk.session.registry).counts() == {"given-up": 1}
    assert desk.told == [
        "the target desk did not take a notification: answered with status 503",
        "given up: the target desk never took: Alarm A-0001: Safe Net, URL-01",
    ]


def test_it_is_sent_later_once_the_target_takes_again(desk: Desk) -> None:
    desk.taking["desk"].refuses = "cannot be reached"
    desk.record(raised(desk.at))
    desk.once()
    desk.taking["desk"].refuses = ""

    assert desk.once(HOUR) == Notified(0, 1, 0)
    assert desk.once(HOUR) == Notified()


def test_a_process_that_ends_before_it_noted_the_sending_sends_again_and_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    desk.record(raised(desk.at), raised(desk.at, 2))
    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "took", ends)
        with pytest.raises(KeyboardInterrupt):
            desk.once()
    desk.notify(targets=[TARGET])
    desk.once()

    titles = [message[0].title for message in desk.taking["desk"].messages]
    assert {"Alarm A-0001: Safe Net, URL-01", "Alarm A-0002: Safe Net, URL-02"} == {*titles}
    assert len(titles) == 3


def test_a_process_that_ends_before_it_kept_anything_keeps_it_at_the_next_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> int:
        raise KeyboardInterrupt

    desk.record(raised(desk.at))
    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "note", ends)
        with pytest.raises(KeyboardInterrupt):
            desk.once()
    assert desk.once() == Notified(1, 1, 0)


def test_a_target_of_one_supplier_is_told_nothing_of_another(desk: Desk) -> None:
    desk.notify(targets=[TARGET, {"name": "beta", "file": "x", "suppliers": ["Beta"]}])
    desk.record(service(desk.at, "Other Net"), supplier="Beta")
    desk.once()
    desk.record(raised(desk.at))
    desk.record(raised(desk.at, service="Other Net"), supplier="Beta")
    desk.once()

    assert len(desk.taking["desk"].messages) == 2
    (message,) = desk.taking["beta"].messages
    assert [each.supplier for each in message] == ["Beta"]


def test_more_events_than_are_read_at_a_time_are_all_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_notifier, "MOST_EVENTS", 2)
    desk.record(*(raised(desk.at, number) for number in range(1, 6)))

    assert desk.once() == Notified(5, 5, 0)


def test_a_digest_gathers_until_its_time(desk: Desk) -> None:
    desk.notify(targets=[TARGET | {"digest": "daily", "at": "07:30"}])
    desk.record(raised(desk.at), raised(desk.at, 2))  # at 06:00

    assert desk.once() == Notified(2, 0, 0)
    assert desk.once(timedelta(minutes=89)) == Notified()
    assert desk.once(timedelta(minutes=1)) == Notified(0, 2, 0)
    assert [2] == [len(message) for message in desk.taking["desk"].messages]


def failed_run(at: datetime) -> SurveillanceRun:
    return SurveillanceRun(
        at=at, actor="agent", service="Safe Net", monitoring="acme", site=HILL, schedule="daily",
        due=at, result="failed", reason="the line was dead",
    )  # fmt: skip


def test_maintenance_keeps_a_failed_run_back_and_never_an_alarm(desk: Desk) -> None:
    window = {
        "begins": NOW.isoformat(), "ends": (NOW + HOUR).isoformat(), "site": HILL, "why": "power",
    }  # fmt: skip
    desk.notify(targets=[TARGET], maintenance=[window])
    desk.record(raised(desk.at), failed_run(desk.at))
    desk.once()

    assert desk.taking["desk"].kinds == [Kind.ALARM_RAISED]
    assert Outbox(desk.session.registry).counts() == {"held-back": 1, "sent": 1}
    desk.example.clock.at += HOUR
    desk.record(failed_run(desk.at))
    desk.once()
    assert desk.taking["desk"].kinds == [Kind.ALARM_RAISED, Kind.RUN_FAILED]


def test_silence_that_outlasts_the_maintenance_is_told_after_it(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        agent = example.agent()
        held = SentinelBracket(schedule="daily", at=NOW, held=True)
        agent.ask(Poll(status=AgentStatus(version="1", brackets=(held,))))
        ends = NOW + 9 * HOUR
        window = {
            "begins": NOW.isoformat(), "ends": ends.isoformat(), "site": HILL, "why": "power",
        }  # fmt: skip
        desk = Desk(example, hub.session, targets=[TARGET], maintenance=[window])
        for _ in range(8):
            desk.once(HOUR)
        assert desk.taking["desk"].kinds == []
        desk.once(HOUR)
        desk.once(HOUR)
        assert desk.taking["desk"].kinds == [Kind.AGENT_SILENT]
        agent = example.agent("Vale School")  # a device that has not measured yet is not silent
        desk.once(HOUR)
        assert desk.taking["desk"].kinds == [Kind.AGENT_SILENT]


def view(**changes: Any) -> AgentView:
    values: dict[str, Any] = {
        "invitation": "I-0001", "agent": "a" * 32, "label": "box", "supplier": "Acme",
        "service": "Safe Net", "site": HILL, "state": "silent", "until": NOW, "measured": NOW,
    }  # fmt: skip
    return AgentView(**values | changes)


@pytest.mark.parametrize("state", ["invited", "expired", "enrolled", "alive", "revoked"])
def test_only_a_silent_agent_is_told_of(state: str) -> None:
    assert list(of_agents((view(state=state),), NOW)) == []
    (condition,) = of_agents((view(failed="the block page"),), NOW)
    assert "What failed since: the block page." in condition.begins.words


def test_a_schedule_is_silent_after_three_of_its_intervals_and_a_day(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    declared = read_hub(example.hub).read_monitoring()
    daily = ("supplier:acme", "safe net", HILL.lower(), "daily")

    def silent(after: timedelta) -> list[Condition]:
        return list(of_schedules(declared, {daily: NOW}, NOW + after))  # type: ignore[dict-item]

    assert silent(timedelta(days=4)) == []
    (condition,) = silent(timedelta(days=4, minutes=1))
    assert condition.begins.site == HILL
    assert "02 Mar 2026, 06:00 UTC" in condition.begins.words
    assert list(of_schedules(declared, {}, NOW)) == []


def test_a_condition_is_told_when_it_begins_and_when_it_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting: list[Condition] = []
    monkeypatch.setattr(desk.notifier, "_conditions", lambda *_: iter(lasting))
    lasting += of_agents((view(),), desk.at)

    assert desk.once(HOUR) == Notified(1, 1, 0)
    assert desk.once(HOUR) == Notified()
    lasting.clear()
    assert desk.once(HOUR) == Notified(1, 1, 0)
    lasting += of_agents((view(),), desk.at)
    assert desk.once(HOUR) == Notified(1, 1, 0)
    assert desk.taking["desk"].kinds == [Kind.AGENT_SILENT, Kind.AGENT_HEARD, Kind.AGENT_SILENT]


def test_the_monitoring_file_may_be_faulty(desk: Desk) -> None:
    desk.example.service.file.write_text("monitoring: [")
    desk.record(raised(desk.at))

    assert desk.once(HOUR) == Notified(1, 1, 0)
    assert "schedules are not watched" in desk.told[0]


def test_entries_are_kept_once_and_forgotten_after_a_time(desk: Desk) -> None:
    outbox = Outbox(desk.session.registry)
    told = next(iter(of_agents((view(),), NOW))).begins
    entry = Entry("desk", told, NOW)

    assert outbox.note("s", 5, [entry, entry, entry._replace(target="other")]) == 2
    assert outbox.note("s", 6, [entry]) == 0
    assert outbox.notified()["s"] == 6
    outbox.took(outbox.due(NOW), NOW)
    outbox.forget_ended(NOW)
    assert outbox.counts() == {"sent": 2}
    outbox.forget_ended(NOW + HOUR)
    assert outbox.counts() == {}
