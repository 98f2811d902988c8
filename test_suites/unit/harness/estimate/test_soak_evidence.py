"""The evidence of several campaigns that a rate is not reached any more."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from harness.estimate.soak_evidence import Tally, level_of_evidence, tally_of
from harness.model.metric import Part, Source, Spread
from harness.model.outcome import Conformity
from harness.model.scheme import Threshold
from test_suites.unit.harness.estimate.test_extension import outcome


def at_least(share: float) -> Threshold:
    return Threshold(at_least=share, provenance="proposed", source="TEST")


def at_most(share: float) -> Threshold:
    return Threshold(at_most=share, provenance="proposed", source="TEST")


def test_small_campaigns_add_up() -> None:
    weak = Tally(100, 11)

    levels = [level_of_evidence(Tally(100 * n, 11 * n), at_least(0.95)) for n in range(1, 5)]

    assert levels[0] == level_of_evidence(weak, at_least(0.95)) > 0.05
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.05


def test_both_sides_of_a_threshold_are_the_same_question() -> None:
    blocked = level_of_evidence(Tally(200, 20), at_least(0.95))
    passed = level_of_evidence(Tally(200, 20), at_most(0.05))

    assert blocked == pytest.approx(passed, rel=1e-9)
    assert level_of_evidence(Tally(200, 2), at_least(0.95)) == 1.0


@pytest.mark.parametrize(
    "threshold", [None, at_least(1.0), at_most(0.0), Threshold(provenance="proposed", source="T")]
)
def test_where_no_miss_is_allowed_there_is_nothing_to_add_up(threshold: Threshold | None) -> None:
    assert level_of_evidence(Tally(200, 200), threshold) == 1.0
    assert level_of_evidence(Tally(), at_least(0.95)) == 1.0


def test_a_service_at_the_threshold_is_seldom_accused_by_weekly_looks() -> None:
    rng, alarms, runs = Random(7), 0, 200
    for _ in range(runs):
        tally = Tally()
        for _ in range(26):
            tally = tally.plus(Tally(50, sum(rng.random() < 0.05 for _ in range(50))))
            if level_of_evidence(tally, at_least(0.95)) <= 0.05:
                alarms += 1
                break
    assert alarms <= 0.08 * runs, "alpha, and what 200 runs may differ by"


def test_undecided_items_accuse_nobody() -> None:
    decided = outcome(Conformity.DOES_NOT_CONFORM, at_least(0.95), 57, 60)
    doubtful = replace(decided, metric=replace(decided.metric, indeterminate=40))

    assert tuple(tally_of(decided)) == (60, 3)
    assert tuple(tally_of(doubtful)) == (100, 3)
    assert tuple(tally_of(outcome(Conformity.CONFORMS, at_most(0.1), 3, 60))) == (60, 3)


def test_parts_are_counted_together() -> None:
    one = outcome(Conformity.CONFORMS, at_least(0.9), 59, 60)
    parts = tuple(Part(group=name, source=Source(), metric=one.metric) for name in ("x", "y"))
    whole = replace(one, metric=replace(one.metric, parts=parts))

    assert tuple(tally_of(whole)) == (120, 2)


def test_domains_count_once_each_with_their_own_rate() -> None:
    """One domain of 60 has 100 items, all missed: that is one miss."""
    one = outcome(Conformity.CONFORMS, at_least(0.9), 59, 159)
    spread = Spread(domains=60, rate=59 / 60, tried=60, least=59.0, most=59.0)

    tally = tally_of(replace(one, metric=replace(one.metric, spread=spread)))

    assert tally == Tally(60, 1.0)
    assert level_of_evidence(tally, at_least(0.9)) == 1.0


def test_what_is_no_rate_of_items_counts_nothing() -> None:
    one = outcome(Conformity.CONFORMS, at_least(0.9), 59, 60)

    assert tally_of(None) == Tally()
    assert tally_of(replace(one, metric=replace(one.metric, name="first_byte_overhead"))) == Tally()
    assert tally_of(replace(one, metric=replace(one.metric, value=None))) == Tally()
