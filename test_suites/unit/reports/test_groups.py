"""Outcomes of one requirement stand together, in the order of the scheme."""

from __future__ import annotations

from reports.tables import groups_of
from test_suites.example import example_outcomes


def test_outcomes_of_one_requirement_stand_together() -> None:
    groups = groups_of(example_outcomes())

    assert [(group.requirement.id, len(group.outcomes), group.unit) for group in groups] == [
        ("ILL-01", 1, "items"),
        ("URL-01", 2, "share"),
        ("URL-04", 2, "share"),
        ("OVB-01", 1, "share"),
        ("PRF-03", 1, "s"),
    ]


def test_nothing_gives_nothing() -> None:
    assert groups_of(()) == ()
