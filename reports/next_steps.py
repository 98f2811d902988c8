"""What happens after an assessment: a row for each failure, and for what could not be decided.

A failure's next step, date and owner come from its action plan. What could not be decided has no
plan; its next step follows from what was missing, and is the assessor's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.model.action_plan import ActionPlan, FollowUp, PlanState, RetestResult
from harness.model.metric import NOT_IMPLEMENTED, Part
from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, Conformity, Outcome, is_void
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.model.person_names import shown_name
from reports import phrases
from reports.documents import Report
from reports.words import SEVERITIES, capitalised, category_name, with_names

ASSESSOR = "The assessor"
NO_PLAN = "None yet: accredit run opens it"
NOT_A_FAILURE = "None: not a failure"
STATES = {
    PlanState.DRAFT: "not yet agreed",
    PlanState.SUBMITTED: "submitted, not yet agreed",
    PlanState.RETURNED: "returned to be changed",
    PlanState.AGREED: "agreed",
    PlanState.IN_PROGRESS: "in progress",
    PlanState.CLAIMED: "fix claimed",
    PlanState.VERIFYING: "re-test running",
    PlanState.VERIFIED: "re-test passed",
    PlanState.CLOSED: "closed",
    PlanState.SUPERSEDED: "ended: the scheme changed",
}
UNPASSED = {
    RetestResult.DOES_NOT_CONFORM: "failed",
    RetestResult.INSUFFICIENT: "could not be decided",
}
NAMED = 3
"""How many subjects a row of undecided checks names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One row: what was found of ``outcomes``, and what happens next, when and by whom.

    ``due`` is empty if no date is set; ``late`` says that it has passed. ``retested`` is the
    day of the re-test that a closed plan passed, else empty.
    """

    outcomes: tuple[Outcome, ...]
    subject: str
    found: str
    text: str
    owner: str
    plan: str
    due: str = ""
    late: bool = False
    retested: str = ""

    @property
    def conformity(self) -> Conformity:
        """That of its outcomes."""
        return self.outcomes[0].conformity

    @property
    def severity(self) -> str:
        """How severe a failure is, in words."""
        return SEVERITIES[self.outcomes[0].requirement.severity]


def next_steps(report: Report) -> tuple[NextStep, ...]:
    """The rows of a report, failures first; of them those whose plan is not closed first."""
    binding = [each for each in report.assessment.outcomes if each.requirement.binding]
    plans = {_place(each): each for each in report.follow_ups}
    failed = [
        _failure(outcome, plans.get(_place_of(outcome)), report.read)
        for outcome in binding
        if outcome.conformity is Conformity.DOES_NOT_CONFORM
    ]
    failed.sort(key=lambda step: bool(step.retested))
    undecided = (each for each in binding if each.conformity is Conformity.INSUFFICIENT)
    return (*failed, *_undecided(report.assessment, undecided))


def lead(report: Report, steps: Iterable[NextStep]) -> str:
    """What became of the failures since, in one or two sentences, and what was not tested."""
    return " ".join(filter(None, (_lead(report, steps), phrases.beyond(report.assessment))))


def _lead(report: Report, steps: Iterable[NextStep]) -> str:
    assessment = report.assessment
    failed = [step for step in steps if step.conformity is Conformity.DOES_NOT_CONFORM]
    if not failed:
        return _without_failures(assessment)
    fixed = sum(bool(step.retested) for step in failed)
    plans = {_place(each): each.plan for each in report.follow_ups}
    left = [plans.get(_place_of(step.outcomes[0])) for step in failed if not step.retested]
    dues = [plan.due for plan in left if plan is not None and not plan.is_ended]
    parts = [_fixed(fixed)] if fixed else []
    if dues:
        parts.append(f"{_to_close(len(dues), len(left), fixed)} by {day(max(dues))}.")
    without = left.count(None)
    if without and dues:
        parts.append(f"{_number(without)} {_plural(without, 'has', 'have')} no action plan yet.")
    elif without:
        parts.append("No action plan is open yet.")
    return " ".join(parts)


def _fixed(count: int) -> str:
    return (
        f"{_number(count)} {_plural(count, 'failure has', 'failures have')} since been fixed "
        f"and passed {_plural(count, 'its re-test', 'their re-tests')}."
    )


def _to_close(planned: int, left: int, fixed: int) -> str:
    """Which failures have a plan: "The failure", "Both", "All 3", "The other 2", "1 of 3"."""
    if planned < left:
        subject = f"{planned:,} of {'the other ' if fixed else ''}{left:,} failures"
    elif fixed:
        subject = _plural(left, "The other", f"The other {left:,}")
    else:
        subject = {1: "The failure", 2: "Both"}.get(left, f"All {left:,}")
    return f"{subject} must be closed"


def day(moment: datetime) -> str:
    """A day as people write it: "1 December 2026"; day and month stay on one line."""
    return f"{moment.day}\N{NO-BREAK SPACE}{moment:%B %Y}"


def ago(at: datetime | None, now: datetime) -> str:
    """When something was, as people say it: "today, 04:31", "yesterday", "9 days ago"."""
    if at is None:
        return "never"
    days = (now.date() - at.date()).days
    if days <= 0:
        return f"today, {at:%H:%M}"
    return "yesterday" if days == 1 else f"{days} days ago"


def _without_failures(assessment: Assessment) -> str:
    counts = phrases.tally(assessment)
    undecided, total = counts[Conformity.INSUFFICIENT], sum(counts.values())
    if not total:
        return "No requirement that binds was decided, so nothing is shown to conform."
    if not undecided:
        limit = f" This holds for the {assessment.qualifier}." if assessment.qualifier else ""
        return f"Nothing failed.{limit}"
    checks = _plural(total, "check", "checks")
    return (
        f"Nothing failed, but {undecided} of {total} {checks} could not be decided. "
        "This is never a pass."
    )


def _place(each: FollowUp) -> tuple[str, str, str]:
    return each.finding.requirement, each.finding.profile, each.finding.line


def _place_of(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.requirement.id, outcome.profile, outcome.line


def _failure(outcome: Outcome, follow_up: FollowUp | None, read: datetime | None) -> NextStep:
    found = phrases.count_and_rule(outcome)
    subject = outcome.requirement.subject
    if follow_up is None or follow_up.plan is None:
        text = "Open an action plan, which says who fixes this and by when."
        return NextStep(
            outcomes=(outcome,),
            subject=subject,
            found=found,
            text=text,
            owner=ASSESSOR,
            plan=NO_PLAN,
        )
    plan = follow_up.plan
    is_closed = plan.state is PlanState.CLOSED
    return NextStep(
        outcomes=(outcome,),
        subject=subject,
        found=found,
        text=_step_of(plan, follow_up),
        owner=plan.owner,
        plan=f"{plan.id}, {STATES[plan.state]}",
        due=day(plan.due),
        late=read is not None and plan.is_overdue(read),
        retested=day(plan.retests[-1].at) if is_closed and plan.retests else "",
    )


def _step_of(plan: ActionPlan, follow_up: FollowUp) -> str:
    """What happens next under a plan, in sentences."""
    owner, action = plan.owner, plan.corrective_action
    match plan.state:
        case PlanState.CLOSED:
            said = [_sentence(plan.root_cause), _sentence(action), _retested(plan)]
        case PlanState.VERIFIED:
            said = [_retested(plan), _soaking(plan)]
        case PlanState.VERIFYING:
            said = [f"A re-test is running (campaign {plan.verifying})."]
        case PlanState.CLAIMED:
            said = [f"{shown_name(plan.claimed_by)} says that it is fixed. A re-test must show it."]
        case PlanState.SUPERSEDED:
            said = ["A campaign by the new version of the scheme shows what holds now."]
        case PlanState.DRAFT | PlanState.SUBMITTED | PlanState.RETURNED:
            said = [_milestones(plan)]
        case _:
            said = [f"{owner} agreed to do this: {_sentence(action)}", _milestones(plan)]
    said.insert(0, _not_passed(plan))
    if plan.approved and not plan.is_ended:
        last = max(plan.approved, key=plan.excused_until)
        said.append(f"A deviation is agreed until {day(plan.excused_until(last))}.")
    if follow_up.finding.recurrence_of:
        said.append(f"This failure came back after {follow_up.finding.recurrence_of} was closed.")
    return " ".join(filter(None, said))


def _soaking(plan: ActionPlan) -> str:
    """What closes a plan whose fix was verified."""
    if (ends := plan.soak_ends) is None:
        return "The assessor closes the plan."
    return f"A campaign after {day(ends)} must show that the fix holds."


def _milestones(plan: ActionPlan) -> str:
    steps = [
        f"{_lower(each.title)} by {day(each.due)}" for each in plan.milestones if not each.done
    ]
    return _sentence("; ".join(steps))


def _not_passed(plan: ActionPlan) -> str:
    """That the last re-test failed, decided nothing, or its fix did not hold; empty otherwise."""
    last = plan.retests[-1] if plan.retests else None
    if last is not None and plan.soaks and plan.soaks[-1].fault:
        return f"The re-test on {day(last.at)} passed, but the fix did not hold."
    if last is None or last.outcome not in UNPASSED:
        return ""
    return f"The re-test on {day(last.at)} {UNPASSED[last.outcome]}."


def _retested(plan: ActionPlan) -> str:
    if not plan.retests:
        return ""
    last = plan.retests[-1]
    still, tested = len(last.missed_still_failing), last.missed_tested
    if tested == 1:
        missed = f"the missed item {'still failed' if still else 'was handled rightly'}"
    elif still:
        missed = f"{still} of {tested} missed items still failed"
    else:
        missed = f"all {tested} missed items were handled rightly"
    fresh = (
        "1 fresh item was" if last.fresh_tested == 1 else f"{last.fresh_tested} fresh items were"
    )
    return f"At the re-test {missed}, and {fresh} tried."


def _undecided(assessment: Assessment, outcomes: Iterable[Outcome]) -> list[NextStep]:
    """One row for all checks with the same reason and next step."""
    grouped: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault((why(outcome), _step_for(assessment, outcome)), []).append(outcome)
    return [_undecided_row(reason, text, each) for (reason, text), each in grouped.items()]


def _undecided_row(reason: str, text: str, outcomes: list[Outcome]) -> NextStep:
    subjects = list(dict.fromkeys(each.requirement.subject for each in outcomes))
    more = len(subjects) - NAMED
    subject = "; ".join(subjects[:NAMED]) + (f"; and {more} more" if more > 0 else "")
    first = outcomes[0]
    counted = _counted(first) if len(outcomes) == 1 and first.metric.n else ""
    return NextStep(
        outcomes=tuple(outcomes),
        subject=subject,
        found=" ".join(filter(None, (_sentence(counted), _sentence(reason)))),
        text=text,
        owner=ASSESSOR,
        plan=NOT_A_FAILURE,
    )


def why(outcome: Outcome) -> str:
    """Why an outcome could not be decided, in words."""
    few = short_parts(outcome)
    if few and all("decided, at least" in reason for reason in outcome.reasons):
        counts = ", ".join(f"{category_name(each.group)} {each.metric.counted}" for each in few)
        least = outcome.requirement.n_min
        return f"Too few were decided: {counts}; at least {least} of each are needed"
    reasons = phrases.tight(with_names("; ".join(outcome.reasons)))
    return reasons or "There is too little evidence for a decision"


def short_parts(outcome: Outcome) -> tuple[Part, ...]:
    """The parts on which conformity rests and that have too few decided items."""
    least = outcome.requirement.n_min
    return tuple(
        part for part in outcome.metric.parts if part.is_basis and part.metric.counted < least
    )


def _counted(outcome: Outcome) -> str:
    """What was counted; where too few items of the deciding kind were, of that kind alone."""
    few, verb = short_parts(outcome), spec_of(outcome.metric.name).verb
    if not few or not verb:
        return phrases.count(outcome)
    basis = [part for part in outcome.metric.parts if part.is_basis]
    k, n = sum(part.metric.k for part in basis), sum(part.metric.n for part in basis)
    noun = phrases.NOUNS.get(few[0].source.kind, "items")
    return f"{k:,} of {n:,} {noun} {verb}"


def _step_for(assessment: Assessment, outcome: Outcome) -> str:
    """The next step, by the first thing that is missing."""
    if outcome.metric.method == NOT_IMPLEMENTED:
        return "Show it by other evidence: Accredit has no test for it yet."
    if outcome.metric.name in JUDGED_BY_PEOPLE:
        return "Let two people judge it, each alone: accredit assess."
    if is_void(assessment.preconditions, outcome.line, outcome.profile):
        return "Repair what the reason names (line, filter or origin), and measure again."
    return _more_items(outcome)


def _more_items(outcome: Outcome) -> str:
    """What to measure so that an outcome can be decided."""
    metric, least = outcome.metric, outcome.requirement.n_min
    if not metric.tried:
        text = "Add items of these categories to the campaign, and measure again."
    elif not metric.n:
        text = "None of the items could be decided. Find out why, and measure them again."
    elif few := short_parts(outcome):
        noun = phrases.NOUNS.get(few[0].source.kind, "items")
        text = f"Test more {noun}: at least {least} of each category."
    elif metric.counted < least:
        text = f"Test more items: at least {least}."
    elif metric.indeterminate:
        text = "Measure the undecided items again."
    else:
        text = "Test more items, so that the bar is shorter, or settle the reason given here."
    return text


def _sentence(text: str) -> str:
    """The text as a sentence, with a capital letter and a full stop."""
    text = text.strip()
    return f"{capitalised(text.rstrip('.'))}." if text else ""


def _lower(text: str) -> str:
    """The text within a sentence: "Lists are loaded" gets a small letter, "DNS lists" do not."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[:2] == "A " else text


def _number(count: int) -> str:
    return "One" if count == 1 else f"{count:,}"


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
