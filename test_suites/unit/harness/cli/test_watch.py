"""``watch``: which events the service is said to have followed, and where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign.events_file import TimedEvent
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.watch import watch
from harness.model.timed_event import Poll
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = TimedEvent(
    id="one", kind="content", at="drug-001.canary.accredit.test", category="DRUG", asks="block"
)
Watch = Callable[..., bool]


def followed_on(*lines: str) -> list[Poll]:
    """Polls that show that the event was followed on these lines: once before, twice after."""
    states: tuple[Any, ...] = ("allowed", "blocked", "blocked")
    return [
        Poll(
            event=EVENT.id,
            note=EVENT.note(NOON),
            category=EVENT.category,
            line=line,
            profile="pupils",
            probe="web",
            started=NOON + timedelta(minutes=10 * number - 5),
            state=state,
        )
        for line in lines
        for number, state in enumerate(states)
    ]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Poll the event once on lines with these probes; ``polls`` are those of the journal."""

    def run(probes: dict[str, str], polls: list[Poll]) -> bool:
        judge = SimpleNamespace(polls=tuple(polls))
        monkeypatch.setattr("harness.cli.watch.judge_maker", lambda _: lambda: judge)
        lines: list[dict[str, Any]] = [
            {"name": name, "type": "simulated", "probes": [probe]} for name, probe in probes.items()
        ]
        path = write_campaign(
            tmp_path,
            origin=simulated_origin(tmp_path),
            lines=lines,
            categories=["DRUG"],
            sample=2,
            control={"type": "simulated"},
        )
        paths = CampaignPaths(out=tmp_path / "out", campaign="rehearsal")
        return watch(prepare(path), [EVENT], {}, paths, every=0, polls=1)

    return run


def test_an_event_that_is_followed_everywhere(
    watched: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched({"one": "web", "two": "web"}, followed_on("one", "two"))

    assert "1 of 1 events followed, in all places" in capsys.readouterr().out


def test_an_event_without_polls_on_a_line_is_not_followed_there(
    watched: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not watched({"one": "web", "two": "web"}, followed_on("one"))

    printed = capsys.readouterr().out
    assert "0 of 1 events followed" in printed
    assert "one: not polled (two, pupils)" in printed


def test_an_event_that_no_probe_sees_is_not_followed(
    watched: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not watched({"names": "dns"}, [])

    printed = capsys.readouterr().out
    assert "0 of 1 events followed" in printed
    assert "one: not polled: no probe sees it" in printed


def test_a_line_whose_probes_do_not_see_an_event_is_named(
    watched: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched({"one": "web", "names": "dns"}, followed_on("one"))

    printed = capsys.readouterr().out
    assert "in all places" not in printed
    assert "on these lines some cannot be seen: names" in printed
