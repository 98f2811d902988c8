"""The hub's time is believed only with its signature under the question that was asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fleet.envelope import EnvelopeError
from harness.fleet.identity import Identity
from harness.fleet.signed_time import ClockReading, TimeAnswer, TimeQuestion, reading_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HUB, OTHER = Identity.new(), Identity.new()


def read(
    answer: TimeAnswer, question: TimeQuestion, system: datetime, took: float = 0.2
) -> ClockReading:
    return reading_of(
        answer, question, HUB.public, system=system, asked=100.0, answered=100.0 + took
    )


@given(
    st.integers(-400 * 86_400, 400 * 86_400),
    st.floats(0, 30, allow_nan=False),
    st.floats(0, 1, allow_nan=False),
)
def test_the_true_offset_lies_within_the_bound(offset: int, took: float, share: float) -> None:
    """Whenever the hub answered between question and answer."""
    question = TimeQuestion.new()
    answered_at = NOW + timedelta(seconds=took)
    hub_read = NOW + timedelta(seconds=took * share)
    answer = TimeAnswer.to(question, HUB, hub_read)

    reading = read(answer, question, answered_at - timedelta(seconds=offset), took)

    assert abs(reading.offset - offset) <= reading.bound + 1e-5
    assert reading.bound == pytest.approx(took / 2)
    assert reading.read == 100.0 + took


def test_an_answer_to_another_question_is_refused() -> None:
    answer = TimeAnswer.to(TimeQuestion.new(), HUB, NOW)

    with pytest.raises(EnvelopeError, match="not signed by the hub"):
        read(answer, TimeQuestion.new(), NOW)


def test_another_hub_and_a_changed_time_are_refused() -> None:
    question = TimeQuestion.new()
    answer = TimeAnswer.to(question, HUB, NOW)
    changed = TimeAnswer(
        nonce=answer.nonce, at=NOW + timedelta(days=365), signature=answer.signature
    )

    for faulty in (TimeAnswer.to(question, OTHER, NOW), changed):
        with pytest.raises(EnvelopeError, match="not signed by the hub"):
            read(faulty, question, NOW)
