"""Messages of a hub leave as their targets expect them, and the heart beats in its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cli.hub_conditions import of_agents
from harness.cli.hub_file import read_hub
from harness.cli.hub_senders import Heart, WebhookSender, senders_of
from harness.cli.registry_session import open_session
from harness.errors import FaultyDocument, UsageError
from test_suites.kit.hubs.hub_example import NOW, HubExample
from test_suites.unit.harness.cli.test_hub_notifier import TARGET, Desk, view


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    example = HubExample(tmp_path).make()
    with open_session(read_hub(example.hub).registry, create=True, clock=example.clock) as session:
        yield Desk(example, session, targets=[TARGET])


def test_a_file_of_a_target_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    hook = {"name": "hook", "webhook": "https://a.example", "secret": "none.key"}

    def senders(*targets: dict[str, Any]) -> dict[str, Any]:
        notify = {"targets": list(targets)}
        example.change(example.hub / "hub.yaml", lambda it: it.update(notify=notify))
        return senders_of(read_hub(example.hub), None)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match=r"none\.key"):
        senders(hook)
    with pytest.raises(UsageError, match="targets"):
        senders(TARGET)
    with pytest.raises(FaultyDocument, match="webhok"):
        senders(hook | {"webhok": "x"})


def test_the_heart_beats_in_its_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def post(_: object, url: str, *__: object) -> str:
        asked.append(url)
        return "answered with status 500" if len(asked) > 1 else ""

    monkeypatch.setattr("harness.cli.hub_senders.post", post)
    desk.notify(heartbeat={"url": "https://watch.example/abc", "every": "5m"})
    heart = Heart(read_hub(desk.example.hub), None)  # type: ignore[arg-type]

    told = [heart.beat(NOW + timedelta(minutes=each)) for each in (0, 4, 5, 6, 10)]
    assert told == ["", "", "answered with status 500", "", "answered with status 500"]
    assert asked == ["https://watch.example/abc"] * 3


def test_a_webhook_gets_one_notification_or_a_digest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    def post(_: object, __: str, headers: dict[str, str], body: bytes) -> str:
        sent.append(msgspec.json.decode(body))
        assert headers["webhook-id"]
        return ""

    monkeypatch.setattr("harness.cli.hub_senders.post", post)
    told = next(iter(of_agents((view(),), NOW))).begins
    for digest in ("none", "daily"):
        hook = {"name": "h", "webhook": "https://a.example", "secret": "k", "digest": digest}
        desk.notify(targets=[hook])
        (target,) = read_hub(desk.example.hub).notify.targets
        sender = WebhookSender(None, target, b"k" * 32, "https://hub.example.org")  # type: ignore[arg-type]
        assert sender((told,), NOW) == ""

    assert [each["type"] for each in sent] == ["agent-silent", "digest"]
    assert sent[0]["notification"]["url"] == "https://hub.example.org/sites"
    assert len(sent[1]["notifications"]) == 1
