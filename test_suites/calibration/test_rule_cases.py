"""Every rule has a case, and each case gets the verdict of its rule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

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


NAMED = tomllib.loads(Path(__file__).with_name("rule_facts.toml").read_text())["case"]


@pytest.mark.parametrize(
    ("case", "named"),
    [pytest.param(*pair, id=pair[0].rule) for pair in zip(CASES, NAMED, strict=True)],
)
def test_a_verdict_names_the_facts_that_it_rests_on(case: RuleCase, named: dict[str, Any]) -> None:
    rules = (*PROVEN_RULES, *ALONE_RULES) if case.alone else RULES
    verdict = judge_trial(case.trial, case.fingerprints, rules)
    [rule] = [one for one in rules if one.id == case.rule]

    assert named["rule"] == verdict.rule
    assert verdict.witnesses == tuple(filter(None, (rule.says, named["saw"])))
    assert verdict.claimed_category == named.get("claimed", "")
    assert verdict.origin_refusal is named.get("origin_refusal", False)
    assert verdict.intercepted is named.get("intercepted", False)


def test_every_rule_has_a_case() -> None:
    rules = {rule.id for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES)}

    assert rules == {case.rule for case in CASES} | WITHOUT_CASE


def test_no_rule_id_is_used_twice() -> None:
    ids = [rule.id for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES)]

    assert len(ids) == len(set(ids))
