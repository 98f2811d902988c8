"""Judging a whole journal: nothing favourable follows from a missing precondition."""

from __future__ import annotations

import gc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.judge import Judge, Judgement, judge, voided_batches
from harness.judge.rules.order import RULES_VERSION
from harness.judge.sentinels import FILTER_IS_ON, ORIGIN_ANSWERS
from harness.model.facts import Hop, WebFacts
from harness.model.observation import CONTROL, FAILURES, Failure, Observation
from harness.model.service_declaration import BlockPage
from harness.model.verdict import BRACKET_FAILED, Mechanism, State
from test_suites.kit.campaigns.trials import THEIRS, batch_of, failed, foreign, observation, web
from test_suites.kit.clocks.work import calls_of

MOST_CALLS = 170
"""Calls for each observation; it takes half of that."""

BLOCKED = web(canary="absent", status=403, title="Blocked",
              text="This website is blocked. Category: Gambling")  # fmt: skip
DECIDED = {State.ALLOWED, State.BLOCKED, State.ALTERED}


def _items(
    service: WebFacts | Failure, control: WebFacts | Failure | None = None, *, batch: int = 1
) -> list[Observation]:
    name = f"item-{batch}"
    return [
        observation(service, item=name, batch=batch),
        observation(control or web(), CONTROL, item=name, batch=batch),
    ]


def _void(seen: list[Observation], page: BlockPage | None = None) -> list[int]:
    """The batches that are void, by the sentinels of all."""
    return list(voided_batches(lambda: (one for one in seen if one.role != "item"), page))


def test_retrials_are_not_kept_to_know_which_batches_are_void() -> None:
    sentinels = batch_of(1, web(), web())
    again = msgspec.structs.replace(observation(BLOCKED), role="retry", look="at_end")
    seen = [*sentinels, again]
    void = voided_batches(lambda: iter(seen))

    assert 1 == next(void)
    assert [seen] == [owner for owner in gc.get_referrers(again) if isinstance(owner, list | dict)]


def test_a_bracketed_item_gets_its_verdict() -> None:
    judgement = judge([*batch_of(1, web(), BLOCKED), *_items(BLOCKED)])

    (verdict,) = judgement.verdicts
    assert (verdict.state, verdict.mechanism) == (State.BLOCKED, Mechanism.BLOCK_PAGE)
    assert verdict.claimed_category == "Gambling"
    assert judgement.rules_version == verdict.rules_version == RULES_VERSION
    assert all(precondition.held for precondition in judgement.preconditions)


def test_a_filter_that_is_off_voids_its_batch_and_no_other() -> None:
    seen = [
        *batch_of(1, web(), BLOCKED), *_items(BLOCKED, batch=1),
        *batch_of(2, web(), web()), *_items(web(), batch=2),
    ]  # fmt: skip

    judgement = judge(seen)

    assert {"item-1": State.BLOCKED, "item-2": State.INSUFFICIENT} == {
        verdict.key.item: verdict.state for verdict in judgement.verdicts
    }
    voided = judgement.verdicts[1]
    assert voided.rule == BRACKET_FAILED
    assert "without that: allowed by rule token-arrived" in voided.witnesses
    assert FILTER_IS_ON in {one.name for one in judgement.preconditions if not one.held}
    assert [2] == _void(seen)


def test_without_sentinels_nothing_is_decided_unless_that_was_agreed() -> None:
    assert judge(_items(web())).verdicts[0].rule == BRACKET_FAILED
    assert not judge(_items(web())).preconditions[0].held
    free = judge(_items(web()), sentinels_required=False)
    assert free.verdicts[0].state is State.ALLOWED
    assert free.preconditions == ()


def test_a_dead_origin_leaves_everything_insufficient() -> None:
    dead = failed("connection_refused", "connect")
    judgement = judge([*batch_of(1, BLOCKED, BLOCKED, control=dead), *_items(BLOCKED, dead)])

    assert judgement.verdicts[0].state is State.INSUFFICIENT
    assert judgement.preconditions[0].name == ORIGIN_ANSWERS


def test_a_portal_that_answers_everything_is_no_filter() -> None:
    portal = web(canary="absent", title="Welcome")
    judgement = judge([*batch_of(1, portal, portal), *_items(portal)])

    assert judgement.verdicts[0].state is State.INSUFFICIENT


@pytest.mark.parametrize("status", [502, 503])
def test_a_block_that_looks_like_trouble_is_learned_from_the_sentinels(status: int) -> None:
    refusal = web(canary="absent", status=None, tunnel_status=status)

    learned = judge([*batch_of(1, web(), refusal), *_items(refusal)])

    assert learned.verdicts[0].rule == "tunnel-refused-learned"


def test_a_failure_that_alone_tells_nothing_is_learned_from_the_sentinels() -> None:
    odd = failed("ssl_invalid_certificate", "tls")
    seen = [*batch_of(1, web(), odd), *_items(odd)]

    assert judge(seen).verdicts[0].state is State.BLOCKED
    assert judge([*batch_of(1, web(), BLOCKED), *_items(odd)]).verdicts[0].state not in DECIDED
    assert [] == _void(seen)


def test_a_broken_line_teaches_nothing() -> None:
    trouble = web(canary="absent", status=None, tunnel_status=503)
    broken = batch_of(1, trouble, trouble)
    sound = batch_of(2, web(), BLOCKED)

    judgement = judge([*broken, *sound, *_items(trouble, batch=2)])

    assert judgement.verdicts[0].rule == "tunnel-trouble"


def test_what_one_line_teaches_is_not_held_against_another() -> None:
    refusal = web(canary="absent", status=None, tunnel_status=503)
    seen = [
        *batch_of(1, web(), refusal),
        *batch_of(2, web(), BLOCKED, line="other"),
        observation(refusal, "other", item="item-2", batch=2),
        observation(web(), CONTROL, item="item-2", batch=2),
    ]

    assert judge(seen).verdicts[0].rule == "tunnel-trouble"


def test_order_of_observations_does_not_matter() -> None:
    seen = [*batch_of(1, web(), BLOCKED), *_items(BLOCKED)]

    assert judge(seen).verdicts == judge(reversed(seen)).verdicts


_FACTS = st.one_of(
    st.sampled_from([web(), BLOCKED, web(canary="absent"), web(status=503, canary="absent")]),
    st.builds(failed, st.sampled_from(sorted(FAILURES)),
              st.sampled_from(["resolve", "proxy_connect", "connect", "tls", "response"])),
)  # fmt: skip
_SICK = st.one_of(
    st.none(),
    st.just(web(canary="absent")),
    st.builds(failed, st.sampled_from(sorted(FAILURES)), st.just("response")),
)


@given(service=_FACTS, control=_SICK)
def test_no_trial_without_a_healthy_control_is_ever_decided(
    service: WebFacts | Failure, control: WebFacts | Failure | None
) -> None:
    item = [observation(service, item="item-1")]
    if control is not None:
        item.append(observation(control, CONTROL, item="item-1"))

    judgement = judge([*batch_of(1, web(), BLOCKED), *item])

    assert judgement.verdicts[0].state not in DECIDED


@given(service=_FACTS, allowed=_FACTS, blocked=_FACTS)
def test_no_trial_is_decided_unless_its_sentinels_fared_as_agreed(
    service: WebFacts | Failure, allowed: WebFacts | Failure, blocked: WebFacts | Failure
) -> None:
    judgement = judge([*batch_of(1, allowed, blocked), *_items(service)])

    if judgement.verdicts[0].state in DECIDED:
        assert allowed == web()
        assert blocked != web()
        assert all(precondition.held for precondition in judgement.preconditions)


def test_the_work_of_ten_thousand_observations_grows_no_faster_than_their_number() -> None:
    def work(number: int) -> tuple[int, Judgement]:
        seen = [
            *(one for batch in range(number // 200) for one in batch_of(batch, web(), BLOCKED)),
            *(
                one
                for place in range(number // 2)
                for one in (
                    observation((web(), BLOCKED)[place % 2], item=f"i{place}", batch=place // 100),
                    observation(web(), CONTROL, item=f"i{place}", batch=place // 100),
                )
            ),
        ]
        return calls_of(lambda: judge(seen))

    work(200)  # fills caches
    few, _ = work(1_000)
    many, judgement = work(10_000)

    assert many <= 11 * few
    assert many <= MOST_CALLS * 10_000
    assert len(judgement.verdicts) == 5000


def test_a_declared_block_page_is_known_by_its_words_or_its_address() -> None:
    """Neither page says that it blocks; the submission says what they are."""
    declared = BlockPage(text="Ask Mrs Jones about whales", host="www.hilltop.example")
    words = "Good morning, children. Ask Mrs Jones about whales. " * 60
    page = foreign(title="Hilltop", text=words, body_length=20_000)
    hop = Hop(url=f"http://{THEIRS}/", status=302, location="http://www.hilltop.example/")
    astray = foreign("http://www.hilltop.example/", title="Hilltop", hops=(hop,))

    for service, mechanism in ((page, Mechanism.BLOCK_PAGE), (astray, Mechanism.REDIRECT)):
        seen = [
            *batch_of(1, web(), BLOCKED),
            observation(service, item="i", host=THEIRS),
            observation(foreign(), CONTROL, item="i", host=THEIRS),
        ]
        unknown, known = judge(seen).verdicts[0], judge(seen, declared).verdicts[0]
        assert unknown.state is not State.BLOCKED
        assert (known.state, known.mechanism) == (State.BLOCKED, mechanism)


def test_a_sentinel_that_meets_the_declared_page_holds_its_bracket() -> None:
    page = foreign(title="Hilltop", text="Good morning, children. " * 100, body_length=20_000)
    seen = batch_of(1, foreign(), page, control=foreign())

    assert [1] == _void(seen)
    assert [] == _void(seen, BlockPage(title="Hilltop"))


def test_another_round_does_not_stand_for_one_that_is_void() -> None:
    """The filter was off in the second round; what the first one saw cannot make up for it."""
    off = [*batch_of(2, web(), web()), *_items(BLOCKED, batch=2)]
    rounds = {1: [*batch_of(1, web(), BLOCKED), *_items(BLOCKED, batch=1)], 2: off}
    rounds[1002] = [*batch_of(3, web(), BLOCKED), *_items(BLOCKED, batch=3)]
    seen = {
        number: [_in_round(number, one) for one in several] for number, several in rounds.items()
    }

    once = judge([*seen[1], *seen[2]]).verdicts
    assert [State.BLOCKED, State.INSUFFICIENT] == [one.state for one in once]
    again = judge([*seen[1], *seen[2], *seen[1002]]).verdicts
    assert [(State.BLOCKED, 1), (State.BLOCKED, 1002)] == [
        (one.state, one.key.round) for one in again
    ]


def _in_round(number: int, one: Observation) -> Observation:
    """The observation of a round; the items of all rounds are one."""
    name = one.key.item if one.role != "item" else "item"
    key = msgspec.structs.replace(one.key, item=name, round=number)
    return msgspec.structs.replace(one, key=key)


def test_what_is_tried_again_is_what_a_judgement_voids() -> None:
    """The second batch's page is known by the text that the first one's block page had."""
    page = foreign(text="Back to your lesson, please.", body_length=300)
    clear = foreign(
        title="This website is blocked", status=403, text="Back to your lesson, please."
    )
    alone = [*batch_of(2, foreign(), page, control=foreign()), *_items(BLOCKED, batch=2)]
    taught = [*batch_of(1, foreign(), clear, control=foreign()), *alone]

    for seen, void in ((alone, [2]), (taught, [])):
        assert void == _void(seen)
        judged = judge(seen).verdicts
        assert bool(void) == any(one.rule == BRACKET_FAILED for one in judged)


def test_a_journal_is_judged_batch_by_batch_as_it_would_be_at_once() -> None:
    seen = [
        *batch_of(1, web(), BLOCKED), *_items(BLOCKED, batch=1),
        *batch_of(2, web(), web()), *_items(web(), batch=2), *_items(web(), batch=3),
    ]  # fmt: skip
    judging = Judge(one for one in seen if one.role != "item")

    verdicts = judging.verdicts(iter(seen))
    first = next(verdicts)

    assert first.state is State.BLOCKED
    assert (first, *verdicts) == judge(seen).verdicts
    assert judging.preconditions == judge(seen).preconditions
