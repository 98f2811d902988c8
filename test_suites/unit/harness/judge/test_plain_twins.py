"""Items beside their plain twins, as the judge sees them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.judge.judge import Judge, in_batches
from harness.model.facts import Facts
from harness.model.observation import CONTROL, Failure, Heartbeats, Observation
from harness.model.plain_twin import TwinPair
from test_suites.kit.campaigns.trials import batch_of, failed, observation, web

DENIED = web(canary="absent", status=403, title="Access denied by the filter", body_length=90)
TWIN_ROUND = 500_001


def twin(facts: Facts | Failure, line: str = "", **changes: object) -> Observation:
    seen = (
        observation(facts, line, role="plain_twin", batch=99)
        if line
        else observation(facts, role="plain_twin", batch=99)
    )
    return replace(seen, key=replace(seen.key, round=TWIN_ROUND), look="alone", **changes)


def pairs(tested: Facts, *twins: Observation, sound: bool = True) -> tuple[TwinPair, ...]:
    blocked = DENIED if sound else web()
    batch = batch_of(1, web(), blocked)
    seen = [*batch, observation(web(), CONTROL), observation(tested), *twins]
    held = in_batches(seen)
    judge = Judge([one for one in held if one.role != "item"], samples_required=False)
    list(judge.verdicts(held))
    return judge.twins


def states(found: tuple[TwinPair, ...]) -> list[tuple[str, str]]:
    return [(one.tested, one.plain) for one in found]


def test_an_item_that_a_pupil_gets_is_seen_beside_its_block() -> None:
    found = pairs(DENIED, twin(web(), CONTROL), twin(web()))

    assert [("blocked", "allowed")] == states(found)
    assert found == (
        TwinPair(
            item="gamb-001", category="GAMB", line="proxy", profile="ks2", probe="web",
            tested="blocked", plain="allowed",
        ),
    )  # fmt: skip


def test_a_twin_without_its_item_is_undecided() -> None:
    twins = [twin(web(), CONTROL), twin(web())]
    judge = Judge(twins, samples_required=False)
    list(judge.verdicts(twins))

    assert [("insufficient", "allowed")] == states(judge.twins)


def test_both_blocked() -> None:
    assert [("blocked", "blocked")] == states(pairs(DENIED, twin(web(), CONTROL), twin(DENIED)))


def test_a_silence_counts_only_beside_a_sign_of_life() -> None:
    mute = failed("generic_timeout_error")
    for beats, state in ((1, 0), "blocked"), ((0, 1), "insufficient"):
        seen = twin(mute, heartbeats=Heartbeats(answered=beats[0], late=beats[1]))
        assert [("blocked", state)] == states(pairs(DENIED, twin(web(), CONTROL), seen))


def test_an_item_of_a_void_batch_is_undecided() -> None:
    found = pairs(DENIED, twin(web(), CONTROL), twin(web()), sound=False)

    assert [("insufficient", "allowed")] == states(found)


def test_a_twin_that_is_dead_for_everybody_says_nothing() -> None:
    dead = failed("connection_refused", "connect")

    assert [("blocked", "down")] == states(pairs(DENIED, twin(dead, CONTROL), twin(web())))


@pytest.mark.parametrize(
    ("tries", "state"),
    [
        ((None, DENIED), "blocked"),
        ((None, web()), "allowed"),
        ((DENIED, web()), "allowed"),
        ((web(), DENIED), "allowed"),
        ((None, None, None), "insufficient"),
    ],
)
def test_of_several_tries_what_a_pupil_got_counts(
    tries: tuple[Facts | None, ...], state: str
) -> None:
    late = Heartbeats(answered=0, late=1)
    silent = twin(failed("generic_timeout_error"), heartbeats=late)
    made = [
        replace(one, key=replace(one.key, round=TWIN_ROUND + turn))
        for turn, facts in enumerate(tries)
        for one in (twin(web(), CONTROL), twin(facts) if facts else silent)
    ]

    assert [("blocked", state)] == states(pairs(DENIED, *made))


def test_without_twins_there_are_no_pairs() -> None:
    assert () == pairs(DENIED)
