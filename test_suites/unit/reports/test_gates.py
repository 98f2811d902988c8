"""Reports say first whether the test itself was in order."""

from __future__ import annotations

from typing import Any

from harness.assess.gates import apply_gates
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.schemes.load import find_row
from reports.documents import Report
from reports.documents.html import render
from reports.gates import consequence, gate_states
from test_suites.kit.campaigns.example import example_assessment, example_metric, example_outcome
from test_suites.unit.reports.test_terminal import printed

CONFORMS, OPEN = Conformity.CONFORMS, Conformity.INSUFFICIENT


def gate(name: str, conformity: Conformity, **changes: Any) -> Outcome:
    row = find_row(name)
    assert row is not None
    return example_outcome(conformity, requirement=row, kind="", **changes)


FAILED = gate("TQ-06", OPEN, reasons=("98 % was measured",), metric=example_metric(98, 100))
UNKNOWN = gate("TQ-05", OPEN, reasons=("nothing on record",), metric=example_metric(0, 0))
MET = gate("TQ-03", CONFORMS)


def assessed(*gates: Outcome) -> Assessment:
    outcomes = apply_gates([*example_assessment().outcomes, *gates])
    return example_assessment(outcomes=outcomes)


def test_unmet_gates_come_first_with_what_they_leave_undecided() -> None:
    states = gate_states(assessed(MET, UNKNOWN, FAILED))

    assert [one.id for one in states] == ["TQ-06", "TQ-05", "TQ-03"]
    assert [one.is_met for one in states] == [False, False, True]
    assert states[0].words == "not met: 98 % was measured"
    assert states[1].words == "not shown: nothing on record"
    assert states[0].undecided > 0
    assert consequence(states[0]) == f"it leaves {states[0].undecided} outcomes undecided"
    assert consequence(states[1]) == "it leaves no outcome undecided"
    assert consequence(states[2]) == ""
    assert states[0].where == ("ks2 on proxy",)


def test_a_scheme_without_gates_has_none() -> None:
    assert gate_states(example_assessment()) == ()
    assert "in order?" not in printed(example_assessment())
    assert "in order?" not in render(Report(assessment=example_assessment()))


def test_the_terminal_shows_gates_before_preconditions_and_outcomes() -> None:
    text = printed(assessed(MET, FAILED, UNKNOWN))

    assert text.index("is the test itself in order?") < text.index("Failed preconditions")
    assert text.index("! TQ-06") < text.index("met: TQ-03") < text.index("ILL-01")


def test_the_page_shows_gates_before_preconditions_and_outcomes() -> None:
    page = render(Report(assessment=assessed(MET, FAILED)))

    assert page.index("Is the test itself in order?") < page.index("The requirements</h2>")
    assert "TQ-06, A result that can be reproduced: <bdi>not met: 98 % was measured" in page
    met = render(Report(assessment=assessed(MET)))
    assert "All its gates are met: TQ-03." in met


def test_a_reason_is_text_and_no_markup() -> None:
    hostile = gate("TQ-06", OPEN, reasons=("<script>[red]x",), metric=example_metric(1, 2))

    assert "<script>[red]" not in render(Report(assessment=assessed(hostile)))
    assert "<script>[red]x" in printed(assessed(hostile))
