"""Items beside their plain twins, counted by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.plain_twins import SAME_FOR_PUPILS, pupil_difference, same_treatment
from harness.model.plain_twin import LOST, TRIES, PlainTwins, TwinPair
from harness.model.scheme import Expectation

Select = Callable[..., Selection]
Counted = tuple[Any, int, int, int]
"""The upper bound, k, n, and the doubtful pairs."""

MetricFunction = Callable[..., Counted]
BOTH = frozenset({"web", "web_https", "dns_aaaa"})


def twins(
    number: int, tested: str = "blocked", plain: str = "blocked", probe: str = "web",
    category: str = "DRUG",
) -> Iterator[TwinPair]:  # fmt: skip
    for each in range(number):
        yield TwinPair(
            item=f"{tested}-{plain}-{each}", category=category, line="proxy", profile="ks2",
            probe=probe, tested=tested, plain=plain,
        )  # fmt: skip


def policy(category: str, phase: str = "ks2") -> Expectation | None:
    del phase
    return "block" if category == "DRUG" else "allow"


@pytest.fixture
def measured(select: Select) -> MetricFunction:
    def take(
        *pairs: Iterator[TwinPair], probes_run: frozenset[str] = frozenset({"web"})
    ) -> Counted:
        held = tuple(one for some in pairs for one in some)
        selection = replace(
            select([]), twins=held, probes_run=probes_run, expects=policy, alpha=0.05
        )
        metric = pupil_difference(selection).metric
        return metric.upper, metric.k, metric.n, metric.indeterminate

    return take


def test_59_twins_without_a_difference_bound_it_below_5_percent(measured: MetricFunction) -> None:
    upper, k, n, doubtful = measured(twins(59))

    assert (k, n, doubtful) == (0, 59, 0)
    assert upper == pytest.approx(1 - 0.05 ** (1 / 59))
    assert upper < 0.05 < measured(twins(58))[0]
    assert measured(twins(299))[0] < 0.01


def test_what_a_pupil_gets_counts_and_what_a_pupil_does_not_get_does_not(
    measured: MetricFunction,
) -> None:
    _, k, n, _ = measured(
        twins(50), twins(3, plain="allowed"), twins(2, plain="altered"), twins(4, "allowed")
    )

    assert (k, n) == (5, 59)


def test_an_undecided_twin_of_a_blocked_item_is_taken_against_the_service(
    measured: MetricFunction,
) -> None:
    upper, k, n, doubtful = measured(
        twins(59), twins(3, plain="insufficient"), twins(1, plain="down")
    )

    assert (k, n, doubtful) == (0, 59, 3)
    assert upper > 0.1


def test_an_undecided_item_says_nothing(measured: MetricFunction) -> None:
    assert (0, 10, 0) == measured(twins(10), twins(9, "insufficient", "allowed"))[1:]


def test_of_several_probes_the_one_that_shows_least_decides(measured: MetricFunction) -> None:
    assert (
        1
        == measured(
            twins(59), twins(59, probe="web_https"), twins(1, plain="allowed"), probes_run=BOTH
        )[1]
    )
    assert (None, 0, 0, 0) == measured(twins(59), probes_run=BOTH)
    assert (None, 0, 0, 0) == measured(twins(59), probes_run=frozenset({"dns_aaaa"}))


def test_categories_that_are_to_be_allowed_do_not_count(measured: MetricFunction) -> None:
    assert (0, 59, 0) == measured(twins(59), twins(30, plain="allowed", category="ALW"))[1:]


def recognised(*pairs: Iterable[TwinPair], alpha: float = 0.05) -> list[bool]:
    held = [one for some in pairs for one in some]
    found = same_treatment(held, policy, {"ks2": "ks2"}, alpha)
    assert all(one.voids and one.name == SAME_FOR_PUPILS for one in found)
    return [one.held for one in found]


def test_a_difference_beyond_chance_voids_the_campaign() -> None:
    assert [True] == recognised(twins(50), twins(4, plain="allowed"))
    assert [False] == recognised(twins(50), twins(5, plain="allowed"))


def test_only_whoever_favours_testers_is_held_back() -> None:
    """A service that blocks a pupil more has nothing to gain by it."""
    assert [True] == recognised(twins(50), twins(40, "allowed", "blocked"))
    assert [True] == recognised(twins(6, "allowed", "blocked"), twins(6, plain="allowed"))
    assert [False] == recognised(twins(1, "allowed", "blocked"), twins(8, plain="allowed"))


def test_undecided_twins_say_nothing_of_the_service_unless_they_are_many() -> None:
    few = [*twins(53), *twins(6, plain="insufficient")]
    (one,) = same_treatment([*few, *twins(3, plain="insufficient")], policy, {"ks2": "ks2"}, 0.05)

    assert [True] == recognised(few)
    assert (one.held, "recognise" in one.detail) == (False, False)
    assert "the twins of 9 of 62 blocked items are undecided" in one.detail
    assert [True] == recognised(twins(50), twins(9, plain="down"))
    assert [True] == recognised(twins(50), twins(9, "insufficient", "allowed"))


@pytest.mark.parametrize(("number", "mark"), [(59, 0.05), (299, 0.01)])
def test_an_honest_service_meets_the_gate_although_attempts_fail(
    number: int, mark: float, measured: MetricFunction
) -> None:
    """One item in a hundred is undecided, and one twin in a hundred in each of its tries."""
    chance, runs = random.Random(7), 1000
    declared, met = PlainTwins(number=number), 0
    for _ in range(runs):
        lost = sum(chance.random() < LOST for _ in range(declared.drawn))
        doubtful = sum(chance.random() < LOST**TRIES for _ in range(declared.drawn - lost))
        upper, _, n, _ = measured(
            twins(declared.drawn - lost - doubtful), twins(doubtful, plain="insufficient"),
            twins(lost, "insufficient"),
        )  # fmt: skip
        met += n >= number and upper <= mark

    assert (declared.drawn, PlainTwins(number=0).drawn) == ({59: 62, 299: 307}[number], 0)
    assert met >= 0.99 * runs


def test_every_line_and_probe_is_a_test_of_its_own() -> None:
    """Five discordant pairs have p = 0.031: enough alone, and not for one of two tests."""
    assert [True] == recognised(twins(5, plain="allowed"), twins(50, probe="dns"))
    assert [False] == recognised(twins(6, plain="allowed"), twins(50, probe="dns"))


def test_without_twins_nothing_is_said() -> None:
    assert [] == recognised()
    assert [] == recognised(twins(20, plain="allowed", category="ALW"))


def test_what_was_found_is_told() -> None:
    (one,) = same_treatment(twins(20, plain="allowed"), policy, {"ks2": "ks2"}, 0.05)

    assert "20 of 20 items were blocked for the test but not for a pupil" in one.detail
    assert "web on proxy for ks2" in one.detail
    assert one.detail.endswith("as accredit corpus export --origin writes them?")
    assert one.concerns("any line", "any profile")
