"""``accredit plan soak``: whether a later campaign shows that a verified fix holds.

``accredit run`` does the same for every verified plan of its service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from harness.cli.campaign_meeting import (
    ALLOW_CHANGE,
    Meeting,
    allowance,
    meeting_of,
    parts_before,
)
from harness.cli.conclude import SCHEME, begun_at, conclude_journal
from harness.cli.declared_scheme import judging_scheme
from harness.cli.paths import REGISTRY_OPTION, CampaignPaths, chosen_registry
from harness.cli.plan_step import BY, PLAN, SUPPLIER, clock
from harness.cli.printing import say
from harness.cli.registry_facts import appeals_in, session_if_any
from harness.cli.registry_session import (
    HeldPlan,
    RegistrySession,
    current_user,
    open_session,
    place_of_any,
)
from harness.cli.trusted_content import TrustedContent
from harness.errors import UsageError, first_of
from harness.follow.findings import describe, subject_in
from harness.follow.next_step import next_step
from harness.follow.retest import codes_of, is_of
from harness.follow.soak import counts_for_soak, has_held, seen_in_soak
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.content_identity import with_rules
from harness.model.event import ChangeAllowed, PlanClosed, SoakMeasured
from harness.model.outcome import Assessment, Conformity, Outcome, is_void
from harness.model.soak import SoakCampaign, mark_of, marks_of
from harness.ports.storage import Clock, Journal, WallClock
from harness.verdicts.corrected_labels import with_corrected_labels

SHOWN = 5
"""How many items a sentence names."""


class Counted(NamedTuple):
    """A plan after a campaign counted for its soak period, or why the campaign could not count."""

    plan: ActionPlan
    refused: str = ""

    def __str__(self) -> str:
        """What happened to the plan."""
        if self.refused:
            return f"not counted for the soak period: {self.refused}"
        last = self.plan.soaks[-1]
        if last.fault:
            return f"plan {self.plan.id} is in progress again, the fix did not hold: {last.fault}"
        if self.plan.state is PlanState.CLOSED:
            return f"plan {self.plan.id} is closed: the fix held for its soak period"
        return f"plan {self.plan.id}: campaign {last.campaign} counts for its soak period"


def soak_command(
    plan: PLAN,
    results: Annotated[Path, typer.Argument(help="The folder of a later campaign's results.")],
    by: BY = "",
    scheme: SCHEME = None,
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
    allow_change: ALLOW_CHANGE = "",
) -> None:
    """Count a campaign for the soak period of a verified plan; close the plan if its fix held.

    Exit 1: the fix did not hold, and the plan is in progress again.
    """
    with open_session(chosen_registry(registry), clock=clock) as session:
        held = session.plan(plan, supplier)
        if held.plan.state is not PlanState.VERIFIED:
            msg = f"plan {plan} is {held.plan.state}; only a verified plan has a soak period"
            raise UsageError(msg)
        assessment, paths = conclude_journal(results, scheme)
        soak = SoakReading(assessment, paths, scheme).of(held)
        if soak is None:
            finding = held.finding
            msg = (
                f"{results}: shows nothing of {finding.requirement} of service "
                f"{finding.service!r} by scheme {finding.scheme} on line {finding.line}, profile "
                f"{finding.profile}; give a campaign in which it was measured and the filter was on"
            )
            raise UsageError(msg)
        actor, meeting = by or current_user(), _meeting(held, soak, assessment, paths)
        allowed = allowance(held.plan, meeting, allow_change, actor, clock.now())
        counted = Counted(_count(session, held, soak, assessment, clock, actor, allowed))
    say(*meeting.said())
    say(str(counted), f"next: {next_step(counted.plan, held.finding, clock.now(), supplier)}")
    raise typer.Exit(1 if counted.plan.soaks[-1].fault else 0)


def count_soaks(
    assessment: Assessment,
    paths: CampaignPaths,
    scheme: str | None = None,
    at: Clock | None = None,
    allow_change: str = "",
) -> tuple[Counted, ...]:
    """Count a campaign for the soak periods of all plans that it says something about.

    ``scheme`` is the one of the assessment, if it is not the campaign's own; ``allow_change`` is
    why its user allows whatever differs from the campaigns of the findings.
    """
    at, counted, actor = at or WallClock(), [], current_user()
    with session_if_any(paths.registry, at) as session:
        if session is None:
            return ()
        verified = tuple(_verified(session, assessment))
        if not verified:
            return ()
        reading = SoakReading(assessment, paths, scheme)
        for held in verified:
            soak = reading.of(held) if reading.counts_for(held.plan) else None
            if soak is None:
                continue
            try:
                meeting = _meeting(held, soak, assessment, paths)
                allowed = allowance(held.plan, meeting, allow_change, actor, at.now())
                plan = _count(session, held, soak, assessment, at, actor, allowed)
            except UsageError as error:
                counted.append(Counted(held.plan, str(error)))
            else:
                counted.append(Counted(plan))
    return tuple(counted)


def _verified(session: RegistrySession, assessment: Assessment) -> Iterator[HeldPlan]:
    """The verified plans whose findings are about an outcome of the assessment."""
    stream = place_of_any(assessment.supplier, assessment.service).stream
    subjects = {subject_in(assessment, outcome) for outcome in assessment.outcomes}
    for held in session.plans(every=False):
        is_concerned = held.stream == stream and held.finding.subject in subjects
        if is_concerned and held.plan.state is PlanState.VERIFIED:
            yield held


def _count(
    session: RegistrySession,
    held: HeldPlan,
    soak: SoakCampaign,
    assessment: Assessment,
    at: Clock,
    actor: str,
    allowed: tuple[ChangeAllowed, ...] = (),
) -> ActionPlan:
    """Record what a campaign shows of a plan, and close the plan if its fix held long enough."""
    measured = SoakMeasured(
        at=at.now(),
        actor=actor,
        plan=held.plan.id,
        soak=soak,
        service=assessment.service,
        scheme=assessment.scheme,
    )
    after = session.advance(held.plan.id, *allowed, measured, supplier=held.supplier)
    if not has_held(after):
        return after
    note = f"held until campaign {soak.campaign}"
    closed = PlanClosed(at=at.now(), actor=actor, plan=after.id, note=note)
    return session.advance(after.id, closed, supplier=held.supplier)


def _meeting(
    held: HeldPlan, soak: SoakCampaign, assessment: Assessment, paths: CampaignPaths
) -> Meeting:
    """Compare a campaign of the soak period with the campaign of the finding.

    One that shows that the fix did not hold counts whatever it was measured with.
    """
    trusted = TrustedContent(paths.journal, paths.registry)
    before = parts_before(held.finding, paths.out)
    parts = with_rules(assessment.measured_with, assessment.rules_version)
    meeting = meeting_of(held.finding, held.plan, assessment.campaign, parts, before, trusted)
    return meeting.as_allowed() if soak.fault else meeting


class SoakReading:
    """Reads from the journal of one campaign what it shows of plans in their soak periods."""

    def __init__(
        self, assessment: Assessment, paths: CampaignPaths, scheme: str | None = None
    ) -> None:
        self._assessment, self._paths, self._scheme = assessment, paths, scheme
        self._begun = begun_at(paths)

    def counts_for(self, plan: ActionPlan) -> bool:
        """Whether the campaign can say something about a plan, and was not counted yet."""
        return counts_for_soak(plan, self._assessment.campaign, self._begun)

    def of(self, held: HeldPlan) -> SoakCampaign | None:
        """What the campaign shows of a plan.

        ``None`` if it has no outcome of the finding's requirement, or a failed precondition, such
        as a filter that was off, voids it.
        """
        from harness.estimate.soak_evidence import level_of_evidence, tally_of  # noqa: PLC0415 - keep the start light
        from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

        finding, outcome = held.finding, self._outcome(held.finding)
        if outcome is None or is_void(
            self._assessment.preconditions, finding.line, finding.profile
        ):
            return None
        with closing(open_journal(self._paths.journal)) as journal:
            new = frozenset(_new_items(journal, held))
            tally = tally_of(self._alone(journal, finding, new))
        total = tally
        for earlier in held.plan.soaks:
            total = total.plus(type(tally)(earlier.tested, earlier.missed))
        level = level_of_evidence(total, outcome.requirement.threshold)
        return SoakCampaign(
            campaign=self._assessment.campaign,
            begun=self._begun,
            conforms=outcome.conformity is Conformity.CONFORMS,
            tested=tally.tested,
            missed=tally.missed,
            level=level,
            fault=_fault(finding, outcome, level),
            items=marks_of(new),
        )

    def _outcome(self, finding: Finding) -> Outcome | None:
        """The outcome of the requirement of a finding in the assessment, if there is one."""
        found = (
            one
            for one in self._assessment.outcomes
            if subject_in(self._assessment, one) == finding.subject
        )
        return next(found, None)

    def _alone(self, journal: Journal, finding: Finding, items: frozenset[str]) -> Outcome | None:
        """The outcome of the requirement of a finding for some items alone."""
        from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light

        scheme = judging_scheme(self._paths.journal, journal.header, self._scheme)
        rows = tuple(row for row in scheme.requirements if row.id == finding.requirement)
        if not items or not rows:
            return None
        corrected = with_corrected_labels(journal, appeals_in(self._paths.registry))
        alone = scheme.model_copy(update={"requirements": rows})
        outcomes = conclude(corrected, alone, only=items).outcomes
        here = (finding.line, finding.profile)
        return next((one for one in outcomes if (one.line, one.profile) == here), None)


def _new_items(journal: Journal, held: HeldPlan) -> Iterator[str]:
    """The items of the finding's kind that no campaign of the soak period tried before."""
    finding, seen = held.finding, seen_in_soak(held.plan)
    codes = codes_of(finding)
    for one in journal.observations():
        is_here = (one.key.line, one.key.profile) == (finding.line, finding.profile)
        is_of_kind = one.role == "item" and any(is_of(one.item.category, code) for code in codes)
        if is_here and is_of_kind and mark_of(one.item.id) not in seen:
            yield one.item.id


def _fault(finding: Finding, outcome: Outcome, level: float) -> str:
    """Why the campaign shows that the fix did not hold; empty if it does not show that."""
    if outcome.conformity is Conformity.DOES_NOT_CONFORM:
        return describe(outcome)
    adverse = {*outcome.metric.witnesses, *(witness.item for witness in outcome.witnesses)}
    again = [item for item in finding.missed if item in adverse]
    if again:
        names = first_of(again, SHOWN)
        return (
            f"{len(again)} of {len(finding.missed)} items that failed at first fail again ({names})"
        )
    if level <= outcome.metric.alpha:
        return (
            "the items that were tried since the fix was verified show that the required rate is "
            f"not reached (e-process, level {level:.2g})"
        )
    return ""
