"""Liveness: a silence or an abrupt answer is a block only beside a sign of life."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from harness.judge.judge import judge
from harness.judge.liveness import LOOK_WORDS, passed_on_retry
from harness.model.facts import ExtendedError, Facts
from harness.model.observation import CONTROL, Failure, Heartbeats, Look, Observation
from harness.model.plain_twin import DOUBTED_TURN, SAMPLE, key_again
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.trials import batch_of, dns, failed, observation, web

MUTE = failed("generic_timeout_error")
RESET = failed("connection_reset")
LIVES, STARVES = Heartbeats(answered=2), Heartbeats(late=2, slowest=4.0, allowed=0.5)
BLOCKED = web(canary="absent", status=403, title="Access denied by the filter", body_length=90)


def item(
    facts: Facts | Failure,
    name: str = "i",
    *,
    beats: Heartbeats | None = LIVES,
    look: Look | None = None,
) -> Observation:
    seen = observation(facts, item=name)
    return replace(seen, heartbeats=beats, look=look or seen.look)


def patient(one: Observation, facts: Facts | Failure = MUTE, **changes: object) -> Observation:
    seen = observation(facts, item=one.key.item, role="retry", batch=99)
    changes = {"look": "patience", "heartbeats": LIVES, "tries": 1} | changes
    return replace(seen, key=key_again(one.key, "patience"), **changes)


def judged(
    items: Iterable[Observation], *later: Observation, sampled: bool = True
) -> list[Verdict]:
    items = list(items)
    controls = [observation(web(), CONTROL, item=one.key.item) for one in items]
    seen = [*batch_of(1, web(), BLOCKED), *controls, *items, *later]
    return list(judge(seen, samples_required=sampled).verdicts)


def rule(*seen: Observation, sampled: bool = True) -> str:
    (verdict,) = judged(seen[:1], *seen[1:], sampled=sampled)
    assert (verdict.state is State.BLOCKED) == (verdict.rule in ("silence", "reset"))
    return verdict.rule


def test_a_silence_without_an_answered_heartbeat_is_no_block() -> None:
    (verdict,) = judged([item(MUTE, beats=STARVES)])

    assert (verdict.state, verdict.rule) == (State.INSUFFICIENT, "silence-without-sign-of-life")
    assert "heartbeats: 0 answered in time, 2 late, the slowest in 4.00 s" in verdict.witnesses[1]
    assert "without that: blocked by rule silence" in verdict.witnesses
    assert "silence-without-sign-of-life" == rule(item(MUTE, beats=None))
    assert "silence-without-sign-of-life" == rule(item(MUTE, look="first"))


def test_a_silence_is_a_block_only_when_it_stayed_silent_with_patience() -> None:
    one = item(MUTE)

    assert "silence" == rule(one, patient(one))
    assert "silence" == rule(one, sampled=False)
    assert "silence-not-tried-with-patience" == rule(one)
    assert "silence-without-sign-of-life" == rule(one, patient(one, heartbeats=STARVES))


def test_a_sample_vouches_for_the_others() -> None:
    some = [item(MUTE, f"i{n}") for n in range(SAMPLE + 1)]

    whole = judged(some, *map(patient, some[:-1]))
    short = judged(some, *map(patient, some[:-2]))

    assert {State.BLOCKED} == {verdict.state for verdict in whole}
    assert ["silence-not-tried-with-patience"] * 2 == [verdict.rule for verdict in short[-2:]]


def test_one_answer_throws_doubt_on_all_that_were_not_silent_twice() -> None:
    some = [item(MUTE, f"i{n}") for n in range(SAMPLE + 2)]
    later = [patient(some[0], web()), *map(patient, some[1:-2])]
    later += [patient(some[-2], tries=DOUBTED_TURN + 1)]

    verdicts = judged(some, *later)

    assert State.ALLOWED is verdicts[0].state
    assert {"silence-may-be-slowness"} == {one.rule for one in (*verdicts[1:-2], verdicts[-1])}
    assert State.BLOCKED is verdicts[-2].state


def test_another_line_s_answers_say_nothing_of_this_one() -> None:
    some = [item(MUTE, f"i{n}") for n in range(SAMPLE + 1)]
    elsewhere = [replace(one, key=one.key.on("other")) for one in map(patient, some)]

    assert State.INSUFFICIENT is judged(some, *elsewhere)[0].state


@pytest.mark.parametrize("look", ["first", "confirmed"])
def test_an_abrupt_answer_counts_only_if_it_was_seen_again_alone(look: Look) -> None:
    assert "trouble-not-seen-alone" == rule(item(RESET, look=look))
    assert "trouble-not-seen-alone" == rule(item(RESET, look="alone", beats=STARVES))
    assert "reset" == rule(item(RESET, look="alone"))


def test_a_block_page_with_a_busy_status_must_be_seen_alone_too() -> None:
    page = web(canary="absent", status=503, title="Access denied by the filter", body_length=90)
    (verdict,) = judged([item(page, look="first")])

    assert "trouble-not-seen-alone" == verdict.rule


def test_what_a_resolver_says_of_itself_needs_no_second_look() -> None:
    errors = (ExtendedError(code=17),)
    seen = [
        *batch_of(1, dns("192.0.2.1"), dns(rcode="SERVFAIL"), control=dns("192.0.2.1")),
        observation(dns("192.0.2.1"), CONTROL),
        replace(observation(dns(rcode="SERVFAIL", extended_errors=errors)), look="first"),
    ]

    (verdict,) = judge(seen).verdicts
    assert State.BLOCKED is verdict.state


def test_a_must_block_sentinel_that_is_silent_on_a_dead_line_voids_the_batch() -> None:
    seen = [
        replace(one, heartbeats=STARVES) if one.failure else one for one in batch_of(1, web(), MUTE)
    ]
    seen += [observation(web(), CONTROL), observation(BLOCKED)]

    assert ["bracket-failed"] == [verdict.rule for verdict in judge(seen).verdicts]


def test_heartbeats_are_no_trials() -> None:
    seen = [*batch_of(1, web(), BLOCKED), observation(web(), item="h", role="heartbeat")]

    assert () == judge(seen).verdicts
    assert {"sentinels"} == {one.name for one in judge(seen).preconditions}


@pytest.mark.parametrize("look", ["at_once", "at_end", "other_client"])
@pytest.mark.parametrize(
    ("facts", "state", "said"),
    [
        (web(), State.ALLOWED, "passed-on-retry"),
        (BLOCKED, State.BLOCKED, "page-learned"),
        (RESET, State.BLOCKED, "page-learned"),
    ],
)
def test_what_passes_when_it_is_tried_again_was_not_blocked(
    look: Look, facts: Facts | Failure, state: State, said: str
) -> None:
    one = item(BLOCKED)
    again = replace(
        observation(facts, item="i", role="retry", batch=99),
        look=look,
        key=key_again(one.key, look),
    )
    (verdict,) = judged([one], again)

    assert verdict.state is state
    assert (verdict.rule == "passed-on-retry") == (said == "passed-on-retry")
    if said == "passed-on-retry":
        first, second = verdict.witnesses
        assert first == f"it passed when it was tried again, {LOOK_WORDS[look]}"
        assert second == "without that: blocked by rule page-learned"
        assert verdict.mechanism is Mechanism.BLOCK_PAGE
        assert verdict.claimed_category == ""
        assert (verdict.first_byte_service, verdict.first_byte_control) == (None, None)


def test_what_passed_while_the_filter_was_off_says_nothing_of_the_item() -> None:
    one, mute = item(BLOCKED), item(MUTE, "m")
    again = replace(
        observation(web(), item="i", role="retry", batch=99),
        look="at_end",
        key=key_again(one.key, "at_end"),
        filter_off=True,
    )

    assert State.BLOCKED is judged([one], again)[0].state
    assert "silence-not-tried-with-patience" == rule(mute, patient(mute, web(), filter_off=True))


def test_an_item_that_passed_later_keeps_no_times_of_the_first_trial() -> None:
    timed = Verdict(
        key=item(BLOCKED).key, item=item(BLOCKED).item, state=State.BLOCKED, rule="page-learned",
        rules_version="v", mechanism=Mechanism.BLOCK_PAGE, claimed_category="Games",
        first_byte_service=0.2, first_byte_control=0.1,
    )  # fmt: skip
    found = passed_on_retry(timed, "at_end", State.ALLOWED)

    assert (found.first_byte_service, found.first_byte_control) == (None, None)
    assert (found.claimed_category, found.mechanism) == ("", Mechanism.BLOCK_PAGE)
    assert (found.state, found.rule, found.key) == (State.ALLOWED, "passed-on-retry", timed.key)


@pytest.mark.parametrize(
    ("beats", "said"), [(LIVES, "silence"), (STARVES, "silence-not-tried-with-patience")]
)
def test_silences_on_a_dead_line_vouch_for_no_other_silence(beats: Heartbeats, said: str) -> None:
    items = [item(MUTE, f"i{number}") for number in range(SAMPLE + 1)]
    later = [patient(one, heartbeats=beats) for one in items[:SAMPLE]]

    assert judged(items, *later)[-1].rule == said
