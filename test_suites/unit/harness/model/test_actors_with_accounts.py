"""Persons who signed in: the same name or the same account is the same person."""

from __future__ import annotations

import pytest

from harness.model.person_names import (
    Person,
    actor_name,
    find_person,
    is_same_person,
    person_in,
    shown_name,
)

ACCOUNT, OTHER = "3f0c12ab45de" + "0" * 20, "77aa12ab45de" + "0" * 20


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (actor_name("Ann Lee", ACCOUNT), actor_name("Ann Smith", ACCOUNT)),
        (actor_name("Ann Lee", ACCOUNT), actor_name("ANN  LEE", OTHER)),
        (actor_name("Ann Lee", ACCOUNT), "ann lee"),
        ("\u0410nn Lee", actor_name("Ann Lee", ACCOUNT)),
        (actor_name("", ACCOUNT), actor_name("Ann Lee", ACCOUNT)),
    ],
)
def test_the_same_name_or_account_is_one_person(one: str, other: str) -> None:
    assert is_same_person(one, other)
    assert is_same_person(other, one)
    assert other == find_person(one, ("Bo", other))


def test_other_names_with_other_accounts_are_two_persons() -> None:
    assert not is_same_person(actor_name("Ann Lee", ACCOUNT), actor_name("Bo Lee", OTHER))
    assert not is_same_person(actor_name("", ACCOUNT), actor_name("", OTHER))
    assert not is_same_person("Ann Lee", "3f0c12ab45de")


def test_a_name_cannot_pretend_to_be_another_account() -> None:
    forged = actor_name("Ann <77aa12ab45de>", ACCOUNT)

    assert Person("Ann 77aa12ab45de", ACCOUNT[:12]) == person_in(forged)
    assert not is_same_person(forged, actor_name("Bo", OTHER))
    assert "Ann Lee" == shown_name(actor_name("Ann\n Lee", ACCOUNT))
    assert "Ann" == shown_name("Ann")
