"""Which certified service and site a check is about, and what a campaign showed there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from harness.cli.conclude import conclude_journal
from harness.cli.decision_basis import state_of
from harness.cli.field_records import certified_in, plain
from harness.cli.registry_session import RegistrySession, place_of_any
from harness.errors import UsageError, known
from harness.model.field_event import (
    CheckedService,
    CheckKind,
    FieldEvent,
    FieldVisited,
)
from harness.model.outcome import Assessment, Conformity
from harness.model.registry_record import Complaint, Site, record_key
from harness.model.stream import same_name
from harness.monitor.field_draw import added_in, drawn_in
from harness.ports.storage import Clock


class Named(NamedTuple):
    """How a user names a certified service; an empty version or scheme leaves it open."""

    supplier: str
    service: str
    version: str = ""
    scheme: str = ""


class Concluded(NamedTuple):
    """What a campaign showed: its assessment, and the time of its first observation."""

    assessment: Assessment
    begun: datetime


def certified_service(session: RegistrySession, named: Named, now: datetime) -> CheckedService:
    """The service of that name with a valid certificate. Raises UsageError."""
    stream = session.place_named(named.supplier).stream
    found = certified_in(stream, state_of(session, stream), now)
    return _the_one(map(plain, found), named, "has no valid certificate")


def complaint_or_reason(
    session: RegistrySession, checked: CheckedService, complaint: str, reason: str
) -> str:
    """Why a site is added: the name of a complaint on record, or the reason. Raises UsageError."""
    if bool(complaint) == bool(reason.strip()):
        msg = "say why the site is visited: --complaint NAME of one on record, or --reason TEXT"
        raise UsageError(msg)
    if not complaint:
        return reason
    state = state_of(session, checked.stream)
    of_service = [
        one
        for one in state.open_records().values()
        if isinstance(one, Complaint) and same_name(one.of) == same_name(checked.service)
    ]
    for one in of_service:
        if same_name(one.id) == same_name(complaint):
            return f"complaint: {one.id}"
    names = known(one.id for one in of_service)
    msg = f"no complaint {complaint!r} about {checked.service} is open; {names}"
    raise UsageError(msg)


def site_on_record(session: RegistrySession, checked: CheckedService, site: str) -> str:
    """The name of a supplier's open site as it is on record. Raises UsageError."""
    state = state_of(session, checked.stream)
    record = state.open_record(record_key("site", site), site)
    return record.id if isinstance(record, Site) else site


def chosen_service(
    events: Iterable[FieldEvent], period: str, named: Named, kind: CheckKind, stream: str
) -> CheckedService:
    """The drawn service of that name, or the one for which sites were added. Raises UsageError."""
    recorded = tuple(events)
    if kind == "randomized":
        drawn = drawn_in(recorded, period)
        services = [plain(each) for each in drawn.services] if drawn else []
        why = f"was not drawn for {period}"
    else:
        services = [each.checked for each in added_in(recorded, period)]
        why = f"has no site that was added in {period}"
    of_supplier = (each for each in services if each.stream == stream)
    return _the_one(of_supplier, named, why)


def _the_one(found: Iterable[CheckedService], named: Named, why_none: str) -> CheckedService:
    """The service that a user means. Raises UsageError if it is none, or not clear."""
    offered = {each.identity: each for each in found}
    matching = [each for each in offered.values() if _is_meant(each, named)]
    if not matching:
        wanted = " ".join(filter(None, (named.service, named.version, named.scheme)))
        names = known(f"{each.service} {each.version} ({each.scheme})" for each in offered.values())
        msg = f"{wanted!r} of {named.supplier!r} {why_none}; {names}"
        raise UsageError(msg)
    if len(matching) > 1:
        names = known(f"{each.version} ({each.scheme})" for each in matching)
        msg = f"several of {named.service!r} fit: say --version, or --of-scheme; {names}"
        raise UsageError(msg)
    return matching[0]


def _is_meant(each: CheckedService, named: Named) -> bool:
    return (
        same_name(each.service) == same_name(named.service)
        and same_name(named.version) in ("", same_name(each.version))
        and named.scheme in ("", each.scheme)
    )


def conclude_visit(results: Path, scheme: str | None, clock: Clock) -> Concluded:
    """Judge the campaign of a visit by the rules of now. Raises UsageError without observations."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    assessment, paths = conclude_journal(results, scheme, clock)
    with closing(open_journal(paths.journal)) as journal:
        begun = min((one.started for one in journal.observations()), default=None)
    if begun is None:
        raise UsageError(f"{paths.journal}: holds no observations")
    return Concluded(assessment, begun)


def visit_of(
    checked: CheckedService, site: str, kind: CheckKind, found: Concluded, event: FieldEvent
) -> FieldVisited:
    """The event of a visit, with period, time and actor of ``event``.

    Raises UsageError if the campaign is of another service, scheme or site. A result that is
    limited by items which it does not declare as agreed decides nothing.
    """
    assessment = found.assessment
    if faults := list(_misfits(checked, site, assessment)):
        raise UsageError(*(f"campaign {assessment.campaign!r}: {each}" for each in faults))
    decided = {0: Conformity.CONFORMS, 1: Conformity.DOES_NOT_CONFORM}
    return FieldVisited(
        at=event.at,
        actor=event.actor,
        period=event.period,
        checked=checked,
        site=site,
        kind=kind,
        campaign=assessment.campaign,
        journal=assessment.journal_head.hash if assessment.journal_head else "",
        begun=found.begun,
        conformity=decided.get(assessment.exit_code, Conformity.INSUFFICIENT),
        limited_to=assessment.limit,
    )


def visits_of(events: Iterable[FieldEvent], event: FieldVisited) -> Iterator[FieldVisited]:
    """The visits of the same site, for the same service, reason and period."""
    for other in events:
        if (
            isinstance(other, FieldVisited)
            and other.place == event.place
            and (other.period, other.kind) == (event.period, event.kind)
        ):
            yield other


def _misfits(checked: CheckedService, site: str, assessment: Assessment) -> Iterator[str]:
    """Yield how a campaign is not one of a service at a site."""
    stream = place_of_any(assessment.supplier, assessment.service).stream
    if stream != checked.stream or same_name(assessment.service) != same_name(checked.service):
        of = f"{assessment.service!r} of {assessment.supplier!r}"
        yield f"it measured {of}, not {checked.service!r} of {checked.supplier!r}"
    if assessment.scheme != checked.scheme:
        yield f"it was judged by {assessment.scheme}; the certificate is by {checked.scheme}"
    elsewhere = [
        f"{line.name} ({line.site or 'no site'})"
        for line in assessment.lines
        if same_name(line.site) != same_name(site)
    ]
    if elsewhere or not assessment.lines:
        yield (
            f"these lines do not say that they are at {site!r}: {', '.join(elsewhere) or 'all'}; a "
            "visit is a campaign at one site, which each line names (site)"
        )
