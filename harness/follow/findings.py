"""Open findings, with draft plans, for the requirements that an assessment shows were not met."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from harness.follow.deadlines import latest_due, milestones_of
from harness.follow.retest_levels import sample_rule
from harness.follow.state import StreamState
from harness.model.action_plan import Finding, FollowUp, Subject, subject_of
from harness.model.content_identity import about, with_rules
from harness.model.coverage import format_threshold, format_value
from harness.model.event import Event, FindingOpened, PlanDrafted
from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, Conformity, Outcome

TO_BE_NAMED = "to be agreed"
"""The owner and corrective action of a draft, until the supplier names them."""


def follow(
    assessment: Assessment, state: StreamState, at: datetime, actor: str
) -> tuple[Event, ...]:
    """The events that follow from an assessment: a finding and a draft plan for each failure."""
    return tuple(
        event
        for finding in open_findings(assessment, at, state)
        for event in (
            FindingOpened(at=at, actor=actor, finding=finding),
            draft_plan(finding, at=at, actor=actor),
        )
    )


def open_findings(
    assessment: Assessment, opened: datetime, state: StreamState
) -> tuple[Finding, ...]:
    """One new finding for each binding outcome that does not conform.

    An insufficient outcome opens none. Neither does one whose finding is still open, or was opened
    by the same campaign, which is no new evidence. A failure that returns after its plan was closed
    is a new finding with ``recurrence_of``; that of a superseded plan was never fixed.
    """
    findings: list[Finding] = []
    for outcome in assessment.outcomes:
        if outcome.conformity is not Conformity.DOES_NOT_CONFORM or not outcome.requirement.binding:
            continue
        number = state.number + len(findings) + 1
        finding = finding_in(assessment, outcome, number, opened)
        earlier = state.same_subject(finding)
        if any(
            not state.is_settled(other.id) or _is_of(other, assessment, state) for other in earlier
        ):
            continue
        if came_back := [other for other in earlier if state.was_fixed(other.id)]:
            finding = replace(finding, recurrence_of=came_back[-1].id)
        findings.append(finding)
    return tuple(findings)


def follow_ups(assessment: Assessment, state: StreamState) -> tuple[FollowUp, ...]:
    """The findings that follow up the failures of an assessment, each with its plan.

    A finding that was settled before this campaign is left out: its plan says nothing about a
    failure that came back.
    """
    latest = {finding.subject: finding for finding in state.findings.values()}
    found = []
    for outcome in assessment.outcomes:
        finding = latest.get(subject_in(assessment, outcome))
        if finding is None or outcome.conformity is not Conformity.DOES_NOT_CONFORM:
            continue
        if not state.is_settled(finding.id) or _is_of(finding, assessment, state):
            found.append(FollowUp(finding=finding, plan=state.plan_of(finding.id)))
    return tuple(found)


def subject_in(assessment: Assessment, outcome: Outcome) -> Subject:
    """Return what a finding about an outcome would be about."""
    place = outcome.requirement.id, outcome.profile, outcome.line
    return subject_of(assessment.supplier, assessment.service, assessment.scheme, place)


def draft_plan(finding: Finding, *, at: datetime, actor: str) -> PlanDrafted:
    """The draft of a finding's only plan; its severity sets the due date (METHOD (d))."""
    return PlanDrafted(
        at=at,
        actor=actor,
        plan=f"P{finding.id.removeprefix('F')}",
        finding=finding.id,
        owner=finding.supplier or TO_BE_NAMED,
        corrective_action=TO_BE_NAMED,
        due=latest_due(finding),
        milestones=milestones_of(finding),
    )


def finding_in(assessment: Assessment, outcome: Outcome, number: int, opened: datetime) -> Finding:
    """Return the finding of that number about a failed outcome, opened at a time."""
    requirement = outcome.requirement
    missed = outcome.metric.witnesses or tuple(witness.item for witness in outcome.witnesses)
    categories = dict.fromkeys(witness.category for witness in outcome.witnesses)
    return Finding(
        id=f"F-{number:04d}",
        campaign=assessment.campaign,
        requirement=requirement.id,
        title=requirement.title,
        severity=requirement.severity,
        scheme=assessment.scheme,
        scheme_version=assessment.scheme_version,
        profile=outcome.profile,
        line=outcome.line,
        statement=describe(outcome),
        missed=tuple(dict.fromkeys(missed)),
        categories=requirement.measure.categories or tuple(categories),
        sampled=outcome.metric.n,
        opened=opened,
        service=assessment.service,
        supplier=assessment.supplier,
        metric=requirement.measure.metric,
        measured_with=about(
            with_rules(assessment.measured_with, assessment.rules_version),
            outcome.line,
            outcome.profile,
        ),
        rule=sample_rule(requirement, outcome.metric.alpha),
    )


def describe(outcome: Outcome, what: str = "items") -> str:
    """Say in plain words what was counted and what is required, as in a report.

    ``what`` names the items: "12 of 59 fresh items got through; none may".
    """
    metric, requirement = outcome.metric, outcome.requirement
    spec, threshold = spec_of(metric.name), requirement.threshold
    value = format_value(metric.value, metric.unit)
    if spec.verb:
        counted = f"{metric.k} of {metric.n} {what} {spec.verb}"
        counted += f" ({value})" if metric.unit == "share" else ""
    else:
        counted = f"{spec.title}: {value}"
    if threshold is None:
        return counted
    if spec.verb and metric.unit != "share" and threshold.at_most == 0:
        return f"{counted}; none may"
    return f"{counted}; {format_threshold(threshold, metric.unit)} is required"


def _is_of(finding: Finding, assessment: Assessment, state: StreamState) -> bool:
    """Whether a finding came from this campaign, or was re-tested in it."""
    plan = state.plan_of(finding.id)
    retests = {retest.campaign for retest in plan.retests} if plan else set()
    return assessment.campaign in {finding.campaign, *retests}
