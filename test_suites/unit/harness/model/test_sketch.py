"""Sketches tell how much of a text stands in another, and nothing without their key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import sketch as sketch_module
from harness.model.sketch import SIZE, share_within, sketch_of, title_mark

KEY = b"k" * 32
letters = st.text("abcdefghij", min_size=3, max_size=8)
texts = st.lists(letters, min_size=4, max_size=400).map(" ".join)


@given(texts)
def test_a_text_stands_in_itself_however_it_is_written(text: str) -> None:
    sketch = sketch_of(text, KEY)

    assert share_within(sketch, sketch) == 1.0
    assert sketch == sketch_of(text.upper().replace(" ", " 12, "), KEY)
    assert list(sketch) == sorted(set(sketch))
    assert len(sketch) <= SIZE


@given(texts)
def test_without_the_key_nothing_is_comparable(text: str) -> None:
    assert share_within(sketch_of(text, KEY), sketch_of(text, b"other" * 6)) < 0.5


def test_a_text_is_found_inside_a_longer_one_and_not_inside_another() -> None:
    story = " ".join(f"word{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]}" for i in range(100))
    notice = "access to this page has been denied by the internet filter of your school " * 4

    assert share_within(sketch_of(story, KEY), sketch_of(notice + story, KEY)) > 0.7
    assert share_within(sketch_of(story, KEY), sketch_of(notice, KEY)) == 0.0


@given(st.lists(letters, min_size=1, max_size=3))
def test_a_short_text_is_one_shingle_and_its_order_counts(words: list[str]) -> None:
    sketch = sketch_of(" ".join(words), KEY)

    assert len(sketch) == 1
    if words != words[::-1]:
        assert sketch != sketch_of(" ".join(words[::-1]), KEY)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_split_into_the_words_that_other_text_is_split_into(text: str) -> None:
    assert sketch_of(text, KEY) == sketch_of(f"{text} \N{EURO SIGN}", KEY)


def test_words_of_other_scripts_count_in_any_case() -> None:
    denied = "Доступ к странице закрыт"

    assert sketch_of(denied, KEY) == sketch_of(denied.upper(), KEY)
    assert sketch_of(denied, KEY) != sketch_of(denied.replace("закрыт", "открыт"), KEY)


def test_many_words_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch_module, "_MOST_HASHES", 10)
    text = " ".join(f"{first}{second}" for first in "abcdef" for second in "ghijkl")

    assert sketch_of(text, b"few" * 8) == sketch_of(text, b"few" * 8)
    assert len(sketch_module._word_hashes(b"few" * 8)) <= 10


def test_a_text_without_words_says_nothing() -> None:
    assert sketch_of("123 ... 456", KEY) == ()
    assert share_within((), (1, 2)) == share_within((1, 2), ()) == 0.0


def test_a_title_is_marked_without_its_host_digits_and_case() -> None:
    mark = title_mark("Sorry: a.test is blocked (12)", "a.test", KEY)

    assert mark == title_mark("SORRY: b.test is blocked", "b.test", KEY)
    assert mark != title_mark("Sorry: a.test is blocked", "a.test", b"other")
    assert mark != title_mark("Welcome", "a.test", KEY)
    assert title_mark("12", "a.test", KEY) == title_mark("", "", KEY) == ""
