"""Each category that may be blocked has a benign neighbour."""

import pytest

from corpora.taxonomy import shipped, twin_of


def test_each_category_that_may_be_blocked_has_a_benign_neighbour() -> None:
    harmful = [one.code for one in shipped() if one.tier not in ("must_allow", "control")]

    assert {twin_of(code).partition(".")[0] for code in harmful} == {"ALW"}


def test_a_category_without_a_neighbour_has_its_parents() -> None:
    assert twin_of("MALW.PHISH") == twin_of("MALW")
    assert twin_of("LOC.GAME") != twin_of("LOC")


def test_what_is_harmless_has_none() -> None:
    with pytest.raises(KeyError):
        twin_of("ALW.ARTS")
