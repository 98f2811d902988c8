"""Two campaigns, contrasted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scipy.stats import binomtest

from harness.estimate.campaign_comparison import Comparison, Contrast, compare_campaigns
from harness.model.scheme import Policy, Scheme
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
A, B, D, Q = State.ALLOWED, State.BLOCKED, State.DOWN, State.INSUFFICIENT
KS2 = {"ks2": "ks2"}


@pytest.fixture
def policy(scheme: Callable[..., Scheme]) -> Policy:
    """Drugs are to be blocked, ALW is to be allowed."""
    return scheme().policy


def row(found: Comparison, group: str) -> Contrast:
    return next(each for each in found.contrasts if each.group == group)


def test_discordant_items_decide_and_are_named(verdict: Make, policy: Policy) -> None:
    before = [verdict(f"d{n}", state=A if n < 8 else B) for n in range(20)]
    after = [verdict(f"d{n}", state=A if n in {0, 19} else B) for n in range(20)]

    found = row(compare_campaigns(before, after, policy, KS2), "DRUG")

    assert (found.before, found.after, found.change.pairs) == (12, 18, 20)
    assert found.better == tuple(f"d{n}" for n in range(1, 8))
    assert found.worse == ("d19",)
    assert found.change.p_value == pytest.approx(binomtest(7, 8).pvalue)
    assert found.direction(0.1) == "better"
    assert found.direction(0.05) == "no change shown"


def test_over_blocking_is_worse(verdict: Make, policy: Policy) -> None:
    before = [verdict(f"w{n}", "ALW", A) for n in range(8)]
    after = [verdict(f"w{n}", "ALW", B) for n in range(8)]

    found = compare_campaigns(before, after, policy, KS2)

    assert row(found, "ALW").direction(0.05) == "worse"
    assert [each.group for each in found.contrasts] == ["ALW", "must be allowed", "overall"]


def test_totals_do_not_let_one_expectation_hide_the_other(verdict: Make, policy: Policy) -> None:
    before = [verdict(f"d{n}", state=A) for n in range(8)]
    before += [verdict(f"w{n}", "ALW", A) for n in range(8)]
    after = [verdict(f"d{n}") for n in range(8)] + [verdict(f"w{n}", "ALW") for n in range(8)]

    found = compare_campaigns(before, after, policy, KS2)

    assert row(found, "overall").change.p_value == 1
    assert row(found, "must be blocked").direction(0.05) == "better"
    assert row(found, "must be allowed").direction(0.05) == "worse"


def test_several_categories_are_corrected(verdict: Make, policy: Policy) -> None:
    before = [verdict(f"{code}{n}", code, A) for code in ("DRUG", "DRUG.X") for n in range(6)]
    after = [verdict(f"{code}{n}", code) for code in ("DRUG", "DRUG.X") for n in range(6)]

    found = compare_campaigns(before, after, policy, KS2)

    assert row(found, "DRUG").adjusted == pytest.approx(2 * row(found, "DRUG").change.p_value)
    assert row(found, "overall").adjusted == row(found, "overall").change.p_value


@pytest.mark.parametrize("state", [Q, D])
def test_what_either_left_undecided_is_set_aside(
    state: State, verdict: Make, policy: Policy
) -> None:
    before, after = [verdict("a"), verdict("b")], [verdict("a", state=state), verdict("b")]

    for one, other in ((before, after), (after, before)):
        found = row(compare_campaigns(one, other, policy, KS2), "DRUG")
        assert (found.undecided, found.change.pairs) == (1, 1)


def test_only_the_probes_of_both_campaigns_count(verdict: Make, policy: Policy) -> None:
    before = [verdict("a"), verdict("a", probe="dns", state=A)]

    found = row(compare_campaigns(before, [verdict("a")], policy, KS2), "DRUG")

    assert (found.before, found.worse) == (1, ())


def test_another_item_or_place_is_no_pair(verdict: Make, policy: Policy) -> None:
    after = [verdict("a", "PORN"), verdict("b", line="resolver"), verdict("c")]

    found = compare_campaigns([verdict("a"), verdict("b")], after, policy, KS2)

    assert found == Comparison(contrasts=(), only_before=2, only_after=2)


def test_what_the_policy_leaves_open_is_not_compared(verdict: Make, policy: Policy) -> None:
    assert (
        compare_campaigns([verdict("a")], [verdict("a")], policy, {"ks2": "none"}).contrasts == ()
    )
