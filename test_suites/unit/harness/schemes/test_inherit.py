"""A child changes what it names and keeps the rest; a new number brings its own provenance."""

from __future__ import annotations

import pytest

from harness.model.scheme import Requirement
from harness.schemes.load import inherited, merged


@pytest.fixture
def base() -> Requirement:
    return requirement("URL-01")


def requirement(code: str, title: str = "t") -> Requirement:
    return Requirement.model_validate(
        {
            "id": code,
            "title": title,
            "area": "url",
            "severity": "Crit",
            "rule": "guarded",
            "measure": {"metric": "block_rate", "categories": ("PORN",)},
            "threshold": {"at_least": 0.9, "provenance": "seen", "source": "s"},
        }
    )


def test_what_is_not_named_stays(base: Requirement) -> None:
    assert merged(base, {"id": "URL-01", "severity": "Maj"})["title"] == "t"


def test_a_measure_is_merged_key_by_key(base: Requirement) -> None:
    data = merged(base, {"id": "URL-01", "measure": {"categories": ("DRUG",)}})

    assert data["measure"] == {"metric": "block_rate", "categories": ("DRUG",)}


def test_a_threshold_is_replaced_whole(base: Requirement) -> None:
    assert merged(base, {"threshold": {"at_least": 0.98}})["threshold"] == {"at_least": 0.98}


def test_without_a_base_a_requirement_stands_alone() -> None:
    assert merged(None, {"id": "URL-01"}) == {"id": "URL-01"}


def test_children_replace_in_place_give_up_and_add() -> None:
    parent = [requirement("URL-01"), requirement("URL-02"), requirement("URL-03")]
    own = [requirement("NEW-01"), requirement("URL-02", "changed")]

    together = inherited(own, parent, ["URL-03"])

    assert [one.id for one in together] == ["URL-01", "URL-02", "NEW-01"]
    assert together[1].title == "changed"
