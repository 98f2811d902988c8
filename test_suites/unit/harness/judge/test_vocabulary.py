"""The vocabulary is well formed, and finds words as it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge import statements
from harness.judge.statements import Language, fold, read_vocabulary, scripts_of, vocabulary

TOY = {"name": "Toy", "page": "site", "stopped": "shut", "unavailable": "away", "direct": "this"}


def _toy(**more: str | bool) -> Language:
    return read_vocabulary({"language": [{**TOY, **more}]})[0]


def test_at_least_forty_languages_or_groups_are_shipped_each_once() -> None:
    names = [language.name for language in vocabulary()]

    assert len(names) >= 40
    assert len(set(names)) == len(names)


def test_each_language_has_its_name_and_letters_from_the_file() -> None:
    text = Path(statements.__file__).with_name("vocabulary.toml").read_text(encoding="utf-8")
    parts = tomllib.loads(text)["language"]
    vocabulary.cache_clear()
    languages = vocabulary()

    assert [part["name"] for part in parts] == [one.name for one in languages]
    assert [fold(part.get("letters", "")) for part in parts] == [
        one.letters.pattern for one in languages
    ]
    assert read_vocabulary({"language": parts}) == languages
    assert any(part.get("letters") for part in parts)


def test_a_language_is_compiled_as_its_part_says() -> None:
    toy = _toy(letters="Q", joined=True, reason="Grund")

    assert (toy.name, toy.letters.pattern, toy.reason.pattern) == ("Toy", "q", "(?:grund)")
    assert (toy.withheld.pattern, toy.stopped.pattern) == ("(?:shut|away)", "(?:shut)")
    assert _toy().withheld.pattern == r"\b(?:shut|away)"
    assert _toy().letters.pattern == ""
    assert _toy().reason.search("anything at all") is None
    assert (_toy(page="Ж").scripts, _toy().scripts) == (scripts_of("ж"), frozenset())


@pytest.mark.parametrize("language", vocabulary(), ids=lambda language: language.name)
def test_no_word_matches_nothing(language: Language) -> None:
    for pattern in (
        language.statement, language.withheld, language.stopped, language.direct, language.basis,
        language.reason, language.conditional, language.ask, language.own, language.article,
    ):  # fmt: skip
        assert pattern.search("") is None
        assert pattern.search("0000 _____ 0000") is None


def test_a_statement_joins_page_and_stopped_in_one_sentence_in_either_order() -> None:
    statement = _toy().statement

    assert statement.search("the site is shut")
    assert statement.search("shut: the site")
    assert statement.search("the site is away")
    assert statement.search("* is shut")
    assert statement.search("the site. it is shut") is None
    assert statement.search("the website is shut") is None, "words are matched from their beginning"


def test_stopped_and_unavailable_are_told_apart() -> None:
    language = _toy()

    assert language.withheld.search("away")
    assert language.stopped.search("away") is None


def test_joined_words_are_matched_anywhere() -> None:
    assert _toy(joined=True).statement.search("thewebsiteisshut")


def test_a_key_that_is_left_out_never_matches() -> None:
    assert _toy().article.search("anything at all") is None


def test_scripts_beyond_latin_are_known_by_their_letters() -> None:
    assert frozenset() == _toy().scripts
    assert _toy(page="сайт").scripts == scripts_of("сайт")
    assert scripts_of("site straße ə") == frozenset()
    assert not scripts_of("сайт") & scripts_of("موقع")


@pytest.mark.parametrize(
    ("one", "other"),
    [("ЗАКРЫТ", "закрыт"), ("запрещён", "запрещен"), ("سايت", "سایت"), ("don\u2019t", "don't"),
     ("cafe\u0301", "café")],
)  # fmt: skip
def test_letters_that_are_written_in_two_ways_are_folded_into_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(max_size=80))
def test_folded_text_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_language_without_its_words_is_refused() -> None:
    with pytest.raises(KeyError):
        read_vocabulary({"language": [{"name": "Toy"}]})
