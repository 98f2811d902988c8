"""``accredit monitor retest``: a campaign of fixed size decides whether an alarm is confirmed."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from harness.campaign.assemble import read_campaign
from harness.cli.campaign_meeting import ALLOW_CHANGE
from harness.cli.compose import load_and_warn
from harness.cli.conclude import SCHEME, assessed_at, begun_at, conclude_journal
from harness.cli.drawing import terminal
from harness.cli.event_basis import alarms_in, needed_by
from harness.cli.monitor_alarms import ALARM_ID, BY, SUPPLIER, alarm_lines, sizes_of
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.registry_facts import campaign_events, escalate_plans, open_plans
from harness.cli.registry_session import RegistrySession, current_user, open_session, place_of_any
from harness.cli.run import measure_and_conclude
from harness.errors import UsageError, first_of
from harness.follow.alarm_retest import require_fixed_size, retest_of
from harness.follow.derived_rows import ALARM
from harness.model.alarm import Alarm, AlarmRetest
from harness.model.conformity import Conformity
from harness.model.content_identity import LINE, PROFILE
from harness.model.decision_event import DecisionMade
from harness.model.outcome import Assessment
from harness.model.stream import same_name
from harness.model.surveillance_event import AlarmRetested, SurveillanceRun
from harness.ports.storage import Clock, WallClock

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

SHOWN = 5
"""How many names a message shows."""

EXIT_CODES = {Conformity.CONFORMS: 0, Conformity.DOES_NOT_CONFORM: 1}


class HeldAlarm(NamedTuple):
    """An alarm, its stream, the schemes by which its service was decided on, and all runs."""

    alarm: Alarm
    stream: str
    schemes: frozenset[str]
    runs: tuple[SurveillanceRun, ...] = ()


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
    allow_change: ALLOW_CHANGE = "",
) -> None:
    """Re-test an alarm by a campaign of fixed size, which confirms it or not.

    Exit 0: it was not confirmed. Exit 1: it was confirmed; action plans are opened as after
    'accredit run'. Exit 3: the evidence is insufficient, and the alarm stays open.
    """
    done = retest_alarm(
        alarm,
        campaign,
        out,
        clock,
        scheme=scheme,
        actor=by or current_user(),
        supplier=supplier,
        allow_change=allow_change,
    )
    console = terminal(to_stderr=True)
    for plan in open_plans(done.assessment, done.paths, clock):
        console.print(f"plan {plan.id} opened for {plan.finding}, due {plan.due:%Y-%m-%d}")
    for notice in escalate_plans(done.assessment, done.paths, clock):
        console.print(f"escalated: {notice}", markup=False)
    say(*alarm_lines(done.alarm, clock.now()))
    raise typer.Exit(EXIT_CODES.get(done.alarm.retests[-1].conformity, 3))


class Tried(NamedTuple):
    """The ids of the items that a campaign tried, and whether these are all of its packs."""

    items: frozenset[str]
    has_all: bool


class RetestedAlarm(NamedTuple):
    """An alarm after a re-test, whose assessment and paths these are."""

    alarm: Alarm
    assessment: Assessment
    paths: CampaignPaths


def retest_alarm(
    alarm: str,
    campaign: Path,
    out: Path,
    clock: Clock,
    *,
    scheme: str | None = None,
    actor: str,
    supplier: str = "",
    allow_change: str = "",
) -> RetestedAlarm:
    """Re-test an alarm by a campaign file, which is measured, or by results; record what it shows.

    ``allow_change`` is the reason why the actor allows that lines or profiles differ from those of
    the runs that raised it. Raises UsageError if the campaign cannot decide the alarm.
    """
    registry = CampaignPaths(out=out, campaign="").registry
    with open_session(registry, clock=clock) as session:
        held = _held(session, alarm, supplier)
    if campaign.is_dir():
        assessment, paths = conclude_journal(campaign, scheme, clock)
        _require_same(held, assessment.service, assessment.supplier, campaign)
    else:
        _require_possible(held, campaign, scheme, clock)
        assessment, paths = measure_and_conclude(campaign, out, scheme, clock=clock)
    _require_scheme(held, assessment.scheme)
    is_decided_by = assessment.scheme in held.schemes
    differs = _differences(held, assessment)
    sizes, tried = sizes_of(held.alarm), _tried(paths)
    retest = retest_of(
        held.alarm,
        assessed_at(paths, scheme, held.alarm.next_level, clock),
        begun_at(paths),
        tried.items,
        is_decided_by=is_decided_by,
        differs=() if allow_change else differs,
        deciding=sizes.deciding if sizes else 0,
        has_all=tried.has_all,
    )
    if differs and allow_change:
        said = f"{actor} allowed a change: {'; '.join(differs)}: {allow_change}"
        retest = msgspec.structs.replace(retest, statement=f"{retest.statement}; {said}")
    with open_session(registry, clock=clock) as session:
        after = _record(session, held, retest, assessment, actor, clock.now())
    return RetestedAlarm(after, assessment, paths)


def _differences(held: HeldAlarm, assessment: Assessment) -> tuple[str, ...]:
    """How the lines and profiles of a campaign differ from those of the runs that raised an alarm.

    A line may have another name, but has to be among them. Its scheme and packs may be others: a
    campaign of fixed size tries more.
    """
    runs, own = frozenset(held.alarm.raised.runs), dict(assessment.measured_with)
    lines = {value for part, value in own.items() if part.startswith(LINE)}
    found: dict[str, None] = {}
    for run in held.runs:
        if run.campaign not in runs or not own:
            continue
        for part, value in run.measured_with:
            if part.startswith(LINE) and value not in lines:
                found[f"{part} of run {run.campaign} was not measured, or differs"] = None
            elif part.startswith(PROFILE) and own.get(part, value) != value:
                found[f"{part} differs from that of run {run.campaign}"] = None
    return tuple(found)


def _held(session: RegistrySession, name: str, supplier: str) -> HeldAlarm:
    """The alarm of that id. Raises UsageError if there is none, or if it has ended."""
    stream = session.stream_about(ALARM, name, supplier)
    with session.registry.reading(stream) as access:
        alarm = alarms_in(access)[name]
        decisions = [event for _, event in access.found(kind=["decision-made"])]
        runs = [event for _, event in access.found(kind=["surveillance-run"])]
    if alarm.is_ended:
        msg = f"alarm {name} is {alarm.state} already; there is nothing to re-test"
        raise UsageError(msg)
    service = same_name(alarm.raised.service)
    schemes = frozenset(
        event.decision.scheme
        for event in decisions
        if isinstance(event, DecisionMade) and same_name(event.decision.service) == service
    )
    raised = tuple(event for event in runs if isinstance(event, SurveillanceRun))
    return HeldAlarm(alarm, stream, schemes, raised)


def _require_possible(held: HeldAlarm, path: Path, scheme: str | None, clock: Clock) -> None:
    """Raise UsageError if a campaign file cannot decide an alarm, before it is measured."""
    declared = read_campaign(path)[0]
    _require_same(held, declared.service.name, declared.service.supplier, path)
    beside = path.parent / declared.scheme
    own = str(beside) if beside.is_file() else declared.scheme
    loaded = load_and_warn(scheme or own, clock)
    _require_scheme(held, loaded.id)
    rows = [row for row in loaded.requirements if row.id == held.alarm.raised.requirement]
    where = f"alarm {held.alarm.id}: {path} by scheme {loaded.id}"
    require_fixed_size(held.alarm, rows, where, is_stopped=declared.stopping is not None)


def _require_same(held: HeldAlarm, service: str, supplier: str, where: Path) -> None:
    """Raise UsageError unless the service of the alarm was measured, of the same supplier."""
    alarm = held.alarm
    if same_name(service) != same_name(alarm.raised.service):
        msg = (
            f"{where}: measures service {service!r}, and alarm {alarm.id} is about "
            f"{alarm.raised.service!r}"
        )
        raise UsageError(msg)
    if place_of_any(supplier, service).stream != held.stream:
        msg = (
            f"{where}: measures {service!r} of supplier {supplier!r}, and alarm {alarm.id} is "
            "about that of another supplier; correct 'supplier' there"
        )
        raise UsageError(msg)


def _require_scheme(held: HeldAlarm, scheme: str) -> None:
    """Raise UsageError if a service was decided on, and by other schemes than that of a re-test.

    A confirmed alarm suspends what was decided by the same scheme.
    """
    if held.schemes and scheme not in held.schemes:
        msg = (
            f"alarm {held.alarm.id}: {held.alarm.raised.service} was decided on by "
            f"{first_of(sorted(held.schemes), SHOWN)}, not by {scheme}; give that scheme "
            "(--scheme), so that the re-test counts for the accreditation"
        )
        raise UsageError(msg)


def _tried(paths: CampaignPaths) -> Tried:
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    with closing(open_journal(paths.journal)) as journal:
        items = frozenset(one.item.id for one in journal.observations() if one.role == "item")
        samples = [selection.sample for selection in journal.header.campaign.corpora]
    return Tried(items, all(sample is None for sample in samples))


def _record(
    session: RegistrySession,
    held: HeldAlarm,
    retest: AlarmRetest,
    assessment: Assessment,
    actor: str,
    at: datetime,
) -> Alarm:
    alarm = held.alarm
    event = AlarmRetested(
        at=at, actor=actor, service=alarm.raised.service, alarm=alarm.id, retest=retest
    )
    with session.registry.writing(held.stream) as access:
        events = [*campaign_events(assessment, access, at, actor), event]
        after = needed_by(access, events).after(*events)
        session.append_to(access, after, events)
    return after.alarms[alarm.id]
