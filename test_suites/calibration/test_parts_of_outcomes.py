"""What parts forbid, and to what a favourable outcome is limited, as the decision applies it."""

from __future__ import annotations

from dataclasses import replace

from harness.model.metric import Metric, Part, Source
from harness.model.outcome import Measurement, Outcome
from harness.model.scheme import Decision
from harness.stages.assess import assess
from test_suites.unit.harness.stages.test_assess import (
    CONFORMS,
    FAILS,
    INSUFFICIENT,
    count,
    held,
    rate,
    requirement,
)


def test_a_limit_is_told_of_what_conforms_and_of_nothing_else() -> None:
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


def test_a_part_that_was_not_tried_forbids_a_pass() -> None:
    source = Source("real", is_hidden=True)
    parts = tuple(
        Part(group=name, source=source, metric=rate(n, n))
        for name, n in (("PORN", 60), ("GAMB", 0))
    )

    found = held(requirement(at_least=0.9), replace(rate(60, 60), parts=parts))

    assert found.conformity is INSUFFICIENT
    assert "GAMB, hidden real items: not tried" in found.reasons


def test_each_item_counts_in_each_part() -> None:
    parts = tuple(
        Part(group=name, source=Source(), metric=count(0, n))
        for name, n in (("ILL.CSAM", 60), ("ILL.TERR", 0))
    )

    found = held(requirement("census", at_most=0), replace(count(0, 60), parts=parts))

    assert found.conformity is INSUFFICIENT
    assert "ILL.TERR, agreed items: not tried" in found.reasons
