"""The collector is calm inside, works, and is as before afterwards."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from harness.measure import event_loop
from harness.measure.event_loop import YOUNG, are_some_exempt, infrequent_garbage_collection


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_is_frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a command; the tests of a session are exempt from collection (``conftest.py``)."""
    monkeypatch.setattr(event_loop, "are_some_exempt", are_some_exempt)
    gc.unfreeze()
    yield
    gc.freeze()


def test_it_looks_less_often_and_is_as_before_afterwards() -> None:
    before = gc.get_threshold()

    with infrequent_garbage_collection():
        assert gc.get_threshold()[0] >= YOUNG
        assert gc.get_freeze_count() > 0

    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_was_exempt_before_stays_so_and_nothing_is_added() -> None:
    gc.freeze()
    before = gc.get_freeze_count()

    with infrequent_garbage_collection():
        assert gc.get_freeze_count() <= before
        assert gc.get_threshold()[0] >= YOUNG

    assert 0 < gc.get_freeze_count() <= before


def test_it_is_as_before_after_an_error_too() -> None:
    before = gc.get_threshold()

    with pytest.raises(KeyError), infrequent_garbage_collection():
        raise KeyError

    assert gc.get_threshold() == before


def test_what_is_made_inside_is_collected_in_time() -> None:
    with infrequent_garbage_collection():
        knot = weakref.ref(Knot())
        kept = [[n] for n in range(2 * YOUNG)]

        assert knot() is None
        assert len(kept) == 2 * YOUNG
