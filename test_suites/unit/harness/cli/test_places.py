"""Everything of a campaign is under one folder; the registry is beside them."""

from __future__ import annotations

from pathlib import Path

from harness.cli.places import Places, places_of_journal


def test_a_journal_knows_its_places(tmp_path: Path) -> None:
    places = Places(out=tmp_path, campaign="autumn")

    assert places == places_of_journal(places.journal)
    assert {tmp_path / "autumn"} == {
        places.report.parent,
        places.assessment.parent,
        places.allure.parent,
    }
    assert tmp_path / "registry.sqlite" == places.registry
