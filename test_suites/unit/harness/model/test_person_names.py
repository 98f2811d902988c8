"""No spelling of a name makes it somebody else's."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.person_names import (
    find_person,
    identity_of,
    is_of_organisation,
    is_same_person,
    organisation_of,
)


@pytest.mark.parametrize(
    "spelled",
    [
        " ann  lee ",
        "ANN LEE",
        "Ann\u00a0Lee",
        "Ann\u200bLee",
        "A\u00adnn Lee",
        "\u202eAnn Lee",
        "\uff21\uff4e\uff4e \uff2c\uff45\uff45",
        "\U0001d400nn Lee",
        "\u0410nn L\u0435\u0435",
        "\u0391nn Lee",
        "Ánn Lée",
        "A\u0301nn Lee",
        "Ann-Lee",
        "Ann Lee\ufe0f",
        "Ann Lee\u3164",
        "Ann\u115fLee",
    ],
)
def test_one_person_under_another_spelling(spelled: str) -> None:
    assert is_same_person("Ann Lee", spelled)
    assert is_same_person(spelled, "Ann Lee")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme", "Acme Ltd"),
        ("A. Lee", "Ann Lee"),
        ("A. Governor", "B. Governor"),
        ("राम", "रमा"),
        ("王芳", "王方"),
    ],
)
def test_other_names_are_other_people(one: str, other: str) -> None:
    assert not is_same_person(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A. Governor", "Governor, A."),
        ("A. Governor", "governor a"),
        ("A. Governor", "Sir A. Governor (chair of governors)"),
        ("Prof. Dr A. Governor Ph.D.", "Governor, A."),
        ("J. Smith, Acme Ltd", "J. Smith"),
        ("Acme Ltd, J. Smith", "Smith, J."),
        ("J. Smith, Acme", "J. Smith"),
        ("J. Smith of Acme", "J. Smith"),
        ("J. Smith (Acme Ltd", "J. Smith"),
        ("J.Q. Smith", "Smith, J. Q."),
        ("Safeguarding-lead", "safeguarding  lead"),
        ("\u0410. G\u043evernor", "Governor, A."),
        ("Y\u0131lmaz, Ay\u015fe", "Ayse Yilmaz"),
        ("Bob\u200bAbel", "Abel Bob"),
        ("ACME  ltd.", "Acme Limited"),
        ("Acme, Inc.", "ACME Incorporated"),
        ("Anna von Berg", "von Berg, Anna"),
    ],
)
def test_order_titles_additions_and_legal_forms_make_no_other_person(one: str, other: str) -> None:
    assert is_same_person(one, other)
    assert is_same_person(other, one)


@pytest.mark.parametrize(
    "name", ["ACME  ltd.", "Acme Limited", "acme", "\u0410cme, Ltd (UK)", "Acme plc"]
)
def test_hints_leave_out_the_legal_form(name: str) -> None:
    assert "acme" == organisation_of(name)
    assert is_of_organisation(f"J. Smith, {name.partition(',')[0]}", "Acme Ltd")
    assert not is_of_organisation("J. Smith, Bolt Ltd", name)


@given(words=st.lists(st.text("abcdefg", min_size=3, max_size=8), min_size=2, max_size=4))
def test_the_order_of_words_never_makes_two_people(words: list[str]) -> None:
    assert is_same_person(" ".join(words), " ".join(reversed(words)))
    assert is_same_person(" ".join(words), f"{words[-1]}, {' '.join(words[:-1])}")


@pytest.mark.parametrize("name", ["", " ", "\u200b", "...", "\u3164", "\u2800", "\u0301"])
def test_a_name_without_letters_is_nobodys(name: str) -> None:
    assert identity_of(name) == ""
    assert not is_same_person(name, name)


def test_finds_the_name_as_it_was_written() -> None:
    assert find_person("ANN", ("Bob", "Ann")) == "Ann"
    assert find_person("Cy", ("Bob", "Ann")) is None


@given(
    name=st.text(),
    form=st.sampled_from(("NFC", "NFD", "NFKC", "NFKD")),
    blanks=st.text(alphabet=" \t\u200b\u00a0\u2060\ufeff"),
)
def test_normal_forms_and_blanks_never_tell_apart(name: str, form: str, blanks: str) -> None:
    other = blanks + unicodedata.normalize(form, name) + blanks  # type: ignore[arg-type]

    assert identity_of(other) == identity_of(name)
    assert identity_of(identity_of(name)) == identity_of(name)
