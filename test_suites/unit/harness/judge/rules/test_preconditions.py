"""Without a living control and a working line nothing is concluded."""

from __future__ import annotations

import pytest

from harness.judge.judge import judge_trial
from harness.model.facts import ReachFacts, WebFacts
from harness.model.observation import CONTROL, FAILURES, LOCAL_TROUBLE
from harness.model.verdict import State, Trial
from test_suites.kit.campaigns.trials import dns, failed, foreign, observation, reach, trial, web


def test_a_control_that_left_nothing_is_no_control() -> None:
    empty = Trial(service=observation(web()), control=observation(None, CONTROL))

    assert judge_trial(empty).rule == "control-without-facts"


@pytest.mark.parametrize("facts", [web(canary="absent"), foreign(), failed("connection_reset")])
def test_a_dead_target_is_down_whatever_the_service_says(facts: WebFacts) -> None:
    assert judge_trial(trial(facts, failed("generic_timeout_error"))).state is State.DOWN


def test_a_page_of_the_line_itself_on_the_control_makes_the_target_dead() -> None:
    verdict = judge_trial(trial(web(), web(canary="absent", title="Log in to the hotel")))

    assert verdict.state is State.DOWN


@pytest.mark.parametrize("name", sorted(LOCAL_TROUBLE))
def test_trouble_of_our_own_network_says_nothing(name: str) -> None:
    assert judge_trial(trial(failed(name, "connect"))).state is State.INSUFFICIENT


@pytest.mark.parametrize("name", sorted(name for name in FAILURES if name.startswith("instrument")))
def test_trouble_of_our_own_equipment_says_nothing(name: str) -> None:
    assert judge_trial(trial(failed(name, "instrument"))).rule == "instrument-service"


@pytest.mark.parametrize("status", [407])
def test_a_proxy_that_wants_a_name_was_not_tried(status: int) -> None:
    asked = web(canary="absent", status=None, tunnel_status=status)

    assert judge_trial(trial(asked)).rule == "proxy-wants-a-name"


@pytest.mark.parametrize("name", ["connection_refused", "network_unreachable", "eof_error"])
def test_a_resolver_that_was_not_reached_blocks_nothing(name: str) -> None:
    verdict = judge_trial(trial(failed(name, "connect"), dns("192.0.2.1")))

    assert (verdict.state, verdict.rule) == (State.INSUFFICIENT, "resolver-unreachable")


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (reach(reached=True), State.ALLOWED),
        (reach(reached=False, refusal="550 Virus found"), State.BLOCKED),
        (reach(reached=False), State.INSUFFICIENT),
        (reach(reached=None), State.INSUFFICIENT),
    ],
)
def test_other_protocols_tell_whether_the_far_end_was_reached(
    seen: ReachFacts, state: State
) -> None:
    assert state is judge_trial(trial(seen, reach(reached=True))).state


@pytest.mark.parametrize(("status", "state"), [(404, State.ALLOWED), (500, State.ALLOWED)])
def test_an_error_page_with_the_token_is_the_origin_s_page(status: int, state: State) -> None:
    shown = web(status=status)

    assert judge_trial(trial(shown, shown)).state is state
    lost = judge_trial(trial(web(status=500, canary="absent"), web(status=500, canary="absent")))
    assert lost.state is State.DOWN


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_a_coding_may_have_its_older_name(coding: str) -> None:
    shown = web(codings=(coding,))

    assert judge_trial(trial(shown, shown, stratum="GAMB/x-gzip")).state is State.ALLOWED
    assert judge_trial(trial(web(), web(), stratum="GAMB/x-gzip")).rule == "control-without-coding"
