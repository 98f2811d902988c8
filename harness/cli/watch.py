"""``accredit watch``: poll timed events until the service has followed them, and record the polls.

The events are in a file; what no file can know beforehand (a rule that somebody changed, an appeal
that was made) is told with ``--happened``. The polls are a part of the campaign's journal.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.campaign.events_file import TimedEvent, read_events
from harness.cli.given_times import aware_time
from harness.cli.measure import prepare_in, record_of, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.sending import measuring
from harness.errors import UsageError, known
from harness.judge.composite_measurements import judge_maker
from harness.measure.event_loop import new_loop
from harness.measure.measurement_context import MeasurementContext
from harness.measure.polling import EarlierPolls, poll_events, require_probes
from harness.model.batch import ways
from harness.model.origin_zone import is_in
from harness.model.timed_event import EventNote, Poll
from harness.ports.network import can_measure
from harness.ports.storage import Clock, Journal, WallClock

if TYPE_CHECKING:
    from harness.estimate.waits import Wait

Sleep = Callable[[float], Awaitable[None]]
EVERY = 300.0
"""Seconds between two polls."""
MONTH = 31 * 86_400.0
"""The most seconds between two polls."""
UNFINISHED = 3
SHOWN = 10
"""How many events that were not followed are named."""
Place = tuple[str, str]
"""A line and a profile."""


def watch_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    events: Annotated[Path, typer.Option(help="The file of events.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    every: Annotated[
        float, typer.Option(min=0, max=MONTH, help="Seconds between two polls.")
    ] = EVERY,
    polls: Annotated[
        int | None, typer.Option(min=1, help="End after so many polls; default: when all is seen.")
    ] = None,
    happened: Annotated[
        list[str] | None,
        typer.Option(help="ID: this event has just happened; or ID=TIME (2026-11-24T12:00:00Z)."),
    ] = None,
) -> None:
    """Poll events, such as a page whose content changes, until the service follows them.

    Exit 0 if it has followed all of them, 3 if not yet.
    """
    declared = read_events(events)
    prepared = prepare_in(campaign, out)
    require_probes([each.item for each in declared], prepared.campaign, prepared.probes)
    clock = WallClock()
    told = _told(happened or [], declared, clock.now())
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    with resumable(paths.journal):
        is_followed = watch(prepared, declared, told, paths, every=every, polls=polls)
    if not is_followed:
        raise typer.Exit(UNFINISHED)


def watch(
    prepared: Prepared,
    events: Sequence[TimedEvent],
    told: Mapping[str, datetime],
    paths: CampaignPaths,
    *,
    every: float = EVERY,
    polls: int | None = None,
    clock: Clock | None = None,
    sleep: Sleep = asyncio.sleep,
) -> bool:
    """Poll the events; return whether the service has followed all, wherever a probe sees them.

    ``told`` is when events happened, as a person says. There are ``every`` seconds between two
    polls. Raises UsageError if the journal knows another time.
    """
    with measuring(prepared, paths, clock) as (context, journal):
        earlier = EarlierPolls.of(journal.sentinels())
        notes = {
            each.id: each.note(_time(each, told, earlier), is_plain=_is_plain(each, prepared))
            for each in events
        }
        journal.record_instrument(record_of(prepared, context.clock))
        places = {each.id: _places_seen(each, prepared) for each in events}
        run = _Watch(prepared, events, notes, context, journal, earlier.rounds, places)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(run.until_followed(lambda: sleep(every), polls))


@dataclass(frozen=True, slots=True)
class _Watch:
    """Polls of one run of the command, after ``earlier`` ones.

    ``places`` are those where a probe of the campaign sees an event, by its id.
    """

    prepared: Prepared
    events: Sequence[TimedEvent]
    notes: Mapping[str, EventNote]
    context: MeasurementContext
    journal: Journal
    earlier: int
    places: Mapping[str, frozenset[Place]]

    async def until_followed(self, pause: Callable[[], Awaitable[None]], polls: int | None) -> bool:
        """Poll until the service has followed all events, or ``polls`` times."""
        items = [each.item for each in self.events]
        number = self.earlier
        async with AsyncExitStack() as stack:
            await self.context.open(stack)
            while True:
                number += 1
                await poll_events(
                    self.prepared.campaign, items, self.notes, self.context, self.journal, number
                )
                left = self._left()
                say(f"poll {number}: {self._in_words(left)}")
                if not left or number - self.earlier == polls:
                    for event, reason in sorted(left.items())[:SHOWN]:
                        say(f"  {event}: {reason}")
                    return not left
                await pause()

    def _left(self) -> dict[str, str]:
        """Why events are not yet known to be followed where a probe sees them, by their ids."""
        from harness.estimate.waits import waits_by_event  # noqa: PLC0415 - keep the start light

        by_place: defaultdict[Place, list[Poll]] = defaultdict(list)
        for poll in judge_maker(self.journal)().polls:
            if poll.event in self.notes:
                by_place[poll.line, poll.profile].append(poll)
        waits = {place: waits_by_event(polls) for place, polls in by_place.items()}
        left: dict[str, str] = {}
        for each in self.events:
            if not self.places[each.id]:
                left[each.id] = "not polled: no probe sees it"
            for line, profile in sorted(self.places[each.id]):
                reason = _reason_left(waits.get((line, profile), {}).get(each.id))
                if reason:
                    left.setdefault(each.id, f"{reason} ({line}, {profile})")
        return left

    def _in_words(self, left: Mapping[str, str]) -> str:
        """How many events the service has followed, and on which lines no probe sees some."""
        number = len(self.events)
        words = f"{number - len(left)} of {number} events followed"
        if left:
            return words
        campaign = self.prepared.campaign
        places = {(line.name, profile) for line in campaign.lines for profile in campaign.profiles}
        unseen = {line for seen in self.places.values() for line, _ in places - seen}
        if not unseen:
            return f"{words}, in all places"
        lines = ", ".join(sorted(unseen))
        return f"{words}, wherever a probe sees them; on these lines some cannot be seen: {lines}"


def _is_plain(event: TimedEvent, prepared: Prepared) -> bool:
    """Whether an event's place is outside the canary zones, so that nothing says that it is ours.

    Only of canaries it is noted.
    """
    zones = prepared.origin.zone_names if prepared.origin is not None else ()
    return event.kind == "canary" and not any(is_in(event.item.host, zone) for zone in zones)


def _places_seen(event: TimedEvent, prepared: Prepared) -> frozenset[Place]:
    """The places where a probe of the campaign sees an event."""
    return frozenset(
        (line, way.profile)
        for way in ways(prepared.campaign)
        if can_measure(prepared.probes[way.probe], event.item)
        for line in way.lines
    )


def _reason_left(wait: Wait | str | None) -> str:
    """Why an event is not known to be followed; empty if it is."""
    if wait is None:
        return "not polled"
    if isinstance(wait, str):
        return wait
    return "not followed yet" if wait.at_most is None else ""


def _told(words: Iterable[str], events: Sequence[TimedEvent], now: datetime) -> dict[str, datetime]:
    """Return when events happened, as ``--happened`` says. Raises UsageError."""
    by_id = {each.id: each for each in events}
    told: dict[str, datetime] = {}
    for word in words:
        name, _, time = word.partition("=")
        if name not in by_id:
            msg = f"--happened {word}: no event {name!r}; {known(by_id)}"
            raise UsageError(msg)
        if by_id[name].when is not None:
            msg = f"--happened {word}: the file of events says when {name!r} happens"
            raise UsageError(msg)
        told[name] = aware_time(time, f"--happened {name}=") if time else now
        if told[name] > now:
            msg = (
                f"--happened {word}: this time is in the future; "
                "is the clock of this machine right?"
            )
            raise UsageError(msg)
    return told


def _time(
    event: TimedEvent, told: Mapping[str, datetime], earlier: EarlierPolls
) -> datetime | None:
    """Return when an event happened: as told now, or in earlier polls. Raises UsageError."""
    before = earlier.happened.get(event.id)
    now = event.when or told.get(event.id)
    if before is not None and now is not None and before != now:
        msg = (
            f"event {event.id!r} was polled as happening at {before.isoformat()}, and now it would "
            f"be {now.isoformat()}; give the new event another id"
        )
        raise UsageError(msg)
    return now or before
