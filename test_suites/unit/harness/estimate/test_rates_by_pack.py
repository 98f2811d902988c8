"""Packs are counted apart, and known items are held against hidden ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace as replace_draw
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import fisher_exact as oracle

from harness.estimate.estimate import estimate
from harness.estimate.intervals import WeightedItem, clopper_pearson, weighted_rate
from harness.estimate.rates_by_pack import PackComparison, compare_packs, fisher_exact
from harness.model.journal_header import PackNote
from harness.model.metric import Foreknowledge, PackRate
from harness.model.scheme import Scheme
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

Make = Callable[..., Verdict]
A, B, Q = State.ALLOWED, State.BLOCKED, State.INSUFFICIENT
PACKS = {
    "open 1": PackNote(name="open", audience="public", design="stratified", kind="real"),
    "secret 2": PackNote(name="secret", audience="sealed", design="stratified", kind="real"),
    "visited 3 as visited": PackNote(
        name="visited",
        audience="public",
        design="popularity_weighted",
        kind="real",
    ),
    "told 4": PackNote(name="told", audience="public", design="census", kind="agreed"),
    "pages 5": PackNote(name="pages", audience="sealed", design="stratified", kind="content"),
}


@pytest.fixture
def take(scheme: Callable[..., Scheme]) -> Callable[..., PackComparison]:
    """Count verdicts apart under the policy of the test scheme."""

    def make(verdicts: Iterable[Verdict], packs: Any = None) -> PackComparison:
        counts = MemoryFold(verdicts).counts
        chosen = PACKS if packs is None else packs
        return compare_packs(counts, chosen, scheme().policy, {"ks2": "ks2"}, 0.05)

    return make


def marked(
    verdicts: Iterable[Verdict], pack: str, weights: Iterable[float] | None = None
) -> list[Verdict]:
    """The same verdicts of items that came from a pack."""
    given_ = list(verdicts)
    each = list(weights or [1.0] * len(given_))
    return [
        replace(
            one, item=replace(one.item, id=f"{pack[:1]}{one.item.id}", pack=pack, weight=weight)
        )
        for one, weight in zip(given_, each, strict=True)
    ]


def rate(found: PackComparison, pack: str, group: str) -> PackRate:
    return next(one for one in found.rates if (one.pack, one.group) == (pack, group))


def contrast(found: PackComparison, group: str) -> Foreknowledge:
    return next(one for one in found.foreknowledge if one.group == group)


def test_a_service_that_knows_the_public_list_only_is_found(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    known = marked((verdict(f"d{n}") for n in range(30)), "open 1")
    hidden = marked((verdict(f"d{n}", state=B if n < 20 else A) for n in range(30)), "secret 2")

    found = contrast(take(known + hidden), "DRUG")

    assert (found.known_right, found.known_n) == (30, 30)
    assert (found.hidden_right, found.hidden_n) == (20, 30)
    assert found.p_value == pytest.approx(oracle([[30, 0], [20, 10]], "greater").pvalue)
    assert found.is_tuned


def test_doing_better_on_hidden_items_is_no_tuning(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    known = marked((verdict(f"d{n}", state=A) for n in range(30)), "open 1")
    hidden = marked((verdict(f"d{n}") for n in range(30)), "secret 2")

    assert contrast(take(known + hidden), "DRUG").p_value == pytest.approx(1)


def test_categories_are_corrected_and_totals_are_not(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    codes = ("DRUG", "DRUG.X")
    known = marked((verdict(f"{code}{n}", code) for code in codes for n in range(6)), "open 1")
    hidden = marked(
        (verdict(f"{code}{n}", code, B if n else A) for code in codes for n in range(6)), "secret 2"
    )

    found = take(known + hidden)

    for code in codes:
        assert contrast(found, code).adjusted == min(1, 2 * contrast(found, code).p_value)
    total = contrast(found, "must be blocked")
    assert (total.known_n, total.hidden_n, total.adjusted) == (12, 12, total.p_value)


def test_must_allow_items_go_right_when_they_come_through(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    known = marked((verdict(f"w{n}", "ALW", A) for n in range(5)), "open 1")
    hidden = marked((verdict(f"w{n}", "ALW", B) for n in range(5)), "secret 2")

    found = contrast(take(known + hidden), "ALW")

    assert (found.known_right, found.hidden_right) == (5, 0)


def test_frames_are_not_made_one(verdict: Make, take: Callable[..., PackComparison]) -> None:
    uniform = marked((verdict(f"d{n}", state=B if n < 5 else A) for n in range(10)), "open 1")
    ranked = [verdict(f"d{n}", state=B if n < 5 else A) for n in range(10)]
    weights = [4.0 if n < 5 else 1.0 for n in range(10)]

    found = take(uniform + marked(ranked, "visited 3 as visited", weights))

    plain, visited = rate(found, "open", "DRUG"), rate(found, "visited", "DRUG")
    assert (plain.value, plain.n) == (0.5, 10)
    assert (plain.lower, plain.upper) == pytest.approx(clopper_pearson(5, 10, 0.05))
    draws = [WeightedItem(success=n < 5, weight=weights[n], stratum="DRUG") for n in range(10)]
    expected = weighted_rate(draws, 0.05)
    assert visited.value == pytest.approx(0.8) == expected.value
    assert (visited.lower, visited.upper) == pytest.approx(expected.bounds)
    assert found.foreknowledge == ()  # both are known to suppliers


def test_tables_by_category_keep_frames_apart(verdict: Make, scheme: Callable[..., Scheme]) -> None:
    both = marked([verdict("d", state=A)], "open 1") + marked(
        [verdict("d")], "visited 3 as visited"
    )

    rates = estimate(MemoryFold(both), scheme(), {"ks2": "ks2"}, packs=PACKS).rates

    assert [(one.frame, one.blocked, one.allowed) for one in rates] == [
        ("", 0, 1),
        ("as visited", 1, 0),
    ]


def test_known_and_hidden_are_of_one_frame(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    visited = marked((verdict(f"d{n}") for n in range(9)), "visited 3 as visited")
    hidden = marked((verdict(f"d{n}", state=A) for n in range(9)), "secret 2")

    assert take(visited + hidden).foreknowledge == ()


def test_doubt_widens_the_bounds_and_is_told(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    def states(weight: float) -> list[Verdict]:
        return marked(
            (verdict(f"d{n}", state=(B, B, B, A, Q)[n % 5]) for n in range(20)),
            "open 1",
            [weight if n % 2 else 1.0 for n in range(20)],
        )

    alike, weighed = (rate(take(states(weight)), "open", "DRUG") for weight in (1.0, 3.0))

    assert alike.undecided == weighed.undecided == 4
    assert alike.value == 0.75
    for one in (alike, weighed):
        assert one.value is not None
        assert one.lower is not None
        assert one.upper is not None
        assert one.lower < one.value * 16 / 20 < one.value < one.upper
    hoped = [
        WeightedItem(success=n % 5 != 3, weight=3.0 if n % 2 else 1.0, stratum="DRUG")
        for n in range(20)
    ]
    feared = [replace_draw(draw, success=n % 5 < 3) for n, draw in enumerate(hoped)]
    assert weighed.upper == pytest.approx(weighted_rate(hoped, 0.05).bounds.upper)
    assert weighed.lower == pytest.approx(weighted_rate(feared, 0.05).bounds.lower)
    assert rate(take(marked([verdict("d", state=Q)], "open 1")), "open", "DRUG").value is None


def test_a_journal_of_one_pack_says_nothing_apart(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    assert take([verdict("d")], {"open 1": PACKS["open 1"]}) == PackComparison()
    assert take([verdict("d")]) == PackComparison()  # no item bears a mark


@given(st.integers(0, 40), st.integers(0, 40), st.data())
def test_the_p_value_is_that_of_fisher(n: int, there: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    right_there = data.draw(st.integers(0, there))

    found = fisher_exact((right, n), (right_there, there))

    table = [[right, n - right], [right_there, there - right_there]]
    assert found == pytest.approx(oracle(table, "greater").pvalue if n and there else 1, rel=1e-9)


def test_agreed_items_and_other_kinds_are_no_comparison(
    verdict: Make, take: Callable[..., PackComparison]
) -> None:
    """A list that was loaded does better than a filter knows by itself: that is no tuning."""
    agreed = marked((verdict(f"d{n}") for n in range(60)), "told 4")
    hidden = marked((verdict(f"d{n}", state=A) for n in range(60)), "secret 2")
    pages = marked((verdict(f"d{n}", state=A) for n in range(60)), "pages 5")

    assert take(agreed + hidden + pages).foreknowledge == ()
    assert {rate.kind for rate in take(agreed + hidden + pages).rates} == {
        "agreed",
        "real",
        "content",
    }


def test_a_measurement_knows_its_own_categories_and_kind(
    verdict: Make, scheme: Callable[..., Scheme]
) -> None:
    known = marked((verdict(f"d{n}") for n in range(60)), "open 1")
    hidden = marked((verdict(f"d{n}", state=A) for n in range(60)), "secret 2")
    words = {"metric": "block_rate", "expectation": "block"}
    both = MemoryFold(known + hidden)

    def told(**measure: Any) -> list[str]:
        found = estimate(both, scheme(**words, **measure), {"ks2": "ks2"}, packs=PACKS)
        return [one.group for one in found.measurements[0].foreknowledge]

    assert told(categories=("DRUG",)) == ["DRUG"]
    assert told() == ["DRUG"]
