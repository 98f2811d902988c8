"""A page alone is a block by its own words, or it tells nothing; only TLS can prove an origin."""

from __future__ import annotations

from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.judge import judge_trial
from harness.judge.rules.without_control import ALONE_RULES, PROVEN_RULES
from harness.model.verdict import State
from test_suites.calibration.trials import THEIRS, certificate, foreign, trial

GOOD = certificate("leaf", "CN=R3,O=Let's Encrypt", trusted=True)


def test_without_a_control_nothing_is_allowed_by_its_looks() -> None:
    assert State.ALLOWED not in {rule.state for rule in ALONE_RULES}


def test_a_verified_origin_that_refuses_is_not_allowed() -> None:
    page = foreign(f"https://{THEIRS}/", certificate=GOOD, status=403, title="", text="")

    verdict = judge_trial(
        trial(page, alone=True, host=THEIRS), NO_FINGERPRINTS, (*PROVEN_RULES, *ALONE_RULES)
    )

    assert verdict.state is State.INSUFFICIENT
