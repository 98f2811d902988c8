"""By how much the evidence exceeds each threshold: the bound that decides, not the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.follow.proposal import margins_of
from harness.model.metric import Part, Source
from harness.model.outcome import Assessment, Conformity, Outcome, Sequential
from harness.model.scheme import Threshold

Make = Callable[..., Outcome]
Assess = Callable[..., Assessment]
MET, FAILED = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM


def asked(outcome: Outcome, rule: str = "guarded", **limits: Any) -> Outcome:
    """The outcome of a requirement with that rule and threshold, without one if none is given."""
    threshold = Threshold(provenance="proposed", source="-", **limits) if limits else None
    changes: dict[str, Any] = {"rule": rule, "threshold": threshold}
    return replace(outcome, requirement=outcome.requirement.model_copy(update=changes))


def bounded(outcome: Outcome, lower: float | None, upper: float | None, **more: Any) -> Outcome:
    return replace(outcome, metric=replace(outcome.metric, lower=lower, upper=upper, **more))


@pytest.mark.parametrize(
    ("limits", "side", "bound", "exceeds"),
    [
        ({"at_least": 0.75}, "at-least", 0.875, 0.125),
        ({"at_least": 0.9375}, "at-least", 0.875, -0.0625),
        ({"at_most": 1.0}, "at-most", 0.96875, 0.03125),
        ({"at_most": 0.5}, "at-most", 0.96875, -0.46875),
        ({"at_least": 0.75, "at_most": 1.0}, "at-most", 0.96875, 0.03125),
        ({"at_least": 0.875, "at_most": 1.0}, "at-least", 0.875, 0.0),
    ],
)
def test_a_margin_is_the_distance_of_the_bound_that_decides(
    make_assessment: Assess,
    make_outcome: Make,
    limits: dict[str, Any],
    side: str,
    bound: float,
    exceeds: float,
) -> None:
    outcome = bounded(asked(make_outcome(MET), **limits), 0.875, 0.96875)

    (margin,) = margins_of(make_assessment(outcome))

    assert (margin.side, margin.bound, margin.exceeds) == (side, bound, exceeds)
    assert margin.threshold == limits[side.replace("-", "_")]
    assert (margin.requirement, margin.profile, margin.line) == ("URL-01", "ks2", "proxy")
    assert margin.unit == "share"


@pytest.mark.parametrize("rule", ["census", "functional", "grade", "gate", "evidence", "report"])
def test_what_no_sample_decides_has_no_margin(
    make_assessment: Assess, make_outcome: Make, rule: str
) -> None:
    assert margins_of(make_assessment(asked(make_outcome(MET), rule, at_least=0.9))) == ()
    assert margins_of(make_assessment(asked(make_outcome(MET), "quantile", at_least=0.9)))


def test_without_a_bound_a_threshold_or_an_obligation_there_is_no_margin(
    make_assessment: Assess, make_outcome: Make
) -> None:
    outcome = make_outcome(MET)
    test = Sequential(
        plan=1, bad=0.9, good=0.99, alpha=0.05, beta=0.1, decision="pass",
        blocked=60, missed=0, doubtful=0,
    )  # fmt: skip

    for without in (
        asked(outcome),
        make_outcome(MET, binding=False),
        bounded(outcome, None, 1.0),
        bounded(outcome, -math.inf, 1.0),
        bounded(asked(outcome, at_most=0.9), 0.1, None),
        bounded(asked(outcome, at_least=0.5, at_most=1.0), 0.6, None),
        replace(outcome, sequential=test),
    ):
        assert margins_of(make_assessment(without)) == ()


def test_a_part_too_small_to_decide_does_not_lower_the_margin(
    make_assessment: Assess, make_outcome: Make
) -> None:
    outcome = bounded(make_outcome(MET), 0.9375, 1.0)
    parts = tuple(
        Part(
            group=group,
            source=Source(),
            metric=replace(outcome.metric, lower=lower),
            is_basis=is_basis,
        )
        for group, lower, is_basis in (("GAMB", 0.9375, True), ("GAME", 0.25, False))
    )

    (margin,) = margins_of(make_assessment(bounded(outcome, 0.9375, 1.0, parts=parts)))

    assert margin.bound == 0.9375


def test_margins_are_in_the_order_of_ids(make_assessment: Assess, make_outcome: Make) -> None:
    outcomes = [
        make_outcome(FAILED, requirement=name, line=line)
        for name, line in (("URL-02", "proxy"), ("URL-01", "vpn"), ("URL-01", "proxy"))
    ]
    found = [(one.requirement, one.line) for one in margins_of(make_assessment(*outcomes))]

    assert found == [("URL-01", "proxy"), ("URL-01", "vpn"), ("URL-02", "proxy")]
