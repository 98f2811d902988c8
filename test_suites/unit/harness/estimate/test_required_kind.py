"""Whole lines are looked at by kind of items; another kind can only speak against the service."""

from __future__ import annotations

from collections.abc import Callable

from harness.estimate.estimate import estimate
from harness.estimate.item_selection import Selection
from harness.estimate.line_metrics import discordant, wrong_cells
from harness.model.scheme import Scheme
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.test_worst_group import PACKS, drawn, group, rested

Make = Callable[..., Verdict]
Select = Callable[..., Selection]


def test_what_speaks_against_the_service_counts_whatever_its_kind(
    verdict: Make, select: Select
) -> None:
    """Right cells of agreed items do not outweigh a wrong one of real items."""
    verdicts = drawn(group(verdict, "DRUG", 9, 0, stratum="o"), "open 1")
    verdicts += drawn(group(verdict, "DRUG", 8, 1, stratum="k"), "known 2")

    metric = wrong_cells(rested(select(verdicts), "agreed")).metric

    assert metric.k == 1
    right = [one for one in verdicts if one.state is State.BLOCKED]
    assert wrong_cells(rested(select(right), "agreed")).metric.k == 0


def test_items_of_another_kind_make_up_for_nothing(verdict: Make, select: Select) -> None:
    """Two agreed items show no cell to be right, however many real ones there are."""
    verdicts = drawn(group(verdict, "DRUG", 2, 0, stratum="o"), "open 1")
    verdicts += drawn(group(verdict, "DRUG", 9, 0, stratum="k"), "known 2")

    metric = wrong_cells(rested(select(verdicts), "agreed")).metric

    assert (metric.n, metric.indeterminate) == (0, 1)


def test_a_contradiction_is_one_on_items_of_any_kind(verdict: Make, select: Select) -> None:
    both = [verdict("a"), verdict("a", state=State.ALLOWED, probe="web_https")]
    agreed = drawn([verdict("b"), verdict("b", probe="web_https")], "open 1")

    assert discordant(rested(select(agreed + drawn(both, "known 2")), "agreed")).metric.k == 1
    assert discordant(rested(select(agreed), "agreed")).metric.k == 0


def test_of_shares_that_went_right_the_one_with_the_most_wrong_stands(
    verdict: Make, scheme: Callable[..., Scheme]
) -> None:
    """Services handled as agreed do not hide those of another source that are open to pupils."""
    right = [
        verdict(f"r{number}", profile=profile, state=state)
        for number in range(3)
        for profile, state in (("ks2", State.BLOCKED), ("staff", State.ALLOWED))
    ]
    wrong = [verdict("w", profile="ks2", state=State.ALLOWED)]
    found = estimate(
        MemoryFold(drawn(right, "open 1") + drawn(wrong, "known 2")),
        scheme(rule="census", metric="genai_compliance"),
        {"ks2": "ks2", "staff": "staff"},
        packs=PACKS,
    )

    pupils = next(one.metric for one in found.measurements if one.profile == "ks2")
    assert (pupils.k, pupils.n, pupils.value) == (0, 1, 0.0)
