"""A batch is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from harness.model.batch import Batch, Way


def test_a_batch_cannot_change() -> None:
    way = Way(probe="web", lines=("proxy",), profile="ks2", round=1)
    batch = Batch(number=1, way=way, items=())

    with pytest.raises(FrozenInstanceError):
        batch.number = 2  # type: ignore[misc]
