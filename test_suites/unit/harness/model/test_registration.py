"""Which campaign of a service it is, in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.registration import NOT_REGISTERED, Registration, Try

AT = datetime(2026, 3, 2, tzinfo=UTC)


def registration(*ends: str, starts: int = 1) -> Registration:
    earlier = tuple(Try(campaign=f"try-{n}", at=AT, end=end) for n, end in enumerate(ends, 1))
    return Registration(
        number=len(ends) + 1, subject="Safe Net by s", starts=starts, earlier=earlier
    )


@pytest.mark.parametrize(
    ("ends", "starts", "said"),
    [
        ((), 1, "first registered campaign of Safe Net by s"),
        ((), 3, "first registered campaign of Safe Net by s, started 3 times"),
        (
            ("did not conform",), 1,
            "second registered campaign of Safe Net by s; the one before did not conform (try-1)",
        ),
        (
            ("did not conform", "was not concluded", "did not conform"), 1,
            ("fourth registered campaign of Safe Net by s; 2 before did not conform "
            "(try-1, try-3); 1 before was not concluded (try-2)"),
        ),
        (
            ("did not conform",) * 46, 1,
            ("47th registered campaign of Safe Net by s; 46 before did not conform "
            "(try-1, try-2, try-3 and 43 more)"),
        ),
    ],
)  # fmt: skip
def test_a_sentence_counts_and_names(ends: tuple[str, ...], starts: int, said: str) -> None:
    assert registration(*ends, starts=starts).sentence == said


@pytest.mark.parametrize(
    ("before", "word"), [(10, "11th"), (11, "12th"), (20, "21st"), (21, "22nd"), (110, "111th")]
)
def test_ordinals(before: int, word: str) -> None:
    assert registration(*("conformed",) * before).sentence.startswith(f"{word} registered")


def test_what_is_not_registered_is_practice() -> None:
    assert "practice, on which no decision rests" in NOT_REGISTERED.sentence


@given(
    st.lists(st.sampled_from(["conformed", "did not conform", "was not concluded"]), max_size=60)
)
def test_no_earlier_campaign_is_missing_from_the_count(ends: list[str]) -> None:
    sentence = registration(*ends).sentence

    if len(ends) > 1:
        counted = [int(part.split()[0]) for part in sentence.split("; ")[1:]]
        assert sum(counted) == len(ends)
    else:
        assert ("the one before" in sentence) == bool(ends)
