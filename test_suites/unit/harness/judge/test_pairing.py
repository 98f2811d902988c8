"""Every service observation meets its control, and sentinels stand apart."""

from __future__ import annotations

from harness.judge.pairing import BatchPath, batch_path_of, pair
from harness.model.observation import CONTROL
from test_suites.kit.campaigns.trials import batch_of, observation, web


def test_a_service_meets_the_control_of_the_same_item_whatever_the_order() -> None:
    service, control = observation(web()), observation(web(title="control"), CONTROL)
    other = observation(web(), item="gamb-002")

    found = pair([service, other, control]).trials

    assert [(service, control), (other, None)] == [(one.service, one.control) for one in found]


def test_a_control_of_another_probe_or_profile_is_no_control() -> None:
    assert (
        pair([observation(web()), observation(web(), CONTROL, probe="dns")]).trials[0].control
        is None
    )


def test_a_control_alone_makes_no_trial() -> None:
    assert pair([observation(web(), CONTROL)]).trials == ()


def test_sentinels_are_kept_by_the_batch_that_they_bracket() -> None:
    seen = [*batch_of(1, web(), web(canary="absent")), *batch_of(2, web(), web(canary="absent"))]

    pairs = pair(seen)

    assert pairs.trials == ()
    assert {BatchPath(1, "proxy", "ks2", "web"), BatchPath(2, "proxy", "ks2", "web")} == set(
        pairs.sentinels
    )
    assert all(len(trials) == 4 for trials in pairs.sentinels.values())


def test_a_course_is_batch_line_profile_and_probe() -> None:
    assert BatchPath(7, "proxy", "ks2", "web") == batch_path_of(observation(web(), batch=7))
