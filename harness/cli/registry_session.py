"""The registry with its ledger: what somebody wants to record is checked before it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.follow.state import Ledger, fold
from harness.model.appeal import Appeal
from harness.model.event import Event
from harness.model.outcome import PrintedHead
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.registry.registry import Registry


class Book:
    """An open registry and the ledger that its events fold into."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self.ledger: Ledger = fold(registry.events())

    def record(self, *events: Event) -> Ledger:
        """Keep events, all or none; returns the ledger after them.

        Raises UsageError if they may not happen now, naming what may, or if one is dated before
        an earlier one or after the clock's time.
        """
        after = self.ledger.after(*events)
        self._registry.append(*events, after=self.ledger.events, now=self._clock.now())
        self.ledger = after
        return after


@contextmanager
def open_book(
    where: Path | str, *, create: bool = False, clock: Clock | None = None
) -> Iterator[Book]:
    """Open the book at a path or database URL. Raises UsageError if there is none."""
    from harness.store.registry.registry import open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    with open_registry(where, create=create) as registry:
        yield Book(registry, clock or WallClock())


def appeals_in(where: Path | str) -> tuple[Appeal, ...]:
    """The decided appeals of a registry; none where no registry is yet."""
    if isinstance(where, Path) and not where.exists():
        return ()
    from harness.store.registry.registry import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_book(where) as book:
            return book.ledger.appeals
    except NoRegistry:
        return ()


def head_of_registry(where: Path | str) -> PrintedHead | None:
    """How many events a registry holds and the hash of the last one; ``None`` where none is."""
    if isinstance(where, Path) and not where.exists():
        return None
    from harness.store.registry.registry import START, NoRegistry, open_registry  # noqa: PLC0415 - heavy

    try:
        with open_registry(where) as registry:
            hashes = registry.hashes()
    except NoRegistry:
        return None
    return PrintedHead(held=len(hashes), hash=hashes[-1] if hashes else START)
