"""The table of requirements: one reading rule, no bar that is cut, and nothing left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import Measure, Threshold
from harness.schemes.load import load_scheme, shipped, whole_catalogue
from reports.requirement_table import Area, Row, areas, is_shown, not_measured
from reports.words import AREAS, SCHEMES
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_outcomes,
    example_requirement,
)


def area_of(*outcomes: Outcome) -> Area:
    (area,) = areas(example_assessment(outcomes=outcomes), binding=True)
    return area


def row_of(outcome: Outcome) -> Row:
    (row,) = area_of(outcome).rows
    return row


def rated(value: float, lower: float, upper: float, **changes: Any) -> Outcome:
    metric = example_metric(50, 100, value=value, lower=lower, upper=upper)
    return example_outcome(metric=metric, **changes)


def test_every_outcome_has_a_row_or_a_line() -> None:
    absent = example_outcome(
        Conformity.INSUFFICIENT,
        requirement=example_requirement("EML-01", area="email", binding=False, title="Spam"),
        metric=example_metric(0, 0),
    )
    assessment = example_assessment(outcomes=(*example_outcomes(), absent))
    shown = [
        row.outcome.id
        for binding in (True, False)
        for area in areas(assessment, binding=binding)
        for row in (*area.rows, *area.folded)
    ]

    assert sorted(shown) == sorted(each.id for each in assessment.outcomes if is_shown(each))
    assert [(each.title, each.count, each.subjects) for each in not_measured(assessment)] == [
        ("Mail", 1, "Spam")
    ]


@pytest.mark.parametrize(
    ("lower", "start"), [(0.95, "90%"), (0.83, "80%"), (0.6, "50%"), (0.2, "0%")]
)
def test_an_axis_starts_where_it_holds_every_bound(lower: float, start: str) -> None:
    outcome = rated(0.97, lower, 1.0, requirement=example_requirement(threshold=limit(0.92)))
    axis = area_of(outcome).axis

    assert axis is not None
    assert axis.ends == (start, "100%")


def limit(at_least: float) -> Threshold:
    return Threshold(at_least=at_least, provenance="proposed", source="x")


@given(
    st.tuples(*[st.floats(0, 1)] * 3).map(sorted),
    st.floats(0.01, 0.99),
    st.booleans(),
)
def test_a_bar_lies_inside_the_shade_exactly_if_it_conforms(
    ends: list[float], mark: float, at_least: bool
) -> None:
    lower, value, upper = ends
    sides: dict[str, Any] = {"at_least": mark} if at_least else {"at_most": mark}
    requirement = example_requirement(
        threshold=Threshold(provenance="proposed", source="x", **sides)
    )
    chart = row_of(rated(value, lower, upper, requirement=requirement)).chart

    assert chart is not None
    assert chart.bar is not None
    assert chart.zone is not None
    (start, width), (shade, wide) = chart.bar, chart.zone
    assert 0 <= start <= start + width <= 100.02
    inside = shade - 0.02 <= start and start + width <= shade + wide + 0.02
    conforms = lower >= mark if at_least else upper <= mark
    if not conforms:
        excess = mark - lower if at_least else upper - mark
        assert not inside or excess < 0.01
    else:
        assert inside


def test_a_census_is_a_dot_without_a_bar_and_none_may_be_missed() -> None:
    row = row_of(example_outcomes()[0])

    assert row.required == "none"
    assert (row.measured, row.bounds) == ("0 got through", "each item counts")
    assert row.chart is not None
    assert row.chart.bar is None


def test_nothing_measured_is_no_dot_and_not_nought() -> None:
    row = row_of(example_outcome(Conformity.INSUFFICIENT, metric=example_metric(0, 0)))

    assert (row.measured, row.chart, row.items) == ("not measured", None, "0")


def test_times_have_an_axis_from_nought_with_units() -> None:
    axis = area_of(example_outcomes()[5]).axis

    assert axis is not None
    assert axis.ends == ("0 ms", "300 ms")


def test_the_worst_stands_first_and_many_that_conform_are_folded() -> None:
    good = [example_outcome(line=f"line-{number}") for number in range(4)]
    bad = example_outcome(Conformity.DOES_NOT_CONFORM, line="last")
    area = area_of(*good, bad)

    assert [row.outcome.line for row in area.rows] == ["last", "line-0"]
    assert len(area.folded) == 3
    assert len({row.anchor for row in (*area.rows, *area.folded)}) == 5


def test_rows_of_other_units_or_directions_have_an_axis_of_their_own() -> None:
    least = example_outcome()
    most = example_outcome(
        requirement=example_requirement(
            "URL-02",
            measure=Measure(metric="overblock_rate"),
            threshold=Threshold(at_most=0.05, provenance="seen", source="x"),
        )
    )

    assert len(areas(example_assessment(outcomes=(least, most)), binding=True)) == 2


def test_undecided_items_and_left_out_ones_are_noted() -> None:
    metric = replace(example_metric(97, 98, left_out={"down": 2}), indeterminate=1)
    notes = row_of(example_outcome(metric=metric, kind="real")).notes

    assert "on real sites" in notes
    assert "1 undecided" in notes
    assert "2 left out (not working on the unfiltered line either)" in notes


def test_every_area_and_every_shipped_scheme_has_a_name() -> None:
    assert set(shipped()) == SCHEMES.keys()
    used = {row.area for name in shipped() for row in load_scheme(name).requirements}
    assert used <= AREAS.keys()


def test_every_requirement_of_the_catalogue_has_a_short_name() -> None:
    assert len(whole_catalogue()) > 100
    for requirement in whole_catalogue():
        assert requirement.short, requirement.id
        assert not requirement.short.endswith(".")
