"""Re-test a plan by a new campaign, where the requirement rests on a log, mail, checks or people.

Requests to a log and mails are over when they were made: there are no missed items to try again.
The assessor measures a new campaign with the same commands as before, and its outcome decides.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from harness.cli.campaign_meeting import (
    allowance,
    meeting_of,
    parts_before,
    parts_in,
    with_meetings,
)
from harness.cli.conclude import begun_in
from harness.cli.declared_scheme import judging_scheme
from harness.cli.fresh_items import narrow_scheme
from harness.cli.paths import CampaignPaths, journal_folder, paths_of_journal
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import HeldPlan, RegistrySession, open_session
from harness.cli.trusted_content import TrustedContent
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError
from harness.follow.identities import Identities
from harness.follow.people_identities import unidentified
from harness.follow.retest import as_attempt, judge_new_campaign, scheme_of_attempt
from harness.model.action_plan import PlanState, Retest
from harness.model.event import FixClaimed, RetestConcluded, RetestStarted
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.storage import Clock, Journal
from harness.verdicts.corrected_labels import with_corrected_labels


def retest_by_campaign(
    name: str,
    results: Path,
    out: Path,
    actor: str,
    clock: Clock,
    supplier: str = "",
    allow_change: str = "",
) -> tuple[Retest, PlanState]:
    """Judge a plan by the results of a new campaign, and record that re-test.

    ``allow_change`` is the reason why the actor allows what differs from the finding's campaign.
    Raises UsageError for a difference that nobody allowed, if the plan is not claimed, if its
    requirement is re-tested by trying items again, or if the campaign is another service's or began
    before the fix was claimed.
    """
    paths, registry = paths_of_journal(journal_folder(results)), CampaignPaths(out=out, campaign="")
    with (
        closing(open_unchanged(paths.journal)) as journal,
        open_session(registry.registry, clock=clock) as session,
    ):
        campaign, held = journal.header.campaign, session.plan(name, supplier)
        _require_later_evidence(held, results)
        begun = RetestStarted(at=clock.now(), actor=actor, plan=name, campaign=campaign.campaign)
        session.check(held, begun)
        measured = begun_in(journal)
        _require_new(campaign.campaign, measured, _claimed_at(session, held))
        whole = judging_scheme(paths.journal, journal.header, clock=clock)
        scheme = scheme_of_attempt(narrow_scheme(whole, held.finding), held.plan)
        trusted = TrustedContent(paths.journal, paths.registry)
        parts, before = parts_in(journal, whole), parts_before(held.finding, out)
        meeting = meeting_of(held.finding, held.plan, campaign.campaign, parts, before, trusted)
        allowed = allowance(held.plan, meeting, allow_change, actor, clock.now())
        assessment = _assess(journal, scheme, paths)
        _require_known_people(assessment, session.identities(), clock.now())
        judged = judge_new_campaign(held.finding, assessment, clock.now())
        judged = msgspec.structs.replace(judged, begun=measured)
        retest = with_meetings(as_attempt(judged, held.plan, scheme), meeting.as_allowed())
        at, service = clock.now(), assessment.service
        concluded = RetestConcluded(
            at=at, actor=actor, plan=name, retest=retest, service=service, scheme=scheme.id
        )
        events = (*allowed, begun, concluded)
        return retest, session.advance(name, *events, supplier=supplier).state


def _require_known_people(assessment: Assessment, identities: Identities, now: datetime) -> None:
    """Raise UsageError if a fix would be verified by people whom no registered key shows."""
    if why := next(unidentified(assessment.outcomes, identities, now), ""):
        msg = f"campaign {assessment.campaign!r} verifies no fix: {why}"
        raise UsageError(msg)


def require_items(held: HeldPlan, path: Path) -> None:
    """Raise UsageError for a plan that no items can verify."""
    if not held.finding.rests_on_items:
        msg = (
            f"{path}: {held.finding.requirement} is not re-tested by trying items again; measure a "
            f"new campaign as for the finding, then: accredit retest {held.plan.id} out/CAMPAIGN"
        )
        raise UsageError(msg)


def _require_later_evidence(held: HeldPlan, results: Path) -> None:
    if held.finding.rests_on_items:
        msg = (
            f"{results}: {held.finding.requirement} is re-tested by trying the missed items again; "
            "give the campaign file of the finding"
        )
        raise UsageError(msg)


def _claimed_at(session: RegistrySession, held: HeldPlan) -> datetime | None:
    """When the fix was last claimed; None if it never was."""
    with session.registry.reading(held.stream) as access:
        events = access.found(about=[held.plan.id])
    return max((event.at for _, event in events if isinstance(event, FixClaimed)), default=None)


def _assess(journal: Journal, scheme: Scheme, paths: CampaignPaths) -> Assessment:
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light

    return conclude(with_corrected_labels(journal, appeals_in(paths.registry)), scheme)


def _require_new(campaign: str, begun: datetime, claimed: datetime | None) -> None:
    """Raise UsageError for a campaign from before the fix was claimed."""
    if claimed is not None and begun < claimed:
        msg = (
            f"campaign {campaign!r} began on {begun:%Y-%m-%d %H:%M %Z}, before the fix was claimed "
            f"on {claimed:%Y-%m-%d %H:%M %Z}; measure a new one"
        )
        raise UsageError(msg)
