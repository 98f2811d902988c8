"""Carry out one due run of surveillance: measure its campaign, conclude, record, raise alarms.

A run is begun once and recorded once. One that was interrupted is resumed under the same name,
because the name is on record since it was begun. If its file was changed since, the journal
refuses what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness import VERSION
from harness.campaign.assemble import Prepared, read_campaign
from harness.cli.compose import load_and_warn, prepare, refuse_retired, seeded
from harness.cli.conclude import begun_in, conclude_journal
from harness.cli.drawing import silent
from harness.cli.dry_run import dry_run
from harness.cli.event_basis import alarms_in, needed_by
from harness.cli.measure import measure_prepared, resumable
from harness.cli.monitor_history import (
    History,
    current_intensity,
    intensity_of,
    place_of_service,
    run_record,
    spent_in,
    whole_history,
)
from harness.cli.monitor_signals import all_signals, series_views
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import campaign_events
from harness.cli.registry_session import current_user, open_session
from harness.errors import InstrumentError, UsageError
from harness.model.alarm import Alarm
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.conformity import Conformity
from harness.model.content_identity import POLICY, SCHEME
from harness.model.event import Event
from harness.model.outcome import Assessment, is_void
from harness.model.stream import same_name
from harness.model.surveillance_event import (
    AlarmRaised,
    Intensity,
    RunBegun,
    RunResult,
    SurveillanceRun,
)
from harness.model.surveillance_reading import RequirementReading
from harness.monitor.alarms import SiteRule, alarms_due
from harness.monitor.budget import refusal_of
from harness.monitor.intensity import IntensityState, sample_factor
from harness.monitor.monitoring_file import Budget, MonitoringFile, Schedule, ServiceMonitoring
from harness.monitor.schedule import RunKey, runs_per_year
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.store.journal.journal import SegmentJournal


class Monitored(NamedTuple):
    """A due run with its declaration, and where results go."""

    declared: MonitoringFile
    service: ServiceMonitoring
    schedule: Schedule
    key: RunKey
    out: Path

    @property
    def registry(self) -> Path | str:
        """The registry of the results."""
        return CampaignPaths(out=self.out, campaign="").registry


class CarriedOut(NamedTuple):
    """What became of a run, and the alarms that it raised.

    Without ``is_new`` it was recorded earlier.
    """

    run: SurveillanceRun
    alarms: tuple[str, ...] = ()
    is_new: bool = True


def monitored(declared: MonitoringFile, key: str, out: Path) -> Monitored:
    """Return the declaration of the run with that key (``RunKey.text``). Raises UsageError."""
    due = _due_in(key)
    for service in declared.services:
        for site in service.sites:
            for schedule in site.schedules:
                names = service.service, site.site, schedule.name
                found = RunKey(declared.monitoring, *names, due)
                if found.text == key:
                    return Monitored(declared, service, schedule, found, out)
    msg = f"{declared.path}: has no schedule of the run {key!r}; was the file changed?"
    raise UsageError(msg)


def _due_in(key: str) -> datetime:
    """The due time at the end of a run's key. Raises UsageError."""
    try:
        return datetime.strptime(key.rpartition("/")[2], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    except ValueError:
        example = "run:NAME/SERVICE/SITE/SCHEDULE/20261129T0615Z"
        msg = f"{key!r} is not the key of a run, such as {example}"
        raise UsageError(msg) from None


def carry_out(what: Monitored, clock: Clock) -> CarriedOut:
    """Carry out a due run, unless it is recorded already.

    A fault of the campaign is recorded as a run that failed. What the instrument does wrong, and a
    stop, are raised: then the run is not recorded, and can be resumed.
    """
    history = _history(what, clock)
    if (held := _recorded(history, what)) is not None:
        return CarriedOut(held, is_new=False)
    state = IntensityState(intensity=current_intensity(history, what.key.schedule_id))
    factor = sample_factor(state, what.service.intensity)
    try:
        prepared = prepare_run(what, factor, _begun_as(history, what))
        _require_budget(what, history, prepared, clock)
    except UsageError as fault:
        result: RunResult = "refused" if isinstance(fault, BudgetError) else "failed"
        at, intensity = clock.now(), state.intensity
        return record_run(
            what, run_record(what.key, at, result, str(fault), intensity=intensity), clock
        )
    _begin(what, prepared.campaign.campaign, clock)
    started = clock.monotonic()
    assessment, paths = _measure(prepared, what, clock)
    seconds = clock.monotonic() - started
    with _journal_of(paths) as journal:
        run = measured_run(what, assessment, journal, clock, state.intensity, seconds)
    return record_run(what, run, clock, assessment)


def _measure(prepared: Prepared, what: Monitored, clock: Clock) -> tuple[Assessment, CampaignPaths]:
    """Measure and conclude. Raises InstrumentError where something stands in the way of it."""
    journal = CampaignPaths(out=what.out, campaign=prepared.campaign.campaign).journal
    try:
        with resumable(journal):
            measure_prepared(prepared, what.out, silent(), clock)
        return conclude_journal(journal, clock=clock)
    except UsageError as error:  # such as another process that writes there
        raise InstrumentError(*error.args) from None


class BudgetError(UsageError):
    """A budget does not allow a run now."""


def prepare_run(what: Monitored, factor: float = 1.0, begun_as: str = "") -> Prepared:
    """Prepare the campaign of a run. Raises UsageError if it cannot be repeated by schedule.

    ``factor`` multiplies its samples. ``begun_as`` is its name if it was begun earlier.
    """
    path = what.declared.campaign_path(what.schedule)
    campaign = read_campaign(path)[0]
    require_repeatable(what, path, campaign)
    name = begun_as or what.key.campaign_name(campaign.campaign)
    corpora = tuple(_enlarged(selection, factor) for selection in campaign.corpora)
    campaign = campaign.model_copy(update={"campaign": name, "corpora": corpora})
    journal = CampaignPaths(out=what.out, campaign=name).journal
    prepared = prepare(path, seeded(campaign, journal))
    packs = [corpus.reference for corpus in prepared.corpora]
    refuse_retired(packs, name, what.out)
    return prepared


def _enlarged(selection: CorpusSelection, factor: float) -> CorpusSelection:
    if selection.sample is None:
        return selection
    return selection.model_copy(update={"sample": round(selection.sample * factor)})


def require_repeatable(what: Monitored, path: Path, campaign: Campaign) -> None:
    """Raise UsageError for a campaign that is no run of surveillance of this service and site."""
    service, site = what.service, what.key.site
    if same_name(campaign.service.name) != same_name(service.service):
        msg = (
            f"{path}: measures service {campaign.service.name!r}, and {what.declared.path} "
            f"monitors {service.service!r} with it; correct one of them"
        )
        raise UsageError(msg)
    if same_name(campaign.service.supplier) != same_name(service.supplier or ""):
        msg = (
            f"{path}: names the supplier {campaign.service.supplier!r}, and {what.declared.path} "
            f"{service.supplier or ''!r}; correct one of them"
        )
        raise UsageError(msg)
    elsewhere = [line.name for line in campaign.lines if same_name(line.site) != same_name(site)]
    if elsewhere:
        msg = f"{path}: line {elsewhere[0]!r} must be at site {site!r}: write 'site: {site}'"
        raise UsageError(msg)
    if campaign.crossover:
        msg = f"{path}: a crossover needs a person to swap cables; measure it by hand"
        raise UsageError(msg)
    is_sampled = any(selection.sample is not None for selection in campaign.corpora)
    if is_sampled and "seed" in campaign.model_fields_set:
        msg = f"{path}: with a fixed seed each run would try the same sample; remove 'seed'"
        raise UsageError(msg)


def _require_budget(what: Monitored, history: History, prepared: Prepared, clock: Clock) -> None:
    has_budget = what.declared.budget != Budget() or what.service.budget != Budget()
    if not has_budget or _begun_as(history, what):
        return
    plan = dry_run(prepared, load_and_warn(prepared.campaign.scheme, clock), what.out)
    estimate = sum(row.at_least for row in plan.attempts)
    spent = tuple(
        each
        for service in what.declared.services
        for each in spent_in(_history(what._replace(service=service), clock))
    )
    refusal = refusal_of(what.declared, what.service, spent, estimate, clock.now())
    if refusal is not None:
        raise BudgetError(refusal.words)


def _history(what: Monitored, clock: Clock) -> History:
    stream = place_of_service(what.service).stream
    with (
        open_session(what.registry, create=True, clock=clock) as session,
        session.registry.reading(stream) as access,
    ):
        return whole_history(access, what.declared.monitoring, what.service.service)


def _recorded(history: History, what: Monitored) -> SurveillanceRun | None:
    return next((run for run in history.runs if run.about == what.key.text), None)


def _begun_as(history: History, what: Monitored) -> str:
    """The name of the campaign as which a run was begun; empty if it was not."""
    return next((run.campaign for run in history.going if run.about == what.key.text), "")


def _begin(what: Monitored, campaign: str, clock: Clock) -> None:
    """Record that a run is begun, unless that is recorded already."""
    place = place_of_service(what.service)
    with (
        open_session(what.registry, clock=clock) as session,
        session.registry.writing(place.stream) as access,
    ):
        if access.found(about=[what.key.text]):
            return
        begun = RunBegun(
            at=clock.now(),
            actor=current_user(),
            service=what.service.service,
            monitoring=what.declared.monitoring,
            site=what.key.site,
            schedule=what.schedule.name,
            due=what.key.due,
            campaign=campaign,
        )
        session.record_in(access, place, [begun], needed_by(access, [begun]))


def _journal_of(paths: CampaignPaths) -> closing[SegmentJournal]:
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    return closing(open_journal(paths.journal))


def measured_run(
    what: Monitored,
    assessment: Assessment,
    journal: SegmentJournal,
    clock: Clock,
    intensity: Intensity,
    seconds: float,
) -> SurveillanceRun:
    """The record of a run that was measured: what its journal shows, and how long it took."""
    run = concluded_run(what, assessment, clock.now(), intensity, begun_in(journal))
    return msgspec.structs.replace(
        run,
        seconds=round(seconds, 1),
        attempts=journal.rows,
        runs_per_year=runs_per_year(what.schedule, what.declared.zone, what.key.due),
    )


def concluded_run(
    what: Monitored, assessment: Assessment, at: datetime, intensity: Intensity, begun: datetime
) -> SurveillanceRun:
    """The record of a run, recorded at ``at``, with all that its assessment shows."""
    head = assessment.journal_head
    return msgspec.structs.replace(
        run_record(what.key, at, "measured", intensity=intensity),
        campaign=assessment.campaign,
        scheme=assessment.scheme,
        scheme_version=assessment.scheme_version,
        journal=head.hash if head else "",
        begun=begun,
        instrument=tuple(_instrument(assessment)),
        packs=tuple(dict.fromkeys(corpus.split()[0] for corpus in assessment.corpora)),
        readings=readings_of(assessment),
        measured_with=assessment.measured_with,
    )


def readings_of(assessment: Assessment) -> tuple[RequirementReading, ...]:
    """What a run shows of each requirement that it tried; nothing counts where it is void.

    What the campaign does not measure at all, such as documents, is left out.
    """
    from harness.estimate.surveillance_evidence import reading_of  # noqa: PLC0415 - keep the start light

    found = []
    for outcome in assessment.outcomes:
        void = is_void(assessment.preconditions, outcome.line, outcome.profile)
        if not outcome.metric.tried and outcome.conformity is not Conformity.DOES_NOT_CONFORM:
            continue
        found.append(reading_of(outcome, is_void=void))
    return tuple(found)


def _instrument(assessment: Assessment) -> Iterator[str]:
    """What the figures of two runs are only compared within."""
    yield f"rules {assessment.rules_version}"
    yield f"isp-accredit {_version()}"
    yield f"{assessment.scheme} {assessment.scheme_version}"
    kinds = (SCHEME, POLICY)
    yield from (" ".join(part) for part in assessment.measured_with if part[0].startswith(kinds))
    yield from sorted(assessment.corpora)


@cache
def _version() -> str:
    return VERSION


def record_run(
    what: Monitored, run: SurveillanceRun, clock: Clock, assessment: Assessment | None = None
) -> CarriedOut:
    """Record what became of a run, the campaign, and the alarms that follow, all or none."""
    place = place_of_service(what.service)
    with (
        open_session(what.registry, create=True, clock=clock) as session,
        session.registry.writing(place.stream) as access,
    ):
        history = whole_history(access, what.declared.monitoring, what.service.service)
        if (held := _recorded(history, what)) is not None:
            return CarriedOut(held, is_new=False)
        history = history._replace(runs=(*history.runs, run))
        after = intensity_of(history, what.service, what.key.schedule_id)
        run = msgspec.structs.replace(run, then=after.intensity)
        history = history._replace(runs=(*history.runs[:-1], run))
        raised = tuple(alarms_after(what, history, run, alarms_in(access), clock))
        events: list[Event] = [run, *raised]
        if assessment is not None:
            events = [*campaign_events(assessment, access, run.at, run.actor), *events]
        session.record_in(access, place, events, needed_by(access, events))
    return CarriedOut(run, tuple(each.alarm for each in raised))


def alarms_after(
    what: Monitored,
    history: History,
    run: SurveillanceRun,
    held: Mapping[str, Alarm],
    clock: Clock,
) -> Iterator[AlarmRaised]:
    """The alarms that the runs up to this one ask for; ``held`` are those of the stream."""
    if run.result != "measured":
        return
    views = series_views(history.runs, history.alarms, what.service.alarm_sites)
    rule = SiteRule(
        sites=tuple(site.site for site in what.service.sites),
        needed=what.service.alarm_sites,
        retest_within=what.service.alarm.retest_within,
    )
    for raised in alarms_due(all_signals(views), held, what.service.service, rule, clock.now()):
        yield AlarmRaised(
            at=clock.now(), actor=run.actor, service=raised.service, alarm=raised.id, raised=raised
        )
