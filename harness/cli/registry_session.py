"""Sessions on the registry: record checked events, open plans, read appeals and the head."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.paths import CampaignPaths
from harness.follow.findings import follow, follow_ups
from harness.follow.state import RegistryState, replay
from harness.model.action_plan import ActionPlan, FollowUp
from harness.model.corpus import Appeal
from harness.model.event import Event
from harness.model.outcome import Assessment, PrintedHead
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.registry import Registry


class RegistrySession:
    """An open registry, and its state."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self.state: RegistryState = replay(registry.events())

    def record(self, *events: Event) -> RegistryState:
        """Record all events or none, and return the registry's state after them.

        Raises UsageError if one is not possible now, naming what is, or if one is dated before an
        earlier one or after the clock's time.
        """
        after = self.state.after(*events)
        self._registry.append(*events, after=self.state.events, now=self._clock.now())
        self.state = after
        return after


@contextmanager
def open_session(
    where: Path | str, *, create: bool = False, clock: Clock | None = None
) -> Iterator[RegistrySession]:
    """Open the registry at a path or database URL. Raises UsageError if there is none."""
    from harness.store.registry import open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    with open_registry(where, create=create) as registry:
        yield RegistrySession(registry, clock or WallClock())


def appeals_in(where: Path | str) -> tuple[Appeal, ...]:
    """The decided appeals of a registry; empty if there is no registry yet."""
    if isinstance(where, Path) and not where.exists():
        return ()
    from harness.store.registry import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_session(where) as session:
            return session.state.appeals
    except NoRegistry:
        return ()


def registry_head(where: Path | str) -> PrintedHead | None:
    """The number of a registry's events and the last one's hash; ``None`` without a registry."""
    if isinstance(where, Path) and not where.exists():
        return None
    from harness.store.registry import START, NoRegistry, open_registry  # noqa: PLC0415 - heavy

    try:
        with open_registry(where) as registry:
            hashes = registry.hashes()
    except NoRegistry:
        return None
    return PrintedHead(held=len(hashes), hash=hashes[-1] if hashes else START)


def follow_ups_in(where: Path | str, assessment: Assessment) -> tuple[FollowUp, ...] | None:
    """The findings and plans of an assessment's failures; ``None`` if there is no registry yet."""
    if isinstance(where, Path) and not where.exists():
        return None
    from harness.store.registry import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    try:
        with open_session(where) as session:
            return follow_ups(assessment, session.state)
    except NoRegistry:
        return None


def open_plans(
    assessment: Assessment, paths: CampaignPaths, clock: Clock | None = None
) -> tuple[ActionPlan, ...]:
    """Open a plan for each new failure, and return the new plans.

    Concluding again opens no plan twice.
    """
    clock = clock or WallClock()
    at = clock.now()
    with open_session(paths.registry, create=True, clock=clock) as session:
        before = set(session.state.plans)
        events = follow(assessment, session.state, at, current_user())
        state = session.record(*events) if events else session.state
    return tuple(plan for name, plan in state.plans.items() if name not in before)


def current_user() -> str:
    """The name of the current user, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
