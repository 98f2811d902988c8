"""Sessions on the registry: read what an event rests on, check the event, and record it.

Reading and recording happen in one transaction, while other writers of the same stream wait. So a
command never has to be given again because another was quicker, unless that changed what the
command is about. What an event rests on is made from its own events, never from derived rows.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.event_basis import dropped_by, needed_by, part_of, undone_by, with_uses
from harness.errors import UsageError, known
from harness.follow.derived_rows import (
    BACKWARD,
    BACKWARD_EVENTS,
    CLOCK_CORRECTION,
    CLOCK_CORRECTIONS,
    ENDED_PLAN,
    FIRST_EVENTS,
    FOLLOW_UPS,
    PLAN,
    read_row,
    rows_after,
)
from harness.follow.identities import (
    NO_IDENTITIES,
    Identities,
    identities_in,
    key_of,
    require_identity,
)
from harness.follow.state import StreamState
from harness.model.action_plan import ActionPlan, Finding
from harness.model.escalation import Escalation
from harness.model.event import (
    ClockCorrected,
    Event,
    PlanEvent,
    StreamOpened,
)
from harness.model.event_times import TOLERANCE, BackwardEvent
from harness.model.stream import LONGEST_NAME, OWNER, OWNER_NAME, StreamHead, same_name, stream_of
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry, StreamAccess


class ClockNotes(NamedTuple):
    """Events dated before earlier ones, and corrections of the clock, in a stream."""

    backward: tuple[BackwardEvent, ...] = ()
    corrections: tuple[ClockCorrected, ...] = ()


class CorrectedStream(NamedTuple):
    """The head of a stream before its clock was corrected, and what counts no more since.

    ``dropped`` are escalations by rule whose dates were wrong, each with the id of its plan;
    ``undone`` says what else counts no more, in sentences.
    """

    before: StreamHead
    dropped: tuple[tuple[str, Escalation], ...]
    undone: tuple[str, ...] = ()


class HeldPlan(NamedTuple):
    """A plan with its finding, the stream that it is in, and the supplier's name."""

    stream: str
    supplier: str
    plan: ActionPlan
    finding: Finding
    clock: ClockNotes


class Place(NamedTuple):
    """A stream, and the name of its supplier, with which it is opened."""

    stream: str
    name: str


def place_of(supplier: str, service: str = "") -> Place:
    """Return the stream of a supplier, or of a service without one.

    Raises UsageError for a name that is none.
    """
    name = " ".join((supplier or service).split())
    return Place(stream_of(supplier, service), name if supplier else f"service {name}")


def place_of_any(supplier: str, service: str) -> Place:
    """Return the stream of a supplier or service of an earlier version, whatever its name.

    A name that is none now is cut and freed of unprintable characters, or left out.
    """
    for is_service, name in enumerate((supplier, service)):
        printable = "".join(letter if letter.isprintable() else " " for letter in name)
        cut = " ".join(printable.split())[:LONGEST_NAME].strip()
        try:
            return place_of("", cut) if is_service else place_of(cut)
        except UsageError:
            continue
    return place_of(UNNAMED)


UNNAMED = "unnamed supplier"
"""The supplier of what names neither a supplier nor a service."""

OWNERS = Place(OWNER, OWNER_NAME)
"""The stream of the scheme's owner."""


class RegistrySession:
    """An open registry with a clock; made by ``open_session``.

    Only that of a hub records acts of people who signed in (``has_accounts``).
    """

    def __init__(self, registry: Registry, clock: Clock, *, has_accounts: bool = False) -> None:
        self.registry = registry
        self._clock, self._has_accounts = clock, has_accounts

    def plans(self, *, supplier: str = "", every: bool = True) -> tuple[HeldPlan, ...]:
        """The plans of all suppliers or one, in order of suppliers and ids.

        They are read from derived rows. Without ``every`` those that have ended are left out.
        """
        only = {"stream": self.stream_named(supplier)} if supplier else {}
        rows = self.registry.rows(PLAN, leave="" if every else ENDED_PLAN, **only)
        names = {head.stream: head.name for head in self.registry.heads()} if rows else {}
        notes = {stream: self._clock_notes(stream) for stream in dict.fromkeys(s for s, _ in rows)}
        found = []
        for stream, row in rows:
            both = read_row(row, FOLLOW_UPS)
            if both.plan is not None:
                name = names.get(stream, stream)
                found.append(HeldPlan(stream, name, both.plan, both.finding, notes[stream]))
        return tuple(found)

    def plan(self, name: str, supplier: str = "") -> HeldPlan:
        """The plan of that id, made from its events. Raises UsageError with the known ids.

        If several suppliers have a plan of that id, ``supplier`` says which is meant.
        """
        stream = self.stream_about(PLAN, name, supplier)
        with self.registry.reading(stream) as access:
            state = part_of(access, plans=[name])
            title = access.head.name if access.head else stream
        plan = state.plan(name)
        return HeldPlan(stream, title, plan, state.finding(plan.finding), self._clock_notes(stream))

    def advance(
        self, name: str, *steps: PlanEvent | Callable[[ActionPlan], PlanEvent], supplier: str = ""
    ) -> ActionPlan:
        """Record events of a plan, or what makes them from the plan; return the new plan.

        Raises UsageError if one is not possible now, naming what is, or if one is dated before an
        earlier one or after the clock's time. All are recorded or none.
        """
        return self.advance_in(self.stream_about(PLAN, name, supplier), name, *steps)

    def advance_in(
        self, stream: str, name: str, *steps: PlanEvent | Callable[[ActionPlan], PlanEvent]
    ) -> ActionPlan:
        """Record events of a plan of a stream; see ``advance``."""
        with self.registry.writing(stream) as access:
            state = part_of(access, plans=[name])
            events: list[Event] = []
            for step in steps:
                event = step if isinstance(step, PlanEvent) else step(state.plan(name))
                state = with_uses(access, state, [event]).after(event)
                events.append(event)
            self.append_to(access, state, events)
        return state.plan(name)

    def check(self, held: HeldPlan, event: PlanEvent) -> None:
        """Raise UsageError if an event of a plan is not possible now; nothing is recorded."""
        with self.registry.reading(held.stream) as access:
            needed_by(access, [event]).after(event)

    def record(self, place: Place, *events: Event) -> StreamState:
        """Record events in a stream, which is opened if need be; all are recorded or none.

        Returns the state after them of what they are about. Raises UsageError as ``advance`` does.
        """
        with self.registry.writing(place.stream) as access:
            return self.record_in(access, place, events, needed_by(access, events))

    def record_in(
        self, access: StreamAccess, place: Place, events: Iterable[Event], before: StreamState
    ) -> StreamState:
        """Record events within a transaction. ``before`` is the state of what they rest on."""
        added = list(events)
        if access.head is None and added:
            added.insert(0, StreamOpened(at=added[0].at, actor=added[0].actor, name=place.name))
        after = before.after(*added)
        if added:
            self.append_to(access, after, added)
        return after

    def correct_clock(self, reason: str, actor: str) -> tuple[CorrectedStream, ...]:
        """Record in each stream with events in the future that the clock was wrong.

        Returns these streams. Raises UsageError if there are none.
        """
        now, corrected = self._clock.now(), []
        event = ClockCorrected(at=now, actor=actor, reason=reason)
        heads = [head for head in self.registry.heads() if head.latest > now + TOLERANCE]
        with self.registry.writing_all([head.stream for head in heads]) as streams:
            for access in streams:
                if access.head is not None and access.head.latest > now + TOLERANCE:
                    before = needed_by(access, [event])
                    after = before.after(event)
                    dropped, undone = dropped_by(before, after), undone_by(before, after)
                    corrected.append(CorrectedStream(access.head, dropped, undone))
                    self.append_to(access, after, [event])
        if not corrected:
            StreamState().after(event)
        return tuple(corrected)

    def append_to(self, access: StreamAccess, after: StreamState, events: list[Event]) -> None:
        """Add events within a transaction; ``after`` is the state after them.

        Raises UsageError if it is not clear whose one of them is (``require_identity``).
        """
        owners = access.beside(OWNER) if any(map(key_of, events)) else None
        identities = identities_of(owners) if owners else NO_IDENTITIES
        for event in events:
            require_identity(event, identities, has_accounts=self._has_accounts)
        access.append(*events, now=self._clock.now())
        access.put(rows_after(after, events))

    def identities(self) -> Identities:
        """The identities of people that the body registered, by key."""
        with self.registry.reading(OWNER) as access:
            return identities_of(access)

    def _clock_notes(self, stream: str) -> ClockNotes:
        with self.registry.reading(stream) as access:
            backward, corrections = access.rows(BACKWARD), access.rows(CLOCK_CORRECTION)
        return ClockNotes(
            tuple(read_row(row, BACKWARD_EVENTS) for row in backward),
            tuple(read_row(row, CLOCK_CORRECTIONS) for row in corrections),
        )

    def place_named(self, supplier: str) -> Place:
        """The stream of a supplier; that of a service without one, if only it has the name.

        It may be a stream that is not opened yet. Raises UsageError for a name that is none.
        """
        held = {head.stream: head.name for head in self.registry.heads()}
        titled = [stream for stream, name in held.items() if same_name(name) == same_name(supplier)]
        for stream in (stream_of(supplier), stream_of("", supplier), *titled):
            if stream in held:
                return Place(stream, held[stream])
        return place_of(supplier)

    def stream_named(self, supplier: str) -> str:
        """The stream of that name. Raises UsageError if there is none; it names no other."""
        place = self.place_named(supplier)
        with self.registry.reading(place.stream) as access:
            if access.head is None:
                msg = f"{self.registry.where}: holds nothing of {supplier!r}; check the name"
                raise UsageError(msg)
        return place.stream

    def stream_about(self, kind: str, name: str, supplier: str = "") -> str:
        """The stream with that plan or decision. Raises UsageError if none or several have it."""
        only = self.stream_named(supplier) if supplier else ""
        found = self.registry.streams_about(name, FIRST_EVENTS[kind])
        streams = [stream for stream in found if only in ("", stream)]
        if not streams:
            rows = self.registry.rows(kind, **({"stream": only} if only else {}))
            left = [row for row in rows if row[1].state != ENDED_PLAN] or rows
            of = f" of {supplier}" if supplier and kind == PLAN else ""
            msg = f"no {kind} {name!r}{of}; {known(dict.fromkeys(row.id for _, row in left))}"
            raise UsageError(msg)
        if len(streams) > 1:
            heads = {head.stream: head.name for head in self.registry.heads()}
            names = known(heads.get(stream, stream) for stream in streams)
            msg = f"several suppliers have a {kind} {name}; say which by --supplier; {names}"
            raise UsageError(msg)
        return streams[0]


def identities_of(owners: StreamAccess) -> Identities:
    """The identities that the body registered, from the stream of the scheme's owner."""
    found = owners.found(kind=["record-added", "record-closed"])
    return identities_in(event for _, event in found)


@contextmanager
def open_session(
    where: Path | str,
    *,
    create: bool = False,
    clock: Clock | None = None,
    has_accounts: bool = False,
) -> Iterator[RegistrySession]:
    """Open the registry at a path or database URL. Raises UsageError if there is none."""
    from harness.store.registry.opening import open_registry  # noqa: PLC0415 - sqlalchemy is heavy

    with open_registry(where, create=create) as registry:
        yield RegistrySession(registry, clock or WallClock(), has_accounts=has_accounts)


def current_user() -> str:
    """The name of the current user, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
