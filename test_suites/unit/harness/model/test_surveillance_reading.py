"""A reading of one requirement in one surveillance run."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.conformity import Conformity
from harness.model.outcome import Conformity as FromOutcome
from harness.model.surveillance_reading import PartCount, RequirementReading

COUNTED = (PartCount(group="GAMB", tested=60, missed=1.5),)


def reading(
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    parts: tuple[PartCount, ...] = COUNTED,
) -> RequirementReading:
    return RequirementReading(
        requirement="URL-01",
        profile="ks2",
        line="proxy",
        metric="block_rate",
        unit="share",
        conformity=Conformity.DOES_NOT_CONFORM,
        at_least=at_least,
        at_most=at_most,
        parts=parts,
    )


def test_a_reading_is_kept_and_read_back_as_it_was() -> None:
    one = reading(at_least=0.9)

    again = msgspec.json.Decoder(RequirementReading).decode(msgspec.json.encode(one))

    assert one == again
    assert again.conformity is Conformity.DOES_NOT_CONFORM
    assert Conformity is FromOutcome


def test_it_is_followed_by_requirement_profile_and_line() -> None:
    assert reading().key == ("URL-01", "ks2", "proxy")


@pytest.mark.parametrize(
    ("at_least", "at_most", "is_rate", "allows_no_miss"),
    [
        (0.9, None, True, False),
        (None, 0.05, True, False),
        (1.0, None, False, True),
        (None, 0.0, False, True),
        (0.0, None, False, False),
        (None, 1.0, False, False),
        (None, 3.0, False, False),
        (None, None, False, False),
    ],
)
def test_a_rate_allows_some_misses_or_none(
    at_least: float | None, at_most: float | None, is_rate: bool, allows_no_miss: bool
) -> None:
    one = reading(at_least=at_least, at_most=at_most)

    assert (one.is_rate, one.allows_no_miss) == (is_rate, allows_no_miss)
    uncounted = reading(at_least=at_least, at_most=at_most, parts=())
    assert not uncounted.is_rate
    assert not uncounted.allows_no_miss
