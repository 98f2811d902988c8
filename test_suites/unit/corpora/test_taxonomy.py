"""What the taxonomy must be: whole, free of policy, and strict about other people's labels."""

from __future__ import annotations

import csv

import pytest

from corpora.taxonomy import DATA, shipped, twin_of
from harness.errors import UsageError


def test_it_has_every_category_and_each_parent_is_one_of_them() -> None:
    taxonomy = shipped()

    assert len(taxonomy.categories) == 74
    assert all(one.parent in taxonomy for one in taxonomy if one.parent)
    assert all(one.code.startswith(one.parent) for one in taxonomy)


def test_it_holds_no_expectation() -> None:
    with (DATA / "taxonomy.csv").open(encoding="utf-8", newline="") as stream:
        columns = set(next(csv.reader(stream)))

    assert not columns & {"ks1", "ks2", "ks3", "ks4", "post16", "staff", "expected"}


def test_every_mapping_leads_to_a_category() -> None:
    taxonomy = shipped()

    assert sum(len(labels) for labels in taxonomy.labels.values()) == 570
    assert all(code in taxonomy for labels in taxonomy.labels.values() for code in labels.values())


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no mapping of scheme 'nobody'; known: .*ut1"):
        shipped().labels_of("nobody")


def test_each_category_that_may_be_blocked_has_a_benign_neighbour() -> None:
    harmful = [one.code for one in shipped() if one.tier not in ("must_allow", "control")]

    assert {twin_of(code).partition(".")[0] for code in harmful} == {"ALW"}


def test_a_category_without_a_neighbour_has_its_parents() -> None:
    assert twin_of("MALW.PHISH") == twin_of("MALW")
    assert twin_of("LOC.GAME") != twin_of("LOC")


def test_what_is_harmless_has_none() -> None:
    with pytest.raises(KeyError):
        twin_of("ALW.ARTS")
