"""Register campaigns before their first packet, with each start, stop and conclusion.

The events are in the stream of the supplier. A campaign that was begun without them is practice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cli.event_basis import needed_by
from harness.cli.paths import CampaignPaths
from harness.cli.printing import warn
from harness.cli.registered_runs import (
    RegisteredRun,
    place_of_campaign,
    registration_of,
    run_of,
    runs_of,
)
from harness.cli.registry_session import Place, current_user, open_session
from harness.errors import HarnessError
from harness.follow.derived_rows import HELD_RECORDS, read_row
from harness.model.journal_header import JournalHeader
from harness.model.outcome import Assessment
from harness.model.registration_event import (
    CampaignConcluded,
    CampaignRegistered,
    CampaignStarted,
    CampaignStopped,
    RegistrationEvent,
)
from harness.model.registry_record import ServiceVersion
from harness.model.stream import same_name
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.campaign.assemble import Prepared
    from harness.store.journal.journal import SegmentJournal
    from harness.store.registry.streams import StreamAccess


@contextmanager
def registered(
    prepared: Prepared,
    header: JournalHeader,
    journal: SegmentJournal,
    paths: CampaignPaths,
    clock: Clock,
    scheme: str,
) -> Iterator[None]:
    """Register a campaign and its start before the context, and its stop after it.

    Nothing is recorded without ``scheme``, for a journal of an earlier version, and for one that
    was begun unregistered. Raises UsageError, InstrumentError if the registry cannot be written.
    """
    place = place_of_campaign(header)
    if not (
        scheme and header.run and _start(place, prepared, header, journal, paths, clock, scheme)
    ):
        yield
        return
    try:
        yield
    except BaseException:
        with suppress(HarnessError):  # the first error is shown
            _record(place, paths, clock, _stop(header, journal, clock, complete=False))
        raise
    _record(place, paths, clock, _stop(header, journal, clock, complete=True))


def _start(
    place: Place,
    prepared: Prepared,
    header: JournalHeader,
    journal: SegmentJournal,
    paths: CampaignPaths,
    clock: Clock,
    scheme: str,
) -> bool:
    """Register the campaign if it is new, and its start; whether it is registered."""
    started = CampaignStarted(
        at=clock.now(),
        actor=current_user(),
        campaign=header.campaign.campaign,
        run=header.run,
        held=journal.rows,
    )
    with (
        open_session(paths.registry, create=True, clock=clock) as session,
        session.registry.writing(place.stream) as access,
    ):
        events: list[RegistrationEvent] = [started]
        if not access.found(about=[started.about]):
            if journal.rows:
                return False
            version = _version(access, header)
            events.insert(0, _registered(prepared, header, scheme, version, started))
        session.record_in(access, place, events, needed_by(access, events))
    return True


def _registered(
    prepared: Prepared,
    header: JournalHeader,
    scheme: str,
    version: str,
    started: CampaignStarted,
) -> CampaignRegistered:
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light

    held = load_scheme(scheme)
    selected = header.campaign.corpora
    is_whole = len(selected) == 1 and selected[0].is_whole
    sizes = {} if is_whole else Counter(item.category for item in prepared.items)
    return CampaignRegistered(
        at=started.at,
        actor=started.actor,
        campaign=started.campaign,
        run=started.run,
        service=header.campaign.service.name,
        version=version,
        scheme=held.id,
        scheme_version=held.version,
        corpora=header.corpora,
        items=len(prepared.items),
        sizes=dict(sorted(sizes.items())),
        seed_commitment=header.seed_commitment,
        measured_with=header.measured_with,
    )


def _version(access: StreamAccess, header: JournalHeader) -> str:
    """The version of the service: as declared, else the newest on record, else empty."""
    service = header.campaign.service
    if service.version:
        return service.version
    rows = access.rows("version", state="open")
    held = [read_row(row, HELD_RECORDS).record for row in rows]
    of = [one.id for one in held if isinstance(one, ServiceVersion)
          and same_name(one.of) == same_name(service.name)]  # fmt: skip
    return of[-1] if of else ""


def _stop(
    header: JournalHeader, journal: SegmentJournal, clock: Clock, *, complete: bool
) -> CampaignStopped:
    return CampaignStopped(
        at=clock.now(),
        actor=current_user(),
        campaign=header.campaign.campaign,
        run=header.run,
        held=journal.rows,
        head=journal.head.printed().hash,
        complete=complete,
    )


def _record(place: Place, paths: CampaignPaths, clock: Clock, event: RegistrationEvent) -> None:
    with open_session(paths.registry, clock=clock) as session:
        session.record(place, event)


def with_registration(
    assessment: Assessment, header: JournalHeader, paths: CampaignPaths, clock: Clock | None
) -> Assessment:
    """The assessment with what is on record of its campaign, whose conclusion is recorded too.

    Measurements of other people were never planned, so nothing is said of them.
    """
    if header.foreign:
        return assessment
    runs = runs_of(paths, header)
    run = run_of(runs, header)
    if run is not None:
        _record_conclusion(run, assessment, header, paths, clock)
    return replace(assessment, registration=registration_of(run, runs))


def _record_conclusion(
    run: RegisteredRun,
    assessment: Assessment,
    header: JournalHeader,
    paths: CampaignPaths,
    clock: Clock | None,
) -> None:
    """Record how a registered campaign was judged, unless that is on record already.

    A registry that cannot be written is warned of: the campaign then counts as not concluded.
    """
    head = assessment.journal_head
    made = CampaignConcluded(
        at=(clock or WallClock()).now(),
        actor=current_user(),
        campaign=header.campaign.campaign,
        run=header.run,
        scheme=assessment.scheme,
        scheme_version=assessment.scheme_version,
        conformity=assessment.conformity.value,
        journal=head.hash if head else "",
    )
    own = [one for one in run.conclusions if one.scheme == made.scheme]
    if any(_is_alike(one, made) for one in own[-1:]):
        return
    try:
        _record(place_of_campaign(header), paths, clock or WallClock(), made)
    except HarnessError as error:
        warn(f"the conclusion of campaign {made.campaign} could not be recorded: {error}")


def _is_alike(one: CampaignConcluded, other: CampaignConcluded) -> bool:
    return (one.scheme, one.scheme_version, one.conformity, one.journal) == (
        other.scheme, other.scheme_version, other.conformity, other.journal,
    )  # fmt: skip
