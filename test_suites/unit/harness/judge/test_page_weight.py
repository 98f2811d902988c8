"""What the parts of a page weigh together."""

from __future__ import annotations

import pytest

from harness.judge import statements
from harness.judge.block_page_classifier import ENOUGH_ALONE
from harness.judge.statements import (
    SILENT,
    Statement,
    length_share,
    sign_share,
    talk_weight,
    word_weight,
)

NONE = {"title": 0.0, "opening": 0.0, "grounds": 0.0, "text": 0.0}


def test_the_longer_a_text_the_less_a_sign_counts() -> None:
    shares = [length_share(length) for length in (0, 1300, 1301, 2600, 5000, 5001, 10**6)]

    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert shares[-1] == statements.LEAST_SHARE


def test_what_stands_first_counts_at_least_half() -> None:
    assert sign_share("opening", 0.2, 10) == statements.FIRST_SHARE
    assert sign_share("opening", 0.2, statements.WEIGHED_OPENING + 1) == 0.2
    assert sign_share("text", 0.2, 0) == 0.2


@pytest.mark.parametrize("place", sorted(statements.WHOLE_WEIGHT))
def test_addresses_headers_and_bare_pages_count_whole(place: str) -> None:
    assert sign_share(place, 0.2, 10**4) == 1.0


def test_words_that_never_say_stopped_do_not_stand_alone() -> None:
    about = {**NONE, "grounds": 3.5, "text": 4.0}

    assert word_weight(about, SILENT, 1.0, 0) < ENOUGH_ALONE
    assert word_weight({**about, "opening": 2.0}, SILENT, 1.0, 0) >= ENOUGH_ALONE


def test_a_statement_that_speaks_to_nobody_is_not_enough() -> None:
    spoken = Statement(weight=4.0, speaks=True)

    assert word_weight(NONE, spoken, 1.0, 0) == 4.0
    assert word_weight(NONE, Statement(weight=4.0), 1.0, 0) < ENOUGH_ALONE


def test_signs_and_statement_are_not_added_up() -> None:
    signs = {**NONE, "title": 2.0, "opening": 2.0}

    assert word_weight(signs, Statement(weight=3.0, speaks=True), 1.0, 0) == 4.0


def test_signs_of_the_same_thing_have_a_limit() -> None:
    signs = {**NONE, "title": 4.0, "opening": 9.0, "grounds": 3.5}

    assert word_weight(signs, SILENT, 1.0, 0) == statements.MOST_SAID


def test_a_statement_in_a_long_text_counts_if_it_stands_first() -> None:
    spoken = Statement(weight=4.0, speaks=True)

    first, later = (word_weight(NONE, spoken, 0.2, start) for start in (0, 800))
    assert first >= ENOUGH_ALONE > later


def test_talk_weighs_more_the_more_of_it_there_is() -> None:
    assert [talk_weight(marks, SILENT) for marks in (0, 1, 2, 3)] == [0.0, 0.5, 2.5, 4.5]


def test_talk_around_a_title_that_says_it_to_the_reader_has_a_limit() -> None:
    assert talk_weight(9, Statement(leads=True)) == statements.MOST_TALK
