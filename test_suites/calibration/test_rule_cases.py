"""Every rule has a case, and each case gets the verdict of its rule."""

from __future__ import annotations

import pytest

from harness.judge.composite_measurements import ALONE_RULES, PROVEN_RULES
from harness.judge.judge import judge_trial
from harness.judge.rules.order import RULES
from test_suites.calibration.rule_case import RuleCase
from test_suites.calibration.rule_cases import CASES

WITHOUT_CASE = {"control-without-facts"}
"""No probe leaves such an observation; the rule is a guard, tested beside its module."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_case_gets_the_verdict_of_its_rule(case: RuleCase) -> None:
    verdict = judge_trial(
        case.trial, case.fingerprints, (*PROVEN_RULES, *ALONE_RULES) if case.alone else RULES
    )

    assert (case.rule, case.state, case.mechanism) == (
        verdict.rule,
        verdict.state,
        verdict.mechanism,
    )


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES)}

    assert rules == {case.rule for case in CASES} | WITHOUT_CASE


def test_no_rule_id_is_used_twice() -> None:
    ids = [rule.id for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES)]

    assert len(ids) == len(set(ids))
