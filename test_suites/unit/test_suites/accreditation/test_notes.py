"""Notes: properties for JUnit, the sentence for people, attachments that run nothing."""

from __future__ import annotations

import csv

import pytest

from test_suites.accreditation import notes
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_outcome,
    example_outcomes,
    example_witness,
)

FAILED = example_outcomes()[2]


def test_properties_hold_what_an_auditor_asks_for() -> None:
    held = notes.properties(FAILED, example_assessment())

    assert held["requirement"] == "URL-04"
    assert held["scheme_version"] == "1.0"
    assert held["campaign"] == "spring-2026"
    assert held["decision_rule"] == FAILED.decided_by
    assert held["counted"] == "80/100"


def test_the_message_names_the_worst_items_and_how_many_more() -> None:
    message = notes.message(FAILED)

    assert "80 of 100 items were blocked (80.0 %)" in message
    assert "canary/DRUG/005" in message
    assert "canary/DRUG/006" not in message
    assert message.endswith("and 15 more")


def test_worst_items_are_csv_that_runs_nothing() -> None:
    table = notes.worst_items((example_witness(value="=cmd()", saw=("a", "b")),))

    rows = list(csv.DictReader(table.splitlines()))
    assert rows[0]["value"] == "'=cmd()"
    assert rows[0]["saw"] == "a; b"


def test_no_more_than_fifty_items_are_attached() -> None:
    table = notes.worst_items(tuple(example_witness(number) for number in range(1, 200)))

    assert len(table.splitlines()) == notes.WORST + 1


def test_without_allure_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "find_spec", lambda _: None)
    monkeypatch.setattr(notes, "import_module", lambda _: pytest.fail("asked for allure"))

    notes.tell_allure(example_outcome(), example_assessment())
