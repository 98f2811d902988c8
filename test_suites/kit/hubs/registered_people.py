"""People whose keys the body registered, for tests that decide favourably."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from harness.cli.registry_session import OWNERS, open_session
from harness.follow.identities import signed_event
from harness.model.event import Event, RecordAdded
from harness.model.registry_record import Identity
from harness.ports.storage import Clock, WallClock
from harness.signing import public_key_of
from test_suites.kit.hubs.keys import write_keys

Made = TypeVar("Made", bound=Event)


def registered(
    registry: Path | str, folder: Path, name: str = "Di", clock: Clock | None = None
) -> Path:
    """The private key of a person, which is registered if it is not yet."""
    seed = sum(name.encode()) % 251
    key, _ = write_keys(folder, f"key-of-{name.replace(' ', '-')}", seed)
    public = public_key_of(key)
    with open_session(registry, create=True, clock=clock) as session:
        if public not in session.identities():
            now = (clock or WallClock()).now()
            record = Identity(id=name, public_key=public)
            session.record(OWNERS, RecordAdded(at=now, actor="the body", record=record))
    return key


def signed_by_registered(
    event: Made, registry: Path | str, folder: Path, stream: str, clock: Clock | None = None
) -> Made:
    """The event, signed for a stream by its actor, whose key is registered."""
    return signed_event(event, stream, registered(registry, folder, event.actor, clock))
