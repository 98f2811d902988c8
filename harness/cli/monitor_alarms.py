"""``accredit monitor alarms``, ``acknowledge`` and ``retest``: what becomes of alarms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.event_basis import alarms_in, needed_by
from harness.cli.paths import REGISTRY_OPTION, chosen_registry
from harness.cli.printing import say, say_data
from harness.cli.registry_facts import session_if_any
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError, first_of, known
from harness.follow.derived_rows import ALARM, ALARMS, read_row
from harness.model.alarm import FIRST_TRIES, Alarm, AlarmState
from harness.model.conformity import Conformity
from harness.model.surveillance_event import AlarmAcknowledged
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.estimate.alarm_times import RetestSizes

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

SHOWN = 5
"""How many names a line shows."""

EXIT_CODES = {Conformity.CONFORMS: 0, Conformity.DOES_NOT_CONFORM: 1}

ALARM_ID = Annotated[str, typer.Argument(metavar="ALARM", help="The alarm's id, such as A-0001.")]
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
SUPPLIER = Annotated[str, typer.Option(help="The supplier, if several have an alarm of this id.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def alarms_command(
    registry: REGISTRY_OPTION = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Include alarms that have ended.")] = False,
    json: JSON = False,
) -> None:
    """List the alarms that wait for a re-test, the one that is due first."""
    held: list[tuple[str, Alarm]] = []
    with session_if_any(chosen_registry(registry), clock) as session:
        if session is not None:
            names = {head.stream: head.name for head in session.registry.heads()}
            rows = session.registry.rows(ALARM)
            held = [(names.get(stream, stream), read_row(row, ALARMS)) for stream, row in rows]
    shown = [each for each in held if every or not each[1].is_ended]
    shown.sort(key=lambda each: (each[1].is_ended, each[1].raised.retest_by, each[0]))
    if json:
        say_data([{"supplier": supplier, "alarm": alarm} for supplier, alarm in shown])
        return
    for supplier, alarm in shown:
        say(f"{supplier}, {alarm.raised.service}", *alarm_lines(alarm, clock.now()))
    if not shown:
        say("no alarms" if every else "no alarm waits for a re-test")


def alarm_lines(alarm: Alarm, now: datetime) -> Iterator[str]:
    """An alarm in words: what was seen, what it is not, where it stands, and what comes next."""
    raised = alarm.raised
    where = f"{raised.requirement}, profile {raised.profile}"
    at = f"{alarm.at:%Y-%m-%d %H:%M} UTC"
    yield f"{alarm.id}: {where}: {alarm.state} ({raised.rule}), raised {at}"
    yield f"  seen: {raised.statement}"
    yield f"  sites: {first_of(raised.sites, SHOWN)} ({len(raised.sites)} of {raised.of_sites})"
    if raised.items:
        yield f"  missed items: {first_of(raised.items, SHOWN)}"
    for each in raised.ruled_out:
        yield f"  not: {each}"
    if alarm.acknowledged_by:
        yield f"  acknowledged by {alarm.acknowledged_by}: {alarm.note}"
    for retest in alarm.retests:
        yield f"  re-test {retest.campaign}: {retest.conformity}: {retest.statement}"
    yield f"  next: {next_step(alarm, now)}"


def next_step(alarm: Alarm, now: datetime) -> str:
    """What is to be done about an alarm, and by when."""
    if alarm.state is AlarmState.NOT_CONFIRMED:
        return "nothing"
    if alarm.state is AlarmState.CONFIRMED:
        return "decide on suspension (accredit decision propose), and follow the action plan"
    by = f"{alarm.raised.retest_by:%Y-%m-%d}"
    due = f"overdue since {by}" if alarm.is_overdue(now) else f"by {by}"
    size = "at fixed size"
    if sizes := sizes_of(alarm):
        number = sizes.deciding if alarm.needs_deciding else sizes.first
        decides = ", which decide it" if alarm.needs_deciding else ""
        size = f"with at least {number} independent items of each part at each site{decides}"
    return f"re-test {size}, {due}: accredit monitor retest {alarm.id} CAMPAIGN"


def sizes_of(alarm: Alarm) -> RetestSizes | None:
    """The sizes with which re-tests decide an alarm; ``None`` if it is about no rate of items."""
    from harness.estimate.alarm_times import retest_sizes  # noqa: PLC0415 - keep the start light

    most = alarm.raised.most_missed
    return None if most is None else retest_sizes(most, max(FIRST_TRIES, len(alarm.retests)) + 1)


def acknowledge_command(
    alarm: ALARM_ID,
    note: Annotated[str, typer.Option(help="What is done about it.")],
    by: BY = "",
    supplier: SUPPLIER = "",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Record that somebody has seen an alarm. It still waits for its re-test."""
    with open_session(chosen_registry(registry), clock=clock) as session:
        stream = session.stream_about(ALARM, alarm, supplier)
        after = acknowledge(session, stream, alarm, note, clock.now(), by or current_user())
    say(*alarm_lines(after, clock.now()))


def acknowledge(
    session: RegistrySession, stream: str, alarm: str, note: str, at: datetime, actor: str
) -> Alarm:
    """Record that somebody has seen an alarm of a stream; return the alarm.

    Raises UsageError if there is none, or if it was acknowledged or decided.
    """
    with session.registry.writing(stream) as access:
        alarms = alarms_in(access)
        if alarm not in alarms:
            msg = f"no alarm {alarm!r}; {known(alarms)}"
            raise UsageError(msg)
        event = AlarmAcknowledged(
            at=at, actor=actor, service=alarms[alarm].raised.service, alarm=alarm, note=note
        )
        after = needed_by(access, [event]).after(event)
        session.append_to(access, after, [event])
    return after.alarms[alarm]
