"""``accredit monitor alarms``, ``acknowledge`` and ``retest``: what becomes of alarms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import SCHEME, begun_at, conclude_journal
from harness.cli.drawing import terminal
from harness.cli.event_basis import alarms_in, needed_by
from harness.cli.paths import OUT, REGISTRY_OPTION, CampaignPaths, chosen_registry
from harness.cli.printing import say, say_data
from harness.cli.registry_facts import campaign_events, escalate_plans, open_plans, session_if_any
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.cli.run import measure_and_conclude
from harness.errors import UsageError, first_of
from harness.follow.alarm_retest import retest_of
from harness.follow.derived_rows import ALARM, ALARMS, read_row
from harness.model.alarm import Alarm, AlarmRetest, AlarmState
from harness.model.conformity import Conformity
from harness.model.decision_event import DecisionMade
from harness.model.outcome import Assessment
from harness.model.stream import same_name
from harness.model.surveillance_event import AlarmAcknowledged, AlarmRetested
from harness.ports.storage import Clock, WallClock

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
    return f"re-test at fixed size, {due}: accredit monitor retest {alarm.id} CAMPAIGN"


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
        with session.registry.writing(stream) as access:
            held = alarms_in(access)[alarm]
            event = AlarmAcknowledged(
                at=clock.now(),
                actor=by or current_user(),
                service=held.raised.service,
                alarm=alarm,
                note=note,
            )
            after = needed_by(access, [event]).after(event)
            session.append_to(access, after, [event])
    say(*alarm_lines(after.alarms[alarm], clock.now()))


def retest_command(
    alarm: ALARM_ID,
    campaign: Annotated[
        Path,
        typer.Argument(help="A campaign file of fixed size, or the results of such a campaign."),
    ],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    scheme: SCHEME = None,
    by: BY = "",
    supplier: SUPPLIER = "",
) -> None:
    """Re-test an alarm by a campaign of fixed size, which confirms it or not.

    Exit 0: it was not confirmed. Exit 1: it was confirmed; action plans are opened as after
    'accredit run'. Exit 3: the evidence is insufficient, and the alarm stays open.
    """
    registry = CampaignPaths(out=out, campaign="").registry
    with open_session(registry, clock=clock) as session:
        stream = session.stream_about(ALARM, alarm, supplier)
        held = _alarm_in(session, stream, alarm)
    if held.is_ended:
        msg = f"alarm {alarm} is {held.state} already; there is nothing to re-test"
        raise UsageError(msg)
    if campaign.is_dir():
        assessment, paths = conclude_journal(campaign, scheme, clock)
    else:
        assessment, paths = measure_and_conclude(campaign, out, scheme, clock=clock)
    _require_service(held, assessment, campaign)
    retest = retest_of(held, assessment, begun_at(paths), _tried(paths))
    with open_session(registry, clock=clock) as session:
        _require_scheme(session, stream, held, retest)
        after = _record(session, stream, held, retest, assessment, by or current_user())
    console = terminal(to_stderr=True)
    for plan in open_plans(assessment, paths, clock):
        console.print(f"plan {plan.id} opened for {plan.finding}, due {plan.due:%Y-%m-%d}")
    for notice in escalate_plans(assessment, paths, clock):
        console.print(f"escalated: {notice}", markup=False)
    say(*alarm_lines(after, clock.now()))
    raise typer.Exit(EXIT_CODES.get(retest.conformity, 3))


def _alarm_in(session: RegistrySession, stream: str, alarm: str) -> Alarm:
    with session.registry.reading(stream) as access:
        return alarms_in(access)[alarm]


def _require_service(alarm: Alarm, assessment: Assessment, campaign: Path) -> None:
    if same_name(assessment.service) != same_name(alarm.raised.service):
        msg = (
            f"{campaign}: measured service {assessment.service!r}, and alarm {alarm.id} is about "
            f"{alarm.raised.service!r}"
        )
        raise UsageError(msg)


def _require_scheme(
    session: RegistrySession, stream: str, alarm: Alarm, retest: AlarmRetest
) -> None:
    """Raise UsageError if a service is accredited, and by other schemes than that of a re-test.

    A confirmed alarm suspends what was decided by the same scheme.
    """
    with session.registry.reading(stream) as access:
        decisions = [event for _, event in access.found(kind=["decision-made"])]
    name = same_name(alarm.raised.service)
    schemes = {
        event.decision.scheme
        for event in decisions
        if isinstance(event, DecisionMade) and same_name(event.decision.service) == name
    }
    if schemes and retest.scheme not in schemes:
        msg = (
            f"alarm {alarm.id}: {alarm.raised.service} was decided on by "
            f"{first_of(sorted(schemes), SHOWN)}, not by {retest.scheme}; give that scheme "
            "(--scheme), so that the re-test counts for the accreditation"
        )
        raise UsageError(msg)


def _tried(paths: CampaignPaths) -> frozenset[str]:
    """The ids of the items that a campaign tried."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy

    with closing(open_journal(paths.journal)) as journal:
        return frozenset(one.item.id for one in journal.observations() if one.role == "item")


def _record(
    session: RegistrySession,
    stream: str,
    alarm: Alarm,
    retest: AlarmRetest,
    assessment: Assessment,
    actor: str,
) -> Alarm:
    at = clock.now()
    event = AlarmRetested(
        at=at, actor=actor, service=alarm.raised.service, alarm=alarm.id, retest=retest
    )
    with session.registry.writing(stream) as access:
        events = [*campaign_events(assessment, access, at, actor), event]
        after = needed_by(access, events).after(*events)
        session.append_to(access, after, events)
    return after.alarms[alarm.id]
