"""Checks of the registry of a hub, of what its pages are made of, and of its agents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from harness.cli.hub_file import HubFile
from harness.cli.hub_file_checks import HubCheck, error_of, ok, warning
from harness.cli.hub_projector import EDITION
from harness.cli.hub_registry import FleetRegistry
from harness.cli.hub_standing import views_of
from harness.cli.registry_session import RegistrySession, open_session
from harness.errors import HarnessError, first_of
from harness.model.event_times import TOLERANCE
from harness.model.stream import OWNER
from harness.ports.storage import Clock
from harness.store.hub.projection import all_progress
from harness.store.hub.row_security import require_secured
from harness.store.registry import agent_store
from harness.store.registry.opening import SCHEMA, NoRegistry, OldRegistry, schema_of
from harness.store.registry.streams import Registry

LATE_REPORT = timedelta(hours=1)
"""A report that waits longer was not recorded for some reason."""


def registry_checks(hub: HubFile, clock: Clock, *, is_quick: bool) -> Iterator[HubCheck]:
    """The checks of the registry; without ``is_quick`` each event is checked."""
    name = "registry"
    try:
        with open_session(hub.registry, clock=clock) as session:
            yield _version(session.registry)
            yield from _checks(session, clock, is_quick=is_quick)
    except NoRegistry:
        yield warning(name, "there is none yet; 'accredit hub migrate' makes it")
    except OldRegistry as error:
        yield error_of(name, error)
    except ModuleNotFoundError as error:
        yield error_of(name, f"cannot be opened without the library {error.name}")
    except HarnessError as error:
        yield error_of(name, error)


def _checks(session: RegistrySession, clock: Clock, *, is_quick: bool) -> Iterator[HubCheck]:
    registry, now = session.registry, clock.now()
    yield _wall(registry)
    yield _clock(registry, now)
    if not is_quick:
        yield from _chains(registry)
    yield _rows(registry)
    yield from _reports(registry, now)
    yield _agents(session, clock)


def _version(registry: Registry) -> HubCheck:
    with registry.transaction() as connection:
        found = schema_of(connection)
    if found != SCHEMA:
        detail = f"{registry.where}: tables of version {found}; 'accredit hub migrate'"
        return error_of("registry", detail)
    return ok("registry", f"{registry.where}: tables of version {found}")


def _wall(registry: Registry) -> HubCheck:
    name = "row-level security"
    if not registry.is_postgresql:
        return ok(name, "not needed: the registry is a file, which the hub alone reads")
    try:
        with registry.transaction() as connection:
            require_secured(connection)
    except HarnessError as error:
        return error_of(name, error)
    return ok(name, "the role of the hub is bound by it")


def _clock(registry: Registry, now: datetime) -> HubCheck:
    latest = max((head.latest for head in registry.heads()), default=None)
    if latest is not None and latest > now + TOLERANCE:
        detail = f"the newest event is of {latest:%Y-%m-%d %H:%M} UTC, after now; set the clock"
        return error_of("clock", detail)
    return ok("clock", f"{now:%Y-%m-%d %H:%M} UTC, after every event")


def _chains(registry: Registry) -> Iterator[HubCheck]:
    """Each stream whose chain is broken, or one line for all."""
    name, events, faults = "events", 0, 0
    streams = registry.streams()
    for stream in streams:
        try:
            with registry.reading(stream) as access:
                events += len(access.events())
        except HarnessError as error:
            faults += 1
            yield error_of(name, f"{error}; restore a backup from before")
    if not faults:
        yield ok(name, f"{events:,} in {len(streams)} streams, all unchanged")


def _rows(registry: Registry) -> HubCheck:
    with registry.transaction() as connection:
        progress = all_progress(connection)
    behind = {}
    for head in registry.heads():
        held = progress.get(head.stream)
        made = held.position if held and held.edition == EDITION else 0
        if head.stream != OWNER and made != head.events:
            behind[head.name] = head.events - made
    if behind:
        where = first_of(sorted(behind), 3)
        detail = f"{sum(behind.values()):,} events are not on the pages yet: {where}"
        return warning("rows of pages", f"{detail}; 'accredit serve' makes the rows")
    return ok("rows of pages", "made from every event")


def _reports(registry: Registry, now: datetime) -> Iterator[HubCheck]:
    with registry.transaction() as connection:
        waiting = agent_store.reports(connection, state=agent_store.WAITING)
        aside = agent_store.reports(connection, state=agent_store.ASIDE)
    name = "reports of agents"
    late = [each for each in waiting if now - each.at > LATE_REPORT]
    if late:
        detail = f"{len(late)} wait for more than an hour; the log of 'accredit serve' says why"
        yield warning(name, detail)
    else:
        yield ok(name, f"{len(waiting)} wait")
    if aside:
        detail = f"{len(aside)} were put aside, the last: {aside[-1].reason}"
        yield warning("reports put aside", detail)


def _agents(session: RegistrySession, clock: Clock) -> HubCheck:
    views = views_of(session, FleetRegistry(session, clock), clock.now())
    silent = [view.label for view in views if view.state == "silent"]
    if silent:
        detail = f"{len(silent)} do not measure: {first_of(silent, 3)}; see 'accredit hub agents'"
        return warning("agents", detail)
    return ok("agents", f"{sum(view.state == 'alive' for view in views)} measure")
