"""What the registry knows about a campaign: appeals, findings and plans, and its head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.event_basis import findings_about, part_of, with_uses
from harness.cli.paths import CampaignPaths
from harness.cli.plan_escalation import Notice, escalate_by_rule
from harness.cli.registry_session import (
    Place,
    RegistrySession,
    current_user,
    open_session,
    place_of_any,
)
from harness.follow.findings import follow, follow_ups, subject_in
from harness.follow.state import StreamState
from harness.model.action_plan import ActionPlan, FollowUp, Subject
from harness.model.corpus import Appeal
from harness.model.event import AppealDecided, Event, RecordAdded, RecordClosed
from harness.model.outcome import Assessment, Conformity, PrintedHead
from harness.model.registry_record import CampaignRecord, Service
from harness.model.stream import OWNER
from harness.ports.storage import Clock, WallClock

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess


def appeals_in(where: Path | str) -> tuple[Appeal, ...]:
    """The decided appeals of a registry; empty if there is no registry yet."""
    with session_if_any(where) as session:
        if session is None:
            return ()
        with session.registry.reading(OWNER) as access:
            decided = [event for _, event in access.found(kind=["appeal-decided"])]
        return tuple(event.appeal for event in decided if isinstance(event, AppealDecided))


def registry_heads(
    where: Path | str, assessment: Assessment
) -> tuple[PrintedHead | None, PrintedHead | None]:
    """The heads of the supplier's stream and of the owner's; ``None`` for one without events."""
    with session_if_any(where) as session:
        heads = {head.stream: head for head in session.registry.heads()} if session else {}
    found = [heads.get(stream) for stream in (_place(assessment).stream, OWNER)]
    suppliers, owners = (
        PrintedHead(held=head.events, hash=head.hash) if head else None for head in found
    )
    return suppliers, owners


def follow_ups_in(where: Path | str, assessment: Assessment) -> tuple[FollowUp, ...] | None:
    """The findings and plans of an assessment's failures; ``None`` if there is no registry yet."""
    with session_if_any(where) as session:
        return None if session is None else follow_ups_of(session, assessment)


def follow_ups_of(session: RegistrySession, assessment: Assessment) -> tuple[FollowUp, ...]:
    """The findings and plans of an assessment's failures."""
    with session.registry.reading(_place(assessment).stream) as access:
        findings = findings_about(access, _failures(assessment))
        return follow_ups(assessment, part_of(access, findings=findings))


def open_plans(
    assessment: Assessment,
    paths: CampaignPaths,
    clock: Clock | None = None,
    actor: str = "",
) -> tuple[ActionPlan, ...]:
    """Record a campaign, open a plan for each new failure, and return the new plans.

    Concluding again opens no plan twice. The service is added to the registry, if it is not there.
    ``actor`` is who does this; by default the current user.
    """
    clock, place = clock or WallClock(), _place(assessment)
    at, actor = clock.now(), actor or current_user()
    with (
        open_session(paths.registry, create=True, clock=clock) as session,
        session.registry.writing(place.stream) as access,
    ):
        before = part_of(
            access,
            findings=findings_about(access, _failures(assessment)),
            records=[service_of(assessment).key, campaign_record(assessment).key],
        )
        events = [*_record_campaign(assessment, before, at, actor)]
        events += follow(assessment, before, at, actor)
        before = with_uses(access, before, events)
        state = session.record_in(access, place, events, before)
    return tuple(plan for name, plan in state.plans.items() if name not in before.plans)


def escalate_plans(
    assessment: Assessment,
    paths: CampaignPaths,
    clock: Clock | None = None,
    actor: str = "",
) -> tuple[Notice, ...]:
    """Escalate the plans of an assessment's supplier for which rules ask for it now.

    ``actor`` is who does this; by default the current user.
    """
    clock = clock or WallClock()
    with open_session(paths.registry, clock=clock) as session:
        place = _place(assessment)
        return escalate_by_rule(session, place.stream, clock, actor or current_user())


def record_of(assessment: Assessment, paths: CampaignPaths) -> CampaignRecord | None:
    """The record of a campaign by that scheme in the registry; ``None`` if there is none."""
    key = campaign_record(assessment).key
    with session_if_any(paths.registry) as session:
        if session is None:
            return None
        with session.registry.reading(_place(assessment).stream) as access:
            held = part_of(access, records=[key]).open(key)
    return held if isinstance(held, CampaignRecord) else None


def campaign_events(
    assessment: Assessment, access: StreamAccess, at: datetime, actor: str
) -> tuple[Event, ...]:
    """The events that record a campaign and its service in the stream of its supplier."""
    keys = [service_of(assessment).key, campaign_record(assessment).key]
    return tuple(_record_campaign(assessment, part_of(access, records=keys), at, actor))


def _record_campaign(
    assessment: Assessment, before: StreamState, at: datetime, actor: str
) -> Iterator[Event]:
    """Record the service and the campaign; one that was measured further replaces its record."""
    service, campaign = service_of(assessment), campaign_record(assessment)
    if before.open(service.key) is None:
        yield RecordAdded(at=at, actor=actor, record=service)
    held = before.open(campaign.key)
    if held == campaign:
        return
    if held is not None:
        yield RecordClosed(at=at, actor=actor, record=campaign.key, reason="concluded again")
    yield RecordAdded(at=at, actor=actor, record=campaign)


def service_of(assessment: Assessment) -> Service:
    """The record of the service that was measured."""
    return Service(id=assessment.service)


def campaign_record(assessment: Assessment) -> CampaignRecord:
    """The record of a campaign that was concluded."""
    binding = Counter(
        outcome.conformity for outcome in assessment.outcomes if outcome.requirement.binding
    )
    return CampaignRecord(
        id=assessment.campaign,
        of=assessment.service,
        scheme=assessment.scheme,
        scheme_version=assessment.scheme_version,
        rules=assessment.rules_version,
        journal=assessment.journal_head.hash if assessment.journal_head else "",
        conforms=binding[Conformity.CONFORMS],
        does_not_conform=binding[Conformity.DOES_NOT_CONFORM],
        insufficient=binding[Conformity.INSUFFICIENT],
    )


def _place(assessment: Assessment) -> Place:
    """The stream of an assessment's supplier; a service without a supplier has one of its own.

    A journal may name a supplier that a new campaign cannot: then the name is shortened.
    """
    return place_of_any(assessment.supplier, assessment.service)


def _failures(assessment: Assessment) -> Iterator[Subject]:
    for outcome in assessment.outcomes:
        if outcome.conformity is Conformity.DOES_NOT_CONFORM:
            yield subject_in(assessment, outcome)


@contextmanager
def session_if_any(
    where: Path | str, clock: Clock | None = None
) -> Iterator[RegistrySession | None]:
    """Open a registry if there is one."""
    if isinstance(where, Path) and not where.exists():
        yield None
        return
    from harness.store.registry.opening import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    with ExitStack() as stack:
        try:
            session = stack.enter_context(open_session(where, clock=clock))
        except NoRegistry:
            session = None
        yield session
