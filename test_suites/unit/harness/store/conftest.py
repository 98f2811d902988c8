"""Observations for the tests of the store, made from a number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import AttemptKey, Failure, Observation, Timings

Make = Callable[..., Observation]


@pytest.fixture(scope="session")
def observe() -> Make:
    """``observe(3)``: the same observation for the same number, batch 1 unless told."""
    return _observe


@pytest.fixture(scope="session")
def observe_batch() -> Callable[[int, int], list[Observation]]:
    """``observe_batch(2, 5)``: the five observations of batch 2."""
    return _observe_batch


def _observe(number: int, batch: int = 1, title: str = "A page") -> Observation:
    item = Item(id=f"item-{number}", value=f"gamb-{number:03d}.accredit.test", labels=("GAMB",))
    key = AttemptKey(
        campaign="spring", item=item.id, probe="web", line="proxy", profile="ks2", round=2
    )
    return Observation(
        key=key,
        item=item,
        started=datetime(2026, 3, 1, 9, number % 60, tzinfo=UTC),
        batch=batch,
        timings=Timings(total=number / 1000),
        failure=Failure(name="eof_error", stage="response") if number % 3 == 0 else None,
        facts=WebFacts(url=f"http://{item.value}/", status=200, title=title),
    )


def _observe_batch(batch: int, size: int) -> list[Observation]:
    return [_observe(batch * 100 + number, batch) for number in range(size)]
