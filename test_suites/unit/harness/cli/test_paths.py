"""Everything of a campaign is under one folder; the registry is beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.paths import (
    DATABASE,
    REGISTRY,
    CampaignPaths,
    journal_folder,
    paths_of_journal,
    registry_variables,
)


def test_a_journal_knows_its_places(tmp_path: Path) -> None:
    places = CampaignPaths(out=tmp_path, campaign="autumn")

    assert places == paths_of_journal(places.journal)
    assert {tmp_path / "autumn"} == {
        places.report("becta-2008").parent,
        places.assessment("becta-2008").parent,
        places.allure.parent,
    }
    assert tmp_path / "registry.sqlite" == places.registry


def test_a_journal_is_found_in_its_folder_or_in_the_campaigns(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()

    assert tmp_path / "journal" == journal_folder(tmp_path) == journal_folder(tmp_path / "journal")
    assert tmp_path / "none" == journal_folder(tmp_path / "none")


@pytest.mark.parametrize("named", ["postgresql://host/db", "/shared/registry.sqlite"])
def test_another_registry_may_be_named(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(REGISTRY, named)

    assert named == str(CampaignPaths(out=Path("out"), campaign="autumn").registry)


def test_both_variables_that_name_a_registry_are_known() -> None:
    assert {DATABASE, REGISTRY} == set(registry_variables())
