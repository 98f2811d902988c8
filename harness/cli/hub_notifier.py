"""Tell people what happened at a hub: read new events, keep notifications, and send them.

What happened before the first start is not told. A notification is kept in the same transaction
as how far its stream was read, so that none is lost and none is kept twice; one may be sent twice
if the process ends between sending and noting that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from harness.cli.hub_conditions import Condition, ScheduleKey, of_agents, of_plans, of_schedules
from harness.cli.hub_file import HubFile
from harness.cli.hub_registry import FleetRegistry
from harness.cli.hub_standing import views_of
from harness.cli.registry_session import RegistrySession
from harness.cli.stream_states import StreamStates
from harness.errors import HarnessError
from harness.follow.event_notifications import event_notifications, findings_named
from harness.model.event import Event, FindingOpened, PlanDrafted, PlanEvent
from harness.model.notification import Notification
from harness.model.stream import OWNER, StreamHead
from harness.ports.storage import Clock
from harness.store.hub.outbox import Delivery, Entry, Lasting, Outbox

if TYPE_CHECKING:
    from harness.cli.hub_notify_file import NotifyTarget
    from harness.store.registry.streams import StreamAccess

MOST_EVENTS = 500
"""How many events are read at a time."""

CONDITIONS_EVERY = timedelta(minutes=5)
KEPT = timedelta(days=90)
"""How long ended deliveries are kept."""


class Sender(Protocol):
    """Sends messages to one target."""

    def __call__(self, told: tuple[Notification, ...], now: datetime) -> str:
        """Send notifications as one message; return why it was not taken, empty if it was."""


class Notified(NamedTuple):
    """How many notifications were kept, sent, and not taken."""

    kept: int = 0
    sent: int = 0
    failed: int = 0


class Notifier:
    """Tells the targets of a hub; ``once`` does what is due now, and is for one thread.

    ``senders`` has one for each target of the hub's file, by its name; ``tell`` is told what the
    owner has to mend.
    """

    def __init__(
        self,
        hub: HubFile,
        session: RegistrySession,
        states: StreamStates,
        clock: Clock,
        senders: Mapping[str, Sender],
        tell: Callable[[str], None],
    ) -> None:
        self._hub = hub
        self._session = session
        self._registry = session.registry
        self._outbox = Outbox(session.registry)
        self._fleet = FleetRegistry(session, clock)
        self._clock = clock
        self._senders = senders
        self._tell = tell
        self._looked: datetime | None = None
        self._states = states

    def once(self) -> Notified:
        """Read what is new, and send what is due. Raises InstrumentError."""
        now = self._clock.now()
        positions = self._outbox.notified()
        heads = [head for head in self._registry.heads() if head.stream != OWNER]
        kept = sum(self._read(head, positions.get(head.stream), now) for head in heads)
        if self._looked is None or now - self._looked >= CONDITIONS_EVERY:
            kept += self._look(heads, now)
            self._looked = now
        sent, failed = self._send(now)
        return Notified(kept, sent, failed)

    def _read(self, head: StreamHead, position: int | None, now: datetime) -> int:
        """Keep the notifications of the new events of a stream; return their number."""
        if position is None:  # what happened before is not told
            self._outbox.note(head.stream, head.events)
            return 0
        kept = 0
        while position < head.events:
            with self._registry.reading(head.stream) as access:
                found = access.after(position, MOST_EVENTS)
                services = _services(access, [event for _, event in found])
            told = [
                each
                for place, event in found
                for each in event_notifications(head, place, event, services)
            ]
            position = found[-1][0]
            kept += self._outbox.note(head.stream, position, self._entries(told, now))
        return kept

    def _look(self, heads: Iterable[StreamHead], now: datetime) -> int:
        """Keep notifications of what began to last, and of what has ended."""
        found = {each.key: each for each in self._conditions(heads, now)}
        held = self._outbox.lasting()
        # What begins in a maintenance window is told after it, if it lasts so long.
        begun = [
            each
            for key, each in found.items()
            if key not in held and not self._held_back(each.begins, now)
        ]
        ended = [each for key, each in held.items() if key not in found]
        told = [each.begins for each in begun]
        told += [msgspec.structs.replace(each.ends, at=now) for each in ended if each.ends]
        kept = self._outbox.change(
            self._entries(told, now),
            [Lasting(each.key, now, each.ends) for each in begun],
            [each.key for each in ended],
        )
        self._outbox.forget_ended(now - KEPT)
        return kept

    def _conditions(self, heads: Iterable[StreamHead], now: datetime) -> Iterator[Condition]:
        yield from of_agents(views_of(self._session, self._fleet, now), now)
        measured = {ScheduleKey(*key): at for key, at in self._outbox.last_measured().items()}
        try:
            yield from of_schedules(self._hub.read_monitoring(), measured, now)
        except HarnessError as error:
            self._tell(f"schedules are not watched: {error}")
        for head in heads:
            due = self._states.due([head], now)
            yield from of_plans(head.stream, head.name, due, now)

    def _entries(self, told: Iterable[Notification], now: datetime) -> list[Entry]:
        """What is kept of notifications, for each target that takes one."""
        return [
            Entry(target.name, each, next_message(target, now), self._held_back(each, now))
            for each in told
            for target in self._hub.notify.targets
            if target.takes(each)
        ]

    def _held_back(self, told: Notification, now: datetime) -> str:
        """Why a maintenance window keeps a notification back; empty if none does."""
        windows = self._hub.notify.maintenance
        found = next((each for each in windows if each.holds_back(told, now)), None)
        return f"maintenance: {found.why}" if found else ""

    def _send(self, now: datetime) -> tuple[int, int]:
        """Send what is due; return how many were taken and how many were not."""
        digests = {each.name: each.digest != "none" for each in self._hub.notify.targets}
        sent = failed = 0
        by_target = sorted(self._outbox.due(now), key=lambda each: each.target)
        for name, group in groupby(by_target, key=lambda each: each.target):
            waiting = list(group)
            together = [waiting] if digests.get(name) else [[each] for each in waiting]
            for batch in together:
                if why := self._why_not_taken(name, batch, now):
                    failed += len(batch)
                    self._note_failed(batch, now, why)
                else:
                    sent += len(batch)
                    self._outbox.took(batch, now)
        return sent, failed

    def _why_not_taken(self, name: str, batch: list[Delivery], now: datetime) -> str:
        sender = self._senders.get(name)
        if sender is None:
            return "there is no such target any more"
        return sender(tuple(each.notification for each in batch), now)

    def _note_failed(self, batch: list[Delivery], now: datetime, why: str) -> None:
        first = batch[0]
        if first.tries == 0:
            self._tell(f"the target {first.target} did not take a notification: {why}")
        for each in self._outbox.failed(batch, now, why):
            title = each.notification.title
            self._tell(f"given up: the target {each.target} never took: {title}")


def next_message(target: NotifyTarget, now: datetime) -> datetime:
    """When a target is told of what happens now: at once, or in its next digest."""
    if target.digest == "none":
        return now
    hour, minute = map(int, target.at.split(":"))
    first = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    days = range(8) if target.digest == "daily" else (-now.weekday() % 7, 7 - now.weekday())
    return min(at for each in days if (at := first + timedelta(days=each)) > now)


def _services(access: StreamAccess, events: list[Event]) -> dict[str, str]:
    """The services of the plans that events are about, by the ids of the plans."""
    plans = sorted({event.plan for event in events if isinstance(event, PlanEvent)})
    drafted = [each for _, each in access.found(about=plans) if isinstance(each, PlanDrafted)]
    opened = [
        each
        for _, each in access.found(about=sorted({each.finding for each in drafted}))
        if isinstance(each, FindingOpened)
    ]
    return findings_named(drafted, opened)
