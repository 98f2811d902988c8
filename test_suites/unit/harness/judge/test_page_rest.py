"""A page is a mere notice only if it has no room for content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.block_page_check import LEAST, MOST, READ, may_hold_other_content, says_nothing
from harness.model.sketch import sketch_of
from test_suites.kit.campaigns.trials import web

KEY = b"key"
NOTICE = "This page is blocked by the school because of its category, ask your teacher for more. "
POLICY = "Rule {0} of the school: nobody shall {0} in the hall, nor {0} by the gate. "
CONTROL = web(text_length=1000)


def _has_room(length: int, text: str = "", **given: Any) -> bool:
    page = web(text_length=length, sketch=sketch_of(text, KEY))
    asked = {"known": (), "embedded": 0, "read": READ, **given}
    return may_hold_other_content(page, asked.pop("control", CONTROL), **asked)


def test_half_of_what_the_controls_page_says_would_be_content() -> None:
    assert not _has_room(READ + 500)
    assert _has_room(READ + 501)


def test_a_notice_may_say_a_little_even_beside_a_short_page() -> None:
    assert not _has_room(READ + LEAST, control=web(text_length=50))
    assert _has_room(READ + LEAST + 1, control=web(text_length=50))


@pytest.mark.parametrize("length", [0, 10_000])
def test_beside_a_page_without_text_or_with_much_a_notice_may_say_most(length: int) -> None:
    assert not _has_room(READ + MOST, control=web(text_length=length))
    assert _has_room(READ + MOST + 1, control=web(text_length=length))


def test_where_no_notice_was_read_a_page_must_say_nothing_else() -> None:
    assert _has_room(61, read=0)
    assert not _has_room(60, read=0)


def test_text_that_is_known_is_no_content() -> None:
    long = "".join(POLICY.format(word) for word in NOTICE.split())
    known = {"known": (sketch_of(long, KEY),)}

    assert _has_room(len(long), long)
    assert not _has_room(len(long), long, **known)
    assert _has_room(len(long), "quite another text of the same length", **known)


def test_more_pictures_and_frames_than_known_may_show_content() -> None:
    page = web(embedded=2)
    assert may_hold_other_content(page, CONTROL, (), embedded=1, read=READ)
    assert not may_hold_other_content(page, CONTROL, (), embedded=2, read=READ)


def test_a_style_sheet_that_a_header_names_may_show_content() -> None:
    page = web(headers=(("link", "</page.css>; rel=stylesheet"),))
    assert may_hold_other_content(page, CONTROL, (), embedded=0, read=READ)
    assert not may_hold_other_content(page, CONTROL, (), embedded=1, read=READ)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 3000))
def test_a_longer_page_never_has_less_room(one: int, more: int, control: int) -> None:
    beside = web(text_length=control)

    assert _has_room(one, control=beside) <= _has_room(one + more, control=beside)


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "x" * 61},
        {"text_length": 61},
        {"title": "x" * 61},
        {"embedded": 1},
        {"frames": ("http://a.test/",)},
        {"headers": (("link", "</page.css>; rel=StyleSheet"),)},
    ],
)
def test_a_page_that_may_show_something_does_not_say_nothing(facts: dict[str, Any]) -> None:
    assert not says_nothing(web(**facts))


def test_a_short_line_says_nothing() -> None:
    assert says_nothing(web(title="403 Forbidden", text="Forbidden", text_length=9))
