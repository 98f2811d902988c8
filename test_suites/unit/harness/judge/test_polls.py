"""Polls of timed events: decided beside working sentinels, and by what the event asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from harness.judge.judge import judge_trial
from harness.judge.polls import NOT_AS_EXPECTED, PollTrials, role_of_sentinel
from harness.model.facts import WebFacts
from harness.model.marker import MARKER_PREFIX
from harness.model.observation import CONTROL, Failure, Observation
from harness.model.timed_event import EventKind, EventNote, Poll
from test_suites.kit.campaigns.trials import NOON, batch_of, failed, observation, web

BLOCKED = web(canary="absent", status=403, title="Blocked")
SILENT = failed("generic_timeout_error", "response")
MARKED = web(text=f"Bets. {MARKER_PREFIX}GAMB-00AA")


def polled(
    facts: WebFacts | Failure,
    *,
    kind: EventKind = "rule",
    asks: Any = "block",
    minutes: float = 10,
    sentinel: WebFacts = BLOCKED,
    control: WebFacts | Failure = web(),  # noqa: B008 - facts never change
    batch: int = 1,
) -> list[Observation]:
    """One poll, ``minutes`` after its event, and the sentinels of its batch, as in a journal."""
    note = EventNote(kind=kind, asks=asks, at=NOON)
    sentinels = [replace(one, role="poll") for one in batch_of(batch, web(), sentinel)]
    own = (observation(facts, batch=batch), observation(control, CONTROL, batch=batch))
    started = NOON + timedelta(minutes=minutes)
    return sentinels + [replace(one, role="poll", event=note, started=started) for one in own]


def judged(observations: Iterable[Observation]) -> tuple[Poll, ...]:
    trials = PollTrials()
    assert list(trials.separate(observations)) == []
    trials.judge(judge_trial)
    return trials.polls


def test_a_poll_says_what_the_service_did() -> None:
    (found,) = judged(polled(BLOCKED))

    assert found == Poll(
        event="gamb-001", note=EventNote(kind="rule", asks="block", at=NOON), category="GAMB",
        line="proxy", profile="ks2", probe="web", started=NOON + timedelta(minutes=10),
        state="blocked", why="",
    )  # fmt: skip
    assert [each.state for each in judged(polled(web()))] == ["allowed"]


def test_a_poll_without_an_answer_says_why_it_is_undecided() -> None:
    (found,) = judged(polled(SILENT, control=SILENT))
    assert found.state == "undecided"
    assert found.why


@pytest.mark.parametrize("facts", [BLOCKED, web()])
@pytest.mark.parametrize("kind", ["rule", "list", "appeal", "override", "drift"])
def test_beside_a_filter_that_is_off_nothing_is_decided(facts: WebFacts, kind: EventKind) -> None:
    (found,) = judged(polled(facts, kind=kind, asks="allow", sentinel=web()))
    assert found.state == "undecided"
    assert found.why


def test_in_an_outage_a_page_that_came_counts_without_sentinels() -> None:
    open_, closed, silent = (
        judged(polled(facts, kind="outage", asks="allow", sentinel=web()))[0]
        for facts in (web(), BLOCKED, SILENT)
    )
    assert (open_.state, open_.why) == ("allowed", "")
    assert (closed.state, silent.state) == ("undecided", "undecided")
    assert closed.why


def test_a_poll_without_sentinels_is_undecided() -> None:
    alone = [one for one in polled(BLOCKED) if one.event is not None]
    (found,) = judged(alone)
    assert (found.state, found.why) == ("undecided", "no sentinels on proxy")


@pytest.mark.parametrize(
    ("asks", "minutes", "control", "state"),
    [
        ("block", 10, MARKED, "blocked"),
        ("block", 10, web(), "undecided"),
        ("block", -10, web(), "blocked"),
        ("block", -10, MARKED, "undecided"),
        ("allow", 10, web(), "blocked"),
        ("allow", 10, MARKED, "undecided"),
        ("allow", -10, MARKED, "blocked"),
        ("block", 0, MARKED, "blocked"),
    ],
)
def test_changed_content_must_be_there_on_the_control(
    asks: str, minutes: float, control: WebFacts, state: str
) -> None:
    (found,) = judged(polled(BLOCKED, kind="content", asks=asks, minutes=minutes, control=control))
    assert found.state == state
    assert found.why == (NOT_AS_EXPECTED if state == "undecided" else "")


def test_polls_come_by_event_and_time_and_other_observations_are_passed_on() -> None:
    other = observation(web(), item="another")
    trials = PollTrials()
    late, early = polled(web(), minutes=20, batch=2), polled(BLOCKED, minutes=-5)

    assert list(trials.separate([other, *late, *early])) == [other]
    trials.judge(judge_trial)

    assert [(one.started, one.state) for one in trials.polls] == [
        (NOON - timedelta(minutes=5), "blocked"),
        (NOON + timedelta(minutes=20), "allowed"),
    ]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("sentinel-allow-0.before", "must_allow"),
        ("sentinel-block-3.after", "must_block"),
        ("sentinel-block", "must_block"),
        ("sentinel", "item"),
        ("becomes-harmful-01", "item"),
    ],
)
def test_sentinels_are_known_by_their_names(name: str, role: str) -> None:
    assert role_of_sentinel(observation(web(), item=name)) == role
