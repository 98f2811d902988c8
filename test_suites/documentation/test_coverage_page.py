"""Each requirement has its cases, the tests that they name exist, and the page says so."""

from __future__ import annotations

import ast

import pytest

from harness.model.metric_spec import spec_of
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.schemes.people_questions import question_of
from test_suites.documentation.coverage_page import (
    CALIBRATION,
    coverage_page,
    read_cases,
    requirements,
)

CASES = read_cases()
WITHOUT_PROBES = {"email"}
"""Areas that commands of their own measure."""
IDS = {each.id: each for each in requirements()}


def functions_in(name: str) -> set[str]:
    tree = ast.parse((CALIBRATION / name).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("requirement", CASES)
def test_every_test_that_is_named_exists(requirement: str) -> None:
    assert requirement in IDS
    for test in CASES[requirement].tests:
        file, _, function = test.partition("::")
        assert function in functions_in(file), test


@pytest.mark.parametrize("requirement", IDS)
def test_every_requirement_has_its_cases(requirement: str) -> None:
    assert requirement in CASES
    cases, row = CASES[requirement], IDS[requirement]
    assert bool(cases.people) == (question_of(row.measure.metric) is not None)
    if cases.compared:
        assert not cases.tests
        return
    assert spec_of(row.measure.metric).is_implemented
    is_by_people = row.measure.metric in JUDGED_BY_PEOPLE
    assert bool(cases.probes) != (is_by_people or row.area in WITHOUT_PROBES)
    if row.rule == "report":
        assert cases.reported
    else:
        assert cases.meets
        assert cases.breaks
        assert cases.missing
        assert len({cases.meets, cases.breaks, cases.missing}) == 3


def test_a_requirement_that_people_judge_says_so_beside_its_tests() -> None:
    rows = [line for line in coverage_page().splitlines() if "people judge it: " in line]

    assert len(rows) == len(JUDGED_BY_PEOPLE) + 1
    (of_the_log,) = (row for row in rows if row.startswith("| **LOG-05**"))
    assert "| `log`, `dns`; people judge it: " in of_the_log
    assert of_the_log.endswith(
        "| a log that loses entries at a restart does not conform"
        " | without a restart nothing is known of restarts |"
    )
