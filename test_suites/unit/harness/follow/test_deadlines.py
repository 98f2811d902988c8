"""Severity sets the time that a plan may take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from harness.follow.deadlines import LEVELS, latest_due, milestones_of
from harness.model.action_plan import Finding


@pytest.mark.parametrize(
    ("severity", "categories", "days"),
    [
        ("Crit", ("ILL.CSAM",), 7),
        ("Min", ("ILL",), 7),
        ("Crit", ("PORN", "ADLT"), 30),
        ("Maj", ("PORN",), 90),
        ("Min", ("PORN",), 180),
        ("Grave", ("PORN",), 7),
    ],
)
def test_severity_and_illegality_set_the_time(
    finding: Finding, severity: str, categories: tuple[str, ...], days: int
) -> None:
    found = replace(finding, severity=severity, categories=categories)

    assert latest_due(found) == found.opened + timedelta(days=days)


@pytest.mark.parametrize("severity", sorted(LEVELS))
def test_milestones_are_in_order_within_the_time(finding: Finding, severity: str) -> None:
    found = replace(finding, severity=severity)

    steps = milestones_of(found)

    dates = [step.due for step in steps]
    assert dates == sorted(dates)
    assert found.opened < dates[0]
    assert dates[-1] == latest_due(found)
    assert all(step.done is None for step in steps)


def test_an_illegal_miss_is_contained_within_a_day(finding: Finding) -> None:
    steps = milestones_of(replace(finding, categories=("ILL.TERR",)))

    assert steps[0].title == "Failure contained"
    assert steps[0].due == finding.opened + timedelta(days=1)
