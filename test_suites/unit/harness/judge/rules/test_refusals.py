"""The table of explicit refusals is whole, and says what each row rests on."""

from __future__ import annotations

from harness.judge.rules.order import RULES
from harness.judge.rules.refusals import REFUSALS, how_it_failed
from harness.model.observation import FAILURES
from harness.model.verdict import Mechanism, State

NO_REFUSALS = {
    "generic_timeout_error",
    "timed_out",
    "http_invalid_response",
    "ssl_failed_handshake",
}


def test_every_row_is_a_rule_that_blocks_by_a_mechanism_of_its_own() -> None:
    rules = {rule.id: rule for rule in RULES}

    assert all(rules[each.rule].state is State.BLOCKED for each in REFUSALS)
    assert len({each.mechanism for each in REFUSALS}) == len(REFUSALS)
    assert all(each.mechanism is not Mechanism.NONE for each in REFUSALS)


def test_silence_and_trouble_are_in_no_row() -> None:
    listed = frozenset().union(*(each.failures for each in REFUSALS))

    assert listed <= FAILURES
    assert not listed & NO_REFUSALS
    assert not any(name.startswith("instrument_") for name in listed)


def test_no_failure_is_in_two_rows() -> None:
    listed = [name for each in REFUSALS for name in each.failures]

    assert len(listed) == len(set(listed))


def test_every_row_says_what_the_control_showed() -> None:
    assert all(each.control and each.stages for each in REFUSALS)


def test_each_row_becomes_the_rule_that_it_says() -> None:
    for each in REFUSALS:
        rule = each.as_rule()

        assert rule in RULES
        assert (rule.id, rule.says) == (each.rule, each.says)
        assert (rule.state, rule.mechanism) == (State.BLOCKED, each.mechanism)
        assert rule.matches == each.matches
        assert rule.saw is how_it_failed
        assert not rule.origin_refusal
