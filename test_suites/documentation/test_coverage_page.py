"""Each requirement has its cases, the tests that they name exist, and the page says so."""

from __future__ import annotations

import ast

import pytest

from harness.model.metric_spec import spec_of
from test_suites.documentation.coverage_page import CALIBRATION, read_cases, requirements

CASES = read_cases()
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
def test_every_requirement_has_its_cases_or_says_why_not(requirement: str) -> None:
    assert requirement in CASES
    cases, row = CASES[requirement], IDS[requirement]
    if cases.people or cases.later:
        assert not (cases.people and cases.tests)
        return
    assert spec_of(row.measure.metric).is_implemented
    assert cases.probes
    if row.rule == "report":
        assert cases.reported
    else:
        assert cases.meets
        assert cases.breaks
        assert cases.missing
        assert len({cases.meets, cases.breaks, cases.missing}) == 3
