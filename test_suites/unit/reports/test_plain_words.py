"""Every code of the model has plain words; an unknown one is shown as it is."""

from __future__ import annotations

import pytest

from harness.model.verdict import Mechanism, State
from reports import plain_words


@pytest.mark.parametrize("mechanism", list(Mechanism))
def test_every_mechanism_has_words(mechanism: Mechanism) -> None:
    assert plain_words.mechanism_name(mechanism.value) != mechanism.value


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words(state: State) -> None:
    assert plain_words.STATES[state.value]


def test_a_category_is_named_by_the_taxonomy() -> None:
    assert plain_words.category_name("GAMB") == "Gambling"


def test_unknown_codes_are_shown_as_they_are() -> None:
    assert plain_words.category_name("NOPE.NONE") == "NOPE.NONE"
    assert plain_words.mechanism_name("smoke_signal") == "smoke_signal"


def test_without_a_taxonomy_codes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError

    plain_words._categories.cache_clear()
    monkeypatch.setattr("reports.plain_words.resources.files", missing)

    assert plain_words.category_name("GAMB") == "GAMB"
    plain_words._categories.cache_clear()


def test_a_frame_is_said_where_items_do_not_count_alike() -> None:
    assert plain_words.framed("Drugs", "") == "Drugs"
    assert plain_words.framed("Drugs", "as visited") == "Drugs, as visited"


def test_a_code_stands_behind_its_name() -> None:
    assert plain_words.labelled("GAMB") == f"{plain_words.category_name('GAMB')} (GAMB)"
    assert plain_words.labelled("NO.SUCH") == "NO.SUCH"
