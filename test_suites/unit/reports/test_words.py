"""Every code of the model has plain words; an unknown one is shown as it is."""

from __future__ import annotations

import typing

import pytest

from harness.model.scheme import DecisionRule, Threshold
from harness.model.verdict import Mechanism, State
from reports import words


@pytest.mark.parametrize("mechanism", list(Mechanism))
def test_every_mechanism_has_words(mechanism: Mechanism) -> None:
    assert words.mechanism_name(mechanism.value) != mechanism.value


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words(state: State) -> None:
    assert words.STATES[state.value]


def test_a_category_is_named_by_the_taxonomy() -> None:
    assert words.category_name("GAMB") == "Gambling"


def test_unknown_codes_are_shown_as_they_are() -> None:
    assert words.category_name("NOPE.NONE") == "NOPE.NONE"
    assert words.mechanism_name("smoke_signal") == "smoke_signal"


def test_without_a_taxonomy_codes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError

    words._categories.cache_clear()
    monkeypatch.setattr("reports.words.resources.files", missing)

    assert words.category_name("GAMB") == "GAMB"
    words._categories.cache_clear()


def test_a_frame_is_said_where_items_do_not_count_alike() -> None:
    assert words.framed("Drugs", "") == "Drugs"
    assert words.framed("Drugs", "as visited") == "Drugs, as visited"


def test_codes_of_categories_in_a_text_become_names() -> None:
    assert words.with_names("GAMB, real items: 12") == "Gambling, real items: 12"
    assert words.with_names("NO.SUCH and HTTP stay") == "NO.SUCH and HTTP stay"


def test_every_decision_rule_has_words() -> None:
    assert set(typing.get_args(DecisionRule)) == words.RULES.keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BECTA[M]", "BECTA"),
        ("Stated: >=90 % [P]; later 98 % [S, summary].", "Stated: >=90 %; later 98 %."),
        ("RFC9411 KPI[S/M]; [P]", "RFC9411 KPI"),
        ("VBSPAM[S 2010, M later]; BECTA[M: service performance]", "VBSPAM; BECTA"),
        ("categories [PORN, ADLT]", "categories [PORN, ADLT]"),
    ],
)
def test_marks_of_provenance_are_removed(text: str, expected: str) -> None:
    assert words.without_marks(text) == expected


@pytest.mark.parametrize(
    ("provenance", "source", "expected"),
    [
        ("reported", "BECTA[M]; ENEX09[S]",
         "widely reported (we have not seen the original): Becta; Enex TestLab 2009"),
        ("seen", "RFC7725[M].", "a published source: RFC7725"),
        ("proposed", "proposed by this project", "proposed by this project"),
        ("proposed", "[P]", "proposed by this project"),
    ],
)  # fmt: skip
def test_the_source_of_a_threshold_is_said_in_words(
    provenance: typing.Any, source: str, expected: str
) -> None:
    limit = Threshold(at_least=0.9, provenance=provenance, source=source)

    assert words.source_of(limit) == expected
