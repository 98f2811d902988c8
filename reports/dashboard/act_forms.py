"""The forms of the acts on action plans, decisions and alarms, with their fields.

A page shows the forms of what a viewer may probably do now; ``Acts`` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from harness.errors import UsageError
from harness.follow.agreement import agreement_conflict_in
from harness.follow.guards import role_conflict_in
from harness.follow.soak import require_soak
from harness.follow.transitions import verbs_in
from harness.model.action_plan import ActionPlan, PlanState
from harness.model.escalation import LADDER
from harness.model.event import FixClaimed, PlanAgreed, PlanEvent, PlanReturned
from harness.model.hub_access import Permission, Viewer
from reports.dashboard.acts import actor_of, sentence_of

LONGEST_LINE, LONGEST_TEXT = 200, 4000
"""The most characters of a field of one line, and of a text."""

FieldKind = Literal["line", "text", "date", "choice"]
"""One line, several lines, a date such as 2026-03-31, or one of ``choices``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of a form. ``choices`` are values with their words; ``value`` is what it holds."""

    name: str
    label: str
    kind: FieldKind = "text"
    is_required: bool = False
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    value: str = ""

    @property
    def longest(self) -> int:
        """The most characters that are read."""
        return LONGEST_TEXT if self.kind == "text" else LONGEST_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForm:
    """The form of an act. ``obstacle`` says why the viewer cannot act, in place of the fields."""

    name: str
    title: str
    button: str
    permission: Permission
    effect: str = ""
    fields: tuple[FormField, ...] = ()
    obstacle: str = ""


_OWNER = FormField(
    name="owner", label="Who is responsible for the fix", kind="line", is_required=True
)
_ACTION = FormField(
    name="action", label="Corrective action: how the failure is fixed", is_required=True
)
_DETAILS = (
    FormField(name="cause", label="Root cause", hint="Needed before the fix can be claimed."),
    FormField(
        name="containment",
        label="Containment: what limits the failure until then",
        hint="Required if the finding is critical.",
    ),
    FormField(
        name="prevention",
        label="Prevention: what keeps it from coming back",
        hint="Needed before the fix can be claimed.",
    ),
    FormField(name="explanation", label="The supplier's own explanation"),
)
_DATES = (
    FormField(
        name="due",
        label="Fixed by (date)",
        kind="date",
        hint="Leave it empty to keep the date of the plan. An earlier date is possible.",
    ),
    FormField(
        name="milestones",
        label="Milestones, one a line: title=date",
        hint="Such as: Fix in the service=2026-03-31. Empty: those of the plan stay.",
    ),
)
_TERMS = (_OWNER, _ACTION, *_DETAILS, *_DATES)

PLAN_ACTS: Mapping[str, ActForm] = {
    form.name: form
    for form in (
        ActForm(
            name="submit",
            title="Submit the plan",
            button="Submit the plan",
            permission=Permission.PROPOSE_PLAN,
            effect="The assessor then agrees it, or returns it with a reason.",
            fields=_TERMS,
        ),
        ActForm(
            name="agree",
            title="Agree the plan",
            button="Agree the plan",
            permission=Permission.AGREE_PLAN,
            effect="The supplier is then bound by its dates.",
            fields=_TERMS,
        ),
        ActForm(
            name="return",
            title="Return the plan",
            button="Return the plan",
            permission=Permission.AGREE_PLAN,
            effect="The supplier changes it and submits it again.",
            fields=(FormField(name="reason", label="What has to change", is_required=True),),
        ),
        ActForm(
            name="detail",
            title="Complete the plan",
            button="Record the details",
            permission=Permission.PROPOSE_PLAN,
            effect="A plan that was signed must then be signed again.",
            fields=_DETAILS,
        ),
        ActForm(
            name="progress",
            title="Report progress",
            button="Report progress",
            permission=Permission.PROPOSE_PLAN,
            fields=(
                FormField(name="note", label="What was done", is_required=True),
                FormField(name="milestone", label="Milestone that was reached", kind="choice"),
            ),
        ),
        ActForm(
            name="claim",
            title="Claim the fix",
            button="Claim the fix",
            permission=Permission.PROPOSE_PLAN,
            effect="Somebody else then re-tests it. Only the re-test verifies the fix.",
            fields=(
                FormField(name="statement", label="What was fixed, and how", is_required=True),
            ),
        ),
        ActForm(
            name="close",
            title="Close the plan",
            button="Close the plan",
            permission=Permission.CLOSE_PLAN,
            effect="A closed plan never opens again.",
            fields=(FormField(name="note", label="Closing remark"),),
        ),
        ActForm(
            name="escalate",
            title="Escalate the plan",
            button="Escalate the plan",
            permission=Permission.AGREE_PLAN,
            fields=(
                FormField(name="level", label="New level", kind="choice", is_required=True),
                FormField(name="reason", label="Why", is_required=True),
                FormField(
                    name="exit_criteria", label="What must happen for it to end", is_required=True
                ),
            ),
        ),
    )
}
"""The acts on a plan by their names, which are also the verbs of ``verbs_in``."""

DECIDE = ActForm(
    name="decide",
    title="Decide",
    button="Record the decision",
    permission=Permission.DECIDE,
    effect="Your name is recorded with it. It replaces the decision before.",
    fields=(
        FormField(name="status", label="Decision", kind="choice", is_required=True),
        FormField(name="reason", label="Why", is_required=True),
        FormField(name="version", label="Version of the service", kind="choice", is_required=True),
        FormField(
            name="until",
            label="Accredited until (date)",
            kind="date",
            hint="Only of an accreditation. Empty: 12 months from now, the longest time.",
        ),
    ),
)
"""Decide about a campaign."""

RECOMMEND = replace(
    DECIDE,
    name="recommend",
    title="Review the evaluation",
    button="Record the review",
    permission=Permission.REVIEW,
    effect="Your name is recorded with it. Somebody else then decides.",
    fields=(
        FormField(name="status", label="Recommendation", kind="choice", is_required=True),
        *DECIDE.fields[1:3],
    ),
)
"""Review a campaign, and recommend what to decide about it."""

DECIDE_AGAIN = replace(
    DECIDE,
    title="Suspend, withdraw or end",
    effect="Your name is recorded with it. Without a new campaign nothing better can be decided.",
    fields=(
        FormField(
            name="status",
            label="Decision",
            kind="choice",
            is_required=True,
            choices=(
                ("suspended", "Suspend"),
                ("withdrawn", "Withdraw"),
                ("terminated", "End it, as the supplier asks"),
            ),
        ),
        FormField(name="reason", label="Why", is_required=True),
        FormField(
            name="cause",
            label="Because of",
            hint="An alarm or plan, such as A-0001, or the name of a complaint. May be empty.",
        ),
    ),
)
"""Decide again about what an earlier decision was about, without a campaign."""

ACKNOWLEDGE = ActForm(
    name="acknowledge",
    title="Acknowledge",
    button="Acknowledge the alarm",
    permission=Permission.ACKNOWLEDGE,
    effect="Others see who acknowledged it. It still waits for its re-test.",
    fields=(FormField(name="note", label="What you will do", is_required=True),),
)
"""Acknowledge an alarm."""


def forms_of_plan(plan: ActionPlan, viewer: Viewer, now: datetime) -> Iterator[ActForm]:
    """The forms of what a viewer may do about a plan now.

    One that the rules would refuse to the viewer whatever is typed has an ``obstacle``.
    """
    possible = verbs_in(plan.state)
    for form in PLAN_ACTS.values():
        if form.name in possible and viewer.may(form.permission):
            refusal = _obstacle(form.name, plan, viewer, now)
            yield replace(
                form,
                fields=_fields(form, plan),
                obstacle=sentence_of(refusal, form.permission) if refusal else "",
            )


def _fields(form: ActForm, plan: ActionPlan) -> tuple[FormField, ...]:
    """The fields of a form, with what the plan holds; what was submitted is agreed as it is."""
    if form.name == "agree" and plan.state is PlanState.SUBMITTED:
        return ()
    return tuple(_filled(each, plan) for each in form.fields)


def _filled(empty: FormField, plan: ActionPlan) -> FormField:
    """A field with its choices, and with what the plan holds."""
    if empty.name == "milestone":
        left = [(str(n), step) for n, step in enumerate(plan.milestones, 1) if step.done is None]
        choices = [(n, f"{step.title}, due {step.due:%Y-%m-%d}") for n, step in left]
        return replace(empty, choices=(("", "None"), *choices))
    if empty.name == "level":
        higher = LADDER[LADDER.index(plan.level) + 1 :] if plan.level else LADDER
        return replace(empty, choices=tuple((str(x), str(x).replace("-", " ")) for x in higher))
    if plan.state is PlanState.DRAFT and empty.name in ("owner", "action"):
        return empty  # a draft names neither yet
    texts = {
        "owner": plan.owner,
        "action": plan.corrective_action,
        "cause": plan.root_cause,
        "containment": plan.containment,
        "prevention": plan.preventive_action,
        "explanation": plan.explanation,
    }
    return replace(empty, value=texts.get(empty.name, ""))


def _obstacle(act: str, plan: ActionPlan, viewer: Viewer, now: datetime) -> str:
    """Why the rules refuse an act to a viewer whatever is typed; empty if they do not."""
    event = _example_of(act, plan, actor_of(viewer), now)
    if act == "close":
        try:
            require_soak(plan)
        except UsageError as error:
            return str(error)
    return agreement_conflict_in(plan, event) or role_conflict_in(plan, event) or ""


def _example_of(act: str, plan: ActionPlan, actor: str, at: datetime) -> PlanEvent:
    """An event of an act, by which its roles can be checked before anything is typed."""
    if act == "agree":
        action = plan.corrective_action
        return PlanAgreed(
            at=at, actor=actor, plan=plan.id, owner=plan.owner, corrective_action=action
        )
    if act == "claim":
        return FixClaimed(at=at, actor=actor, plan=plan.id, statement="")
    return PlanReturned(at=at, actor=actor, plan=plan.id, reason="")
