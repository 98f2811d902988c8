"""The registry with its ledger: what somebody wants to record is checked before it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.follow.state import Ledger, fold
from harness.model.corpus import Appeal
from harness.model.event import Event
from harness.model.outcome import PrintedHead
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.registry.registry import Registry
import getpass

from harness.cli.paths import Places
from harness.follow.findings import follow
from harness.model.action_plan import ActionPlan
from harness.model.outcome import Assessment


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


def open_plans(
    assessment: Assessment, places: Places, clock: Clock | None = None
) -> tuple[ActionPlan, ...]:
    """Open what is not open yet; gives the new plans. Concluding again opens nothing twice."""
    clock = clock or WallClock()
    at = clock.now()
    with open_book(places.registry, create=True, clock=clock) as book:
        before = set(book.ledger.plans)
        events = follow(assessment, book.ledger, at, user())
        ledger = book.record(*events) if events else book.ledger
    return tuple(plan for name, plan in ledger.plans.items() if name not in before)


def user() -> str:
    """Who runs this, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
