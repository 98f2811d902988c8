"""What the registry holds of checks in the field: their events, and the frame of a draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.event_basis import needed_by
from harness.cli.registry_session import OWNERS, RegistrySession
from harness.errors import UsageError
from harness.follow.certificates import certificate_status
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.certificate import CertificateStatus
from harness.model.decision import HeldDecision
from harness.model.event import ClockCorrected, Event
from harness.model.event_times import TOLERANCE, in_utc
from harness.model.field_event import (
    CheckedService,
    FieldDrawn,
    FieldEvent,
    StreamPart,
)
from harness.model.registry_record import Site
from harness.model.stream import OWNER
from harness.monitor.field_draw import FramedService, refusal
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess

KINDS = ("field-seed-committed", "field-drawn", "field-site-added", "field-visited")
CERTIFIED = ("certificate-issued",)


class Frame(NamedTuple):
    """The valid certificates of a registry at a time, with their sites, and what they follow from.

    ``faults`` say where the streams do not bear out what a draw says that it used.
    """

    services: tuple[FramedService, ...]
    streams: tuple[StreamPart, ...]
    faults: tuple[str, ...] = ()


def field_events(session: RegistrySession) -> tuple[FieldEvent, ...]:
    """All events about checks in the field, oldest first."""
    with session.registry.reading(OWNER) as access:
        return _field_events(access)


def _field_events(access: StreamAccess) -> tuple[FieldEvent, ...]:
    found = (event for _, event in access.found(kind=KINDS))
    return tuple(event for event in found if isinstance(event, FieldEvent))


def record_field_event(
    session: RegistrySession, make: Callable[[tuple[FieldEvent, ...]], FieldEvent]
) -> FieldEvent:
    """Record an event, made from those before it. Raises UsageError if it cannot follow them."""
    with session.registry.writing(OWNER) as access:
        before = _field_events(access)
        event = make(before)
        _record(session, access, before, event)
    return event


def record_draw(
    session: RegistrySession,
    clock: Clock,
    make: Callable[[tuple[FieldEvent, ...], Frame, datetime], FieldDrawn],
) -> FieldDrawn:
    """Record a draw, made from the certificates of now, while no stream can change."""
    streams = {OWNER, *(head.stream for head in session.registry.heads())}
    with session.registry.writing_all(streams) as accesses:
        (owners,) = (each for each in accesses if each.stream == OWNER)
        before = _field_events(owners)
        others = [each for each in accesses if each.stream != OWNER]
        now = clock.now()
        drawn = make(before, _frame_now(others, now), now)
        _record(session, owners, before, drawn)
    return drawn


def _record(
    session: RegistrySession, access: StreamAccess, before: Sequence[FieldEvent], event: FieldEvent
) -> None:
    if why_not := refusal(before, event):
        raise UsageError(why_not)
    session.record_in(access, OWNERS, [event], needed_by(access, [event]))


def _frame_now(accesses: Iterable[StreamAccess], now: datetime) -> Frame:
    services: list[FramedService] = []
    parts = []
    for access in accesses:
        if access.head is not None and access.found(kind=CERTIFIED):
            services += certified_in(access.stream, replay(access.events()), now)
            parts.append(StreamPart(stream=access.stream, events=access.head.events))
    return Frame(tuple(services), tuple(parts))


def frame_of(session: RegistrySession, drawn: FieldDrawn) -> Frame:
    """The frame of a draw, made again from what the streams held when it was made.

    Times decide what it had to use: more than a minute before the draw, an event has to be in it.
    """
    parts = {part.stream: part.events for part in drawn.streams}
    services: list[FramedService] = []
    faults: list[str] = []
    for head in session.registry.heads():
        with session.registry.reading(head.stream) as access:
            is_concerned = head.stream in parts or (
                head.stream != OWNER and access.found(kind=CERTIFIED)
            )
            events = access.events() if is_concerned else ()
        used = parts.pop(head.stream, 0)
        faults += _faults_of_part(head.name, events, used, drawn.at)
        services += certified_in(head.stream, replay(events[:used]), drawn.at)
    faults += (f"it used a stream that is not in the registry: {stream}" for stream in parts)
    return Frame(tuple(services), drawn.streams, tuple(faults))


def _faults_of_part(name: str, events: Sequence[Event], used: int, at: datetime) -> Iterator[str]:
    """Yield why a draw at a time cannot have used just the first events of a stream."""
    if used > len(events):
        yield f"it used {used} events of {name}, which has {len(events)}"
        return
    for position, event in enumerate(events[used:], used + 1):
        if isinstance(event, ClockCorrected):
            break  # what follows may be dated earlier than it was recorded
        if event.at < at - TOLERANCE:
            yield (
                f"it leaves out event {position} of {name} ({_kind(event)}), which is dated "
                f"{in_utc(event.at)}, before the draw"
            )
            break
    for position in range(used, 0, -1):
        event = events[position - 1]
        if event.at > at + TOLERANCE:
            yield f"it used event {position} of {name}, which is dated after the draw"
            break
        if isinstance(event, ClockCorrected):
            break  # what comes before may be dated later than it was recorded


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)


def certified_in(stream: str, state: StreamState, now: datetime) -> Iterator[FramedService]:
    """The services of a stream whose certificate is valid at a time, with its sites on record."""
    sites = tuple(one.id for one in state.open_records().values() if isinstance(one, Site))
    for held in state.decisions.values():
        if held.certificate is None:
            continue
        certified = certificate_status(state.decisions, held, state.stops_on(held), now)
        if certified.status is CertificateStatus.VALID:
            yield _framed(stream, state.name, held, held.certificate.number, sites)


def _framed(
    stream: str, supplier: str, held: HeldDecision, number: str, sites: tuple[str, ...]
) -> FramedService:
    return FramedService(
        stream=stream,
        supplier=supplier,
        service=held.decision.service,
        version=held.decision.version,
        scheme=held.decision.scheme,
        certificate=number,
        sites=sites,
    )


def plain(service: CheckedService) -> CheckedService:
    """What a service is known by alone, without its certificate and sites."""
    return CheckedService(
        stream=service.stream,
        supplier=service.supplier,
        service=service.service,
        version=service.version,
        scheme=service.scheme,
    )
