"""What parts forbid, and to what a favourable outcome is limited, as the decision applies it."""

from __future__ import annotations

from dataclasses import replace

from harness.assess.outcomes import assess
from harness.model.metric import Foreknowledge, Metric, Part, Source
from harness.model.outcome import Measurement, Outcome
from harness.model.scheme import Decision
from test_suites.unit.harness.assess.test_outcomes import (
    CONFORMS,
    FAILS,
    INSUFFICIENT,
    count,
    held,
    rate,
    requirement,
)


def test_only_conforming_outcomes_have_a_qualifier() -> None:
    def held_within(metric: Metric) -> Outcome:
        taken = Measurement(
            requirement=requirement(at_least=0.9), profile="ks2", line="proxy", metric=metric,
            kind="agreed", qualifier="agreed list only",
        )  # fmt: skip
        return assess([taken], Decision())[0]

    assert (held_within(rate(60, 60)).conformity, held_within(rate(60, 60)).qualifier) == (
        CONFORMS,
        "agreed list only",
    )
    assert held_within(rate(60, 60)).kind == "agreed"
    assert (held_within(rate(0, 60)).conformity, held_within(rate(0, 60)).qualifier) == (FAILS, "")
    assert held_within(rate(9, 10)).qualifier == ""


def test_a_part_that_was_not_tried_prevents_a_pass() -> None:
    source = Source("real", is_hidden=True)
    parts = tuple(
        Part(group=name, source=source, metric=rate(n, n))
        for name, n in (("PORN", 60), ("GAMB", 0))
    )

    found = held(requirement(at_least=0.9), replace(rate(60, 60), parts=parts))

    assert found.conformity is INSUFFICIENT
    assert "GAMB, hidden real items: not tried" in found.reasons


def test_a_census_with_an_untried_part_is_insufficient() -> None:
    parts = tuple(
        Part(group=name, source=Source(), metric=count(0, n))
        for name, n in (("ILL.CSAM", 60), ("ILL.TERR", 0))
    )

    found = held(requirement("census", at_most=0), replace(count(0, 60), parts=parts))

    assert found.conformity is INSUFFICIENT
    assert "ILL.TERR, agreed items: not tried" in found.reasons


def beside(known: tuple[int, int], hidden: tuple[int, int], p_value: float) -> Foreknowledge:
    return Foreknowledge(
        line="proxy", profile="ks2", group="GAMB", frame="", known_right=known[0],
        known_n=known[1], hidden_right=hidden[0], hidden_n=hidden[1], undecided=0,
        p_value=p_value, adjusted=p_value, alpha=0.05,
    )  # fmt: skip


def held_beside(hidden: tuple[int, int], contrast: Foreknowledge) -> Outcome:
    parts = tuple(
        Part(group="GAMB", source=Source("real", is_hidden=is_hidden), metric=rate(*counts))
        for is_hidden, counts in ((False, (60, 60)), (True, hidden))
    )
    taken = Measurement(
        requirement=requirement(at_least=0.9), profile="ks2", line="proxy",
        metric=replace(rate(*hidden), parts=parts), kind="real", foreknowledge=(contrast,),
    )  # fmt: skip
    return assess([taken], Decision())[0]


def test_a_service_tuned_to_known_items_fails_by_its_hidden_items() -> None:
    found = held_beside((40, 60), beside((60, 60), (40, 60), 1e-6))

    assert found.conformity is FAILS
    assert "tuned to the known list: GAMB: known real items 60/60, hidden 40/60 (p = 1e-06)" in (
        found.reasons
    )


def test_a_difference_by_chance_is_not_called_tuning() -> None:
    found = held_beside((58, 60), beside((60, 60), (58, 60), 0.25))

    assert found.conformity is INSUFFICIENT
    told = "GAMB: known real items 60/60, hidden 58/60 (p = 0.25): no difference shown"
    assert told in found.reasons


def test_a_difference_is_shown_if_the_hidden_items_conform() -> None:
    found = held_beside((570, 600), beside((600, 600), (570, 600), 0.001))

    assert found.conformity is CONFORMS
    assert any(reason.endswith("known ones do better") for reason in found.reasons)
    assert not any("tuned" in reason for reason in found.reasons)
