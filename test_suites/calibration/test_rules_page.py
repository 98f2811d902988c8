"""The reference page of rules lists all rules and is up to date."""

from __future__ import annotations

from harness.judge.composite_measurements import ALONE_RULES, PROVEN_RULES
from harness.judge.rules.order import RULES
from test_suites.calibration.rules_page import PAGE, rules_page


def test_the_page_is_up_to_date() -> None:
    assert rules_page() == PAGE.read_text(encoding="utf-8"), "generate it as it says"


def test_every_rule_is_on_the_page_in_its_order() -> None:
    page = rules_page()
    places = [page.index(f"| `{rule.id}` |") for rule in (*RULES, *PROVEN_RULES, *ALONE_RULES)]

    assert sorted(places) == places
