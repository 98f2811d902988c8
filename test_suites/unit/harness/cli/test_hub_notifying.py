"""The thread that notifies begins and ends with the server, and goes on after trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import hub_senders
from harness.cli.hub_due import AgentsByState, DueInStreams
from harness.cli.hub_file import read_hub
from harness.cli.hub_senders import AppriseSender, notifying
from harness.cli.stream_states import StreamStates
from harness.errors import InstrumentError
from harness.model.hub_access import Role, Viewer
from test_suites.kit.campaigns.fake_runs import PATIENCE
from test_suites.kit.hubs.follow_up_desk import ACME, FollowUpDesk
from test_suites.kit.hubs.hub_example import NOW, HubExample
from test_suites.unit.harness.cli.test_hub_notify_file import told

BEAT = {"url": "http://127.0.0.1:9/beat"}


class Rounds:
    """A notifier that fails in its first rounds as it was told."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles, self.rounds = list(troubles), 0
        self.is_done = threading.Event()

    def once(self) -> None:
        self.rounds += 1
        if self.troubles:
            raise self.troubles.pop(0)
        self.is_done.set()


def hub_with(folder: Path, **notify: Any) -> Any:
    example = HubExample(folder).make()
    example.change(example.hub / "hub.yaml", lambda it: it.update(notify=notify))
    return read_hub(example.hub), example.clock


def test_a_round_that_fails_is_told_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, clock = hub_with(tmp_path, heartbeat=BEAT)
    rounds, said = Rounds(InstrumentError("no disk"), ValueError("x")), list[str]()
    monkeypatch.setattr(hub_senders, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(hub_senders, "post", lambda *_: "answered with status 500")

    def make(*_: object) -> Any:
        return rounds

    with notifying(hub, make, clock, said.append, lambda: True):
        assert rounds.is_done.wait(PATIENCE)

    assert said[0] == "notifications wait: no disk"
    assert said[1].startswith("notifications wait: ")
    assert rounds.rounds >= 3
    assert not [one for one in threading.enumerate() if one.name == "notifier"]


@pytest.mark.parametrize("is_healthy", [True, False])
def test_the_heartbeat_is_sent_only_while_the_rest_of_the_hub_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_healthy: bool
) -> None:
    hub, clock = hub_with(tmp_path, heartbeat=BEAT)
    rounds, sent, asked = Rounds(), list[str](), threading.Event()
    monkeypatch.setattr(hub_senders, "ROUND_SECONDS", 0.01)

    def post(_: object, url: str, *__: object) -> str:
        sent.append(url)
        return ""

    def make(*_: object) -> Any:
        return rounds

    def answer() -> bool:
        if rounds.rounds > 1:  # the first round has ended
            asked.set()
        return is_healthy

    monkeypatch.setattr(hub_senders, "post", post)
    with notifying(hub, make, clock, list[str]().append, answer):
        assert asked.wait(PATIENCE)

    assert ([BEAT["url"]] if is_healthy else []) == sent


def test_without_targets_and_heartbeat_no_thread_begins(tmp_path: Path) -> None:
    hub, clock = hub_with(tmp_path)

    def make(*_: object) -> Any:
        raise AssertionError

    with notifying(hub, make, clock, list[str]().append, lambda: True):
        assert not [one for one in threading.enumerate() if one.name == "notifier"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_mail_has_each_notification_with_its_address(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, list[str]]] = []

    def send(_: object, title: str, lines: Any, __: object) -> None:
        sent.append((title, list(lines)))

    monkeypatch.setattr(hub_senders, "send_to", send)
    sender = AppriseSender((), Path("targets"), "https://hub.example.org")
    assert sender((told(path="/plans"),) * count, NOW) == ""

    ((title, lines),) = sent
    assert ("t" if count == 1 else "Accredit: 2 notifications") == title
    assert lines.count("https://hub.example.org/plans") == count


def test_a_mail_that_was_not_taken_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise InstrumentError("not taken by line 1")

    monkeypatch.setattr(hub_senders, "send_to", refuse)

    assert AppriseSender((), Path("t"), "https://h")((told(),), NOW) == "not taken by line 1"


def test_what_is_due_is_told_of_the_streams_that_a_viewer_sees(tmp_path: Path) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    desk.open_plan(1)
    desk.open_plan(1, supplier="Beta", service="Calm Net")
    registry = desk.session.registry
    due: Callable[[Viewer], Any] = DueInStreams(registry, StreamStates(registry), desk.clock)

    acme = Viewer(role=Role.SUPPLIER, person="p", streams=frozenset({ACME}))
    everybody = Viewer(role=Role.ASSESSOR, person="p", streams=None)
    assert {"Acme"} == {each.supplier for each in due(acme)}
    assert {"Acme", "Beta"} == {each.supplier for each in due(everybody)}
    assert due(Viewer()) == ()
    desk.close()


def test_agents_are_counted_by_their_state(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        example.agent()
        example.invite("Vale School")
        assert AgentsByState(hub, example.clock)() == {"enrolled": 1, "invited": 1}
