"""Only who has the origin's key asks what arrived with a nonce."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.arrivals import (
    MAX_NONCES,
    Arrivals,
    SeenArrival,
    arrivals_path,
    asked_nonces,
    read_arrivals,
)

KEY = b"k" * 32
NONCE, OTHER = "0" * 32, "f" * 32


def test_the_key_proves_which_nonces_are_asked_about() -> None:
    path = arrivals_path(KEY, (NONCE, OTHER))

    assert asked_nonces(KEY, path) == {NONCE, OTHER}
    assert asked_nonces(b"x" * 32, path) == frozenset()


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.replace(OTHER, "e" * 32),
        lambda path: path.replace("/.well-known", ""),
        lambda path: path.partition("&")[0],
        lambda path: path[:-1],
        lambda path: path + "\u00e9",
    ],
)
def test_a_changed_question_is_none(change: object) -> None:
    assert callable(change)
    assert asked_nonces(KEY, change(arrivals_path(KEY, (NONCE, OTHER)))) == frozenset()


def test_a_question_is_about_nonces_and_not_too_many() -> None:
    many = [f"{number:032x}" for number in range(MAX_NONCES + 1)]

    assert len(asked_nonces(KEY, arrivals_path(KEY, many[1:]))) == MAX_NONCES
    assert asked_nonces(KEY, arrivals_path(KEY, many)) == frozenset()
    assert asked_nonces(KEY, arrivals_path(KEY, ["abc"])) == frozenset()
    assert asked_nonces(KEY, arrivals_path(KEY, [])) == frozenset()


def test_the_answer_is_read_as_it_was_written() -> None:
    seen = SeenArrival(
        nonce=NONCE, at=datetime(2026, 1, 2, tzinfo=UTC), over="http", host="a.test", path="/"
    )

    assert read_arrivals(msgspec.json.encode(Arrivals(arrivals=(seen,)))) == (seen,)


@given(st.binary(max_size=60))
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no list of arrivals"):
        read_arrivals(body)
