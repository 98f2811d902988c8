"""Every code of the model has plain words; an unknown one is shown as it is."""

from __future__ import annotations

import pytest

from harness.model.verdict import Mechanism, State
from reports import phrases


@pytest.mark.parametrize("mechanism", list(Mechanism))
def test_every_mechanism_has_words(mechanism: Mechanism) -> None:
    assert phrases.mechanism_name(mechanism.value) != mechanism.value


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words(state: State) -> None:
    assert phrases.STATES[state.value]


def test_a_category_is_named_by_the_taxonomy() -> None:
    assert phrases.category_name("GAMB") == "Gambling"


def test_unknown_codes_are_shown_as_they_are() -> None:
    assert phrases.category_name("NOPE.NONE") == "NOPE.NONE"
    assert phrases.mechanism_name("smoke_signal") == "smoke_signal"


def test_without_a_taxonomy_codes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError

    phrases._categories.cache_clear()
    monkeypatch.setattr("reports.phrases.resources.files", missing)

    assert phrases.category_name("GAMB") == "GAMB"
    phrases._categories.cache_clear()


def test_a_frame_is_said_where_items_do_not_count_alike() -> None:
    assert phrases.framed("Drugs", "") == "Drugs"
    assert phrases.framed("Drugs", "as visited") == "Drugs, as visited"


def test_a_code_stands_behind_its_name() -> None:
    assert phrases.labelled("GAMB") == f"{phrases.category_name('GAMB')} (GAMB)"
    assert phrases.labelled("NO.SUCH") == "NO.SUCH"
