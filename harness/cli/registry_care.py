"""The care of a registry: check every event, rebuild, migrate an old one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.registry_session import OWNERS, Place, place_of_any
from harness.errors import InstrumentError
from harness.follow.derived_rows import as_read, rows_of
from harness.follow.identities import (
    NO_IDENTITIES,
    Identities,
    identities_in,
    key_of,
    signer_of,
    why_not_signed_by,
)
from harness.follow.replay import refused_today, replay
from harness.model.event import (
    ClockCorrected,
    Event,
    FindingOpened,
    PlanDrafted,
    PlanEvent,
    PlanSigned,
    RecordAdded,
    RegistryMigrated,
    StreamOpened,
)
from harness.model.event_times import TOLERANCE, backward_events
from harness.model.registry_record import Contact
from harness.model.stream import OWNER, DerivedRow
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry


class CheckedStream(NamedTuple):
    """A stream, or the chain from before there were streams, that was found unchanged.

    ``wrong`` names the derived rows that do not follow from its events.
    """

    title: str
    number: int
    hashes: tuple[str, ...]
    notes: tuple[str, ...]
    wrong: tuple[str, ...] = ()


def verify_streams(registry: Registry) -> tuple[CheckedStream, ...]:
    """Check every stream, and the old chain if there is one. Raises InstrumentError."""
    from harness.store.registry.old_chain import old_chain  # noqa: PLC0415 - sqlalchemy is heavy

    found = []
    assessors, identities = frozenset[str](), NO_IDENTITIES
    for stream in registry.streams():  # the owner's comes before those of services and suppliers
        with registry.reading(stream) as access:
            events, hashes, held = access.events(), access.hashes(), access.rows()
            title = access.head.name if access.head else stream
        if stream == OWNER:
            assessors, identities = _keys_of(events), identities_in(events)
        notes = (
            *notes_on(events),
            *_strangers(events, assessors),
            *_unregistered(events, identities),
        )
        wrong = tuple(f"{row} of {title}" for row in _changed(held, events))
        found.append(CheckedStream(title, len(events), hashes, notes, wrong))
    registry.require_heads()
    with registry.transaction() as connection:
        chain = old_chain(connection, registry.where)
    if chain:
        hashes = tuple(digest for digest, _ in chain)
        found.append(CheckedStream("before there were streams", len(chain), hashes, ()))
    return tuple(found)


def changed_rows(registry: Registry) -> list[str]:
    """Name the derived rows that do not follow from the events. Raises InstrumentError."""
    return [row for checked in verify_streams(registry) for row in checked.wrong]


def _changed(rows: Iterable[DerivedRow], events: Sequence[Event]) -> Iterator[str]:
    """Yield the kinds and ids of the rows that differ from those that follow from the events."""
    held = {(row.kind, row.id): row for row in rows}
    due = {(row.kind, row.id): row for row in rows_of(replay(events))}
    for kind, name in sorted(held.keys() | due.keys()):
        row, wanted = held.get((kind, name)), due.get((kind, name))
        if row != wanted and (row is None or wanted is None or _read(row) != wanted):
            yield f"{kind} {name}"


def _read(row: DerivedRow) -> DerivedRow | None:
    """A row as it is read now; ``None`` if it cannot be read."""
    try:
        return as_read(row)
    except InstrumentError:
        return None


def notes_on(events: Sequence[Event]) -> tuple[str, ...]:
    """Sentences on events that are dated before earlier ones, or would be refused now.

    A registry of an earlier version may hold some; otherwise somebody has changed the registry.
    """
    late = [str(fault) for fault in backward_events(events)]
    return *late, *(f"event {at} would be refused now: {why}" for at, why in refused_today(events))


def _strangers(events: Sequence[Event], assessors: frozenset[str]) -> Iterator[str]:
    """Yield a sentence on each signature of a plan by a key that no contact of its side has."""
    keys = {"supplier": _keys_of(events), "assessor": assessors}
    for position, event in enumerate(events, 1):
        if isinstance(event, PlanSigned) and event.key not in keys[event.role]:
            yield (
                f"event {position}: plan {event.plan} is signed for the {event.role} by "
                f"{event.signer}, with the key {event.key[:16]}, which is no contact's"
            )


def _unregistered(events: Sequence[Event], identities: Identities) -> Iterator[str]:
    """Yield a sentence on each signed event whose key is not the registered one of its person."""
    for position, event in enumerate(events, 1):
        key = key_of(event)
        why = why_not_signed_by(signer_of(event), key, identities, event.at) if key else ""
        if why:
            yield f"event {position}: {why}"


def _keys_of(events: Sequence[Event]) -> frozenset[str]:
    """The public keys of all contacts that were ever added to a stream."""
    added = (event.record for event in events if isinstance(event, RecordAdded))
    return frozenset(one.public_key for one in added if isinstance(one, Contact))


def rebuild(registry: Registry) -> int:
    """Write all derived rows anew, and return their number."""
    number = 0
    for stream in registry.streams():
        with registry.writing(stream) as access:
            rows = list(rows_of(replay(access.events())))
            access.replace_rows(rows)
            number += len(rows)
    return number


def migrate(where: Path | str, actor: str, clock: Clock) -> tuple[str, int, int | None]:
    """Bring the tables up to date, and divide a registry of one chain into streams, all or none.

    Returns where it is, the number of events and of streams that were divided; ``None`` for the
    latter if nothing was to do. Raises UsageError and InstrumentError.
    """
    from harness.store.registry.old_chain import end_old_chain, old_chain  # noqa: PLC0415 - heavy
    from harness.store.registry.opening import (  # noqa: PLC0415 - the same
        WITHOUT_HUB,
        open_registry,
        schema_of,
        upgrade,
    )
    from harness.store.registry.streams import StreamAccess  # noqa: PLC0415 - the same

    with (
        open_registry(where, is_old_allowed=True) as registry,
        registry.transaction(is_writing=True) as connection,
    ):
        held = schema_of(connection)
        if held in WITHOUT_HUB:
            upgrade(connection)
            return registry.where, 0, 0
        if held != "old":
            return registry.where, 0, None
        chain = old_chain(connection, registry.where)
        upgrade(connection)
        streams = divided([event for _, event in chain])
        migrated = RegistryMigrated(
            at=clock.now(), actor=actor, events=len(chain), hash=chain[-1][0] if chain else ""
        )
        for place, events in streams.items():
            access = StreamAccess(connection, place.stream, registry.where)
            added = [*events, migrated] if place.stream == OWNER else events
            access.append(*added, is_kept=True)
            access.replace_rows(rows_of(replay(added)))
        end_old_chain(connection)
        return registry.where, len(chain), len(streams)


def divided(events: Iterable[Event]) -> dict[Place, list[Event]]:
    """Divide the events of one chain into streams, each with the event that opens it.

    A correction of the clock goes to each stream that has events after its time.
    """
    division = _Division()
    for event in events:
        for place in division.places_of(event):
            held = division.parts.setdefault(place.stream, (place, []))[1]
            if not held:
                held.append(StreamOpened(at=event.at, actor=event.actor, name=place.name))
            held.append(event)
        division.first = division.first or event
    if division.first is not None and OWNERS.stream not in division.parts:
        at, actor = division.first.at, division.first.actor
        opened = StreamOpened(at=at, actor=actor, name=OWNERS.name)
        division.parts[OWNERS.stream] = (OWNERS, [opened])
    return dict(division.parts.values())


@dataclass(slots=True)
class _Division:
    """The parts of one chain: the place and the events of each stream, as far as they are read."""

    parts: dict[str, tuple[Place, list[Event]]] = field(default_factory=dict)
    first: Event | None = None
    _of_finding: dict[str, Place] = field(default_factory=dict)
    _of_plan: dict[str, Place] = field(default_factory=dict)

    def places_of(self, event: Event) -> list[Place]:
        """The streams of an event."""
        match event:
            case FindingOpened(finding=finding):
                place = self._of_finding[finding.id] = place_of_any(
                    finding.supplier, finding.service
                )
                return [place]
            case PlanDrafted(plan=plan, finding=finding_id):
                self._of_plan[plan] = self._of_finding[finding_id]
                return [self._of_plan[plan]]
            case PlanEvent(plan=plan):
                return [self._of_plan[plan]]
            case ClockCorrected(at=at):
                late = [
                    place for place, held in self.parts.values() if latest_of(held) > at + TOLERANCE
                ]
                return late or [OWNERS]
            case _:
                return [OWNERS]


def latest_of(events: Iterable[Event]) -> datetime:
    """The latest time of events since the last correction of the clock among them."""
    latest = datetime.min.replace(tzinfo=UTC)
    for event in events:
        latest = event.at if isinstance(event, ClockCorrected) else max(latest, event.at)
    return latest
