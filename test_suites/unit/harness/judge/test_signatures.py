"""What pages say, read from data."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.block_page_classifier import ENOUGH_ALONE, read_signatures, signatures

PLACES = {"title", "opening", "grounds", "bare", "text", "address", "header"}


def test_every_sign_stands_somewhere_and_says_what_it_shows() -> None:
    for sign in signatures().block:
        assert sign.place in PLACES
        assert 0 < sign.weight <= ENOUGH_ALONE
        assert sign.says


def test_no_pattern_matches_nothing() -> None:
    shipped = signatures()
    patterns = [sign.pattern for sign in shipped.block]

    for pattern in (*patterns, shipped.refusal, shipped.parked, shipped.missing, shipped.talk):
        assert pattern.search("") is None
        assert pattern.search("a quiet page about whales and their songs") is None


def test_words_stand_for_their_alternatives() -> None:
    part = {"patterns": ["{no} here"]}
    made = read_signatures(
        {
            "words": {"no": "(?:shut|closed)"},
            "block": [{"place": "text", "weight": 1, "says": "so", **part}],
            "refusal": part,
            "parked": part,
            "missing": part,
            "talk": part,
            "type": [{"name": "policy", **part}],
            "headers": {"common": ["date"]},
        }
    )

    assert made.block[0].pattern.search("closed here")
    assert made.common_headers == {"date"}


def test_a_document_without_its_parts_is_refused() -> None:
    with pytest.raises(KeyError):
        read_signatures({"words": {}})


def test_the_file_names_no_public_site() -> None:
    text = files("harness.judge").joinpath("signatures.toml").read_text(encoding="utf-8")

    assert "http://" not in text


@given(st.text(alphabet="access to thiswebblockd.,:*\n", max_size=700))
def test_no_text_makes_a_pattern_run_away(text: str) -> None:
    for sign in signatures().block:
        sign.pattern.search(text)
