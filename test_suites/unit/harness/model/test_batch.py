"""A batch is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from harness.model.batch import AGAIN, Batch, Way, turn_of


def test_a_batch_cannot_change() -> None:
    way = Way(probe="web", lines=("proxy",), profile="ks2", round=1)
    batch = Batch(number=1, way=way, items=())

    with pytest.raises(FrozenInstanceError):
        batch.number = 2  # type: ignore[misc]


def test_a_round_is_the_same_when_it_is_tried_again() -> None:
    assert [1, 2, 100, 1, 2] == [turn_of(one) for one in (1, 2, 100, 1 + AGAIN, 2 + AGAIN)]
