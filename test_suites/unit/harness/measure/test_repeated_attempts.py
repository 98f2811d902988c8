"""Silences are confirmed with a longer timeout, abrupt answers alone beside a heartbeat."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from harness.measure.attempts import AttemptOptions, PlannedAttempt, heartbeat_loop_at
from harness.measure.measurement_context import MeasurementContext
from harness.measure.repeated_attempts import attempt_within_limits, observe_all
from harness.model.facts import WebFacts
from harness.model.observation import Observation, Timings
from harness.ports.network import Attempt, ProbeResult
from test_suites.unit.harness.scripted import (
    CAMPAIGN,
    RESET,
    SILENT,
    Play,
    Played,
    fail,
    in_turn,
    item,
    key,
    tools,
)


def tried(name: str = "i", line: str = "a") -> PlannedAttempt:
    return PlannedAttempt(key=key(name, line), item=item(name), role="item", batch=1)


async def observe(play: Play, *tries: PlannedAttempt) -> tuple[list[Observation], Played]:
    """Observe over a line whose idle time is known."""
    probe = Played(play)
    with_tools = tools(probe)
    async with AsyncExitStack() as stack:
        await _ready(with_tools, stack)
        seen = await observe_all(tries or [tried()], CAMPAIGN, with_tools)
    return seen, probe


async def _ready(with_tools: MeasurementContext, stack: AsyncExitStack) -> None:
    for line in ("a", "control"):
        heartbeat_loop = heartbeat_loop_at(tried(line=line).target, CAMPAIGN, with_tools)
        assert heartbeat_loop is not None
        heartbeat_loop.join(1)
        await heartbeat_loop.measure(1)
        stack.push_async_callback(heartbeat_loop.close)


async def test_an_abrupt_answer_that_comes_again_alone_is_kept_with_its_heartbeat() -> None:
    (seen,), _ = await observe(in_turn(RESET))

    assert (seen.look, seen.failure and seen.failure.name) == ("alone", "connection_reset")
    assert seen.heartbeats is not None
    assert seen.heartbeats.shows_life


async def test_an_abrupt_answer_that_does_not_come_again_gives_way_to_the_later_one() -> None:
    (seen,), _ = await observe(in_turn(RESET, None))

    assert (seen.look, seen.failure) == ("alone", None)


async def test_a_silence_that_ends_abruptly_is_looked_at_alone_too() -> None:
    (seen,), _ = await observe(in_turn(SILENT, RESET))

    assert seen.look == "alone"


async def test_an_abrupt_answer_is_looked_at_alone_up_to_three_times_without_a_heartbeat() -> None:
    async def play(attempt: Attempt) -> ProbeResult | None:
        reset = attempt.item.id == "i" or (attempt.item.id.startswith("heartbeat-") and dead)
        return RESET if reset else None

    dead = False
    probe = Played(play)
    with_tools = tools(probe)
    async with AsyncExitStack() as stack:
        await _ready(with_tools, stack)
        dead = True
        (seen,) = await observe_all([tried()], CAMPAIGN, with_tools)

    assert seen.tries == 7
    assert seen.heartbeats is not None
    assert not seen.heartbeats.shows_life


async def test_nothing_else_begins_while_one_is_looked_at_alone() -> None:
    under_way: set[str] = set()
    beside: set[str] = set()

    async def play(attempt: Attempt) -> ProbeResult | None:
        name = attempt.item.id
        under_way.add(name)
        again = name == "i" and asked.count("i") == 1
        asked.append(name)
        for _ in range(20):
            await asyncio.sleep(0)
            if again:
                beside.update(under_way)
        under_way.discard(name)
        return RESET if name == "i" else None

    asked: list[str] = []
    more = [tried(f"other-{n}") for n in range(20)]
    probe = Played(play)
    with_tools = tools(probe)
    async with AsyncExitStack() as stack:
        await _ready(with_tools, stack)
        await asyncio.gather(
            observe_all([tried()], CAMPAIGN, with_tools), observe_all(more, CAMPAIGN, with_tools)
        )

    assert {"i"} == {name for name in beside if not name.startswith("heartbeat-")}


async def test_trouble_of_our_own_narrows_the_line_and_is_counted() -> None:
    with_tools = tools(Played(in_turn(fail("instrument_no_descriptors", "instrument"), None)))
    seen = await attempt_within_limits(
        tried(), AttemptOptions(look="first", patience=1.0), CAMPAIGN.limits, with_tools
    )

    assert seen.failure is None
    assert {("a", "instrument_no_descriptors"): 1} == with_tools.strained
    assert with_tools.traffic["a"].narrowest < CAMPAIGN.limits.concurrency


@pytest.mark.parametrize("line", ["a", "control"])
async def test_a_confirmed_silence_is_one_of_the_second_look(line: str) -> None:
    (seen,), _ = await observe(in_turn(SILENT), tried(line=line))

    assert seen.look == "confirmed"


BUSY = ProbeResult(timings=Timings(), facts=WebFacts(url="u", status=429, canary="absent"))


async def test_whoever_says_to_be_busy_is_left_alone_for_a_while_before_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[int] = []

    async def rest(limits: object) -> None:
        rests.append(1)

    monkeypatch.setattr("harness.measure.repeated_attempts._rest", rest)
    (seen,), _ = await observe(in_turn(BUSY, None))
    assert (seen.look, seen.failure, len(rests)) == ("alone", None, 1)

    (seen,), _ = await observe(in_turn(RESET, None))
    assert (seen.look, len(rests)) == ("alone", 1), "a reset says nothing of that"


REFUSED = fail("dns_refused_error", "resolve")


@pytest.mark.parametrize(("limits", "answered", "pauses"), [(True, 4, 4), (False, 0, 1)])
async def test_a_refusal_by_a_resolver_is_kept_if_it_comes_again_after_a_pause(
    monkeypatch: pytest.MonkeyPatch, *, limits: bool, answered: int, pauses: int
) -> None:
    """A resolver that limits its answers gives one after each pause; one that filters gives none.

    It answers heartbeats always, as one does that counts questions by name.
    """
    left = rests = 0

    async def rest(_: object) -> None:
        nonlocal left, rests
        left, rests = 1, rests + 1

    async def play(attempt: Attempt) -> ProbeResult | None:
        nonlocal left
        if attempt.key.line == "control" or attempt.item.id.startswith("heartbeat-"):
            return None
        left, had = 0, left
        return None if had and limits else REFUSED

    monkeypatch.setattr("harness.measure.repeated_attempts._rest", rest)
    monkeypatch.setattr("harness.measure.repeated_attempts._has_items", lambda *_: True)
    seen, _ = await observe(play, *(tried(name) for name in "wxyz"))

    assert [one.failure for one in seen].count(None) == answered
    assert (rests, {one.look for one in seen}) == (pauses, {"alone"})


async def test_what_passes_alone_is_a_heartbeat_beside_the_next_one() -> None:
    async def play(attempt: Attempt) -> ProbeResult | None:
        name, line = attempt.item.id, attempt.key.line
        asked.append((line, name, attempt.item.host))
        is_first = asked.count((line, name, attempt.item.host)) == 1
        return RESET if line == "a" and name in ("x", "y") and is_first else None

    asked: list[tuple[str, str, str]] = []
    both = [tried(name, line) for name in ("x", "y") for line in ("control", "a")]
    await observe(play, *both)

    beside = [host for line, name, host in asked if line == "a" and name.startswith("heartbeat-")]
    assert "x.canary.accredit.test" in beside
