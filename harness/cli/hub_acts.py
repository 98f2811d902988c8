"""Record acts of the hub's pages in the registry, by the functions and rules of the commands.

The actor of each event is the person who signed in (``harness.model.person_names.actor_name``): the
name and the id of the account, so that nobody becomes another person by another spelling.
Permission and supplier are checked here, whatever page asked. Nothing is learned about what a
viewer may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.decision_basis import (
    Campaign,
    campaign_of,
    matter_of,
    proposal_for,
    read_campaign,
    state_of,
    versions_of,
)
from harness.cli.decision_making import WantedDecision, decide, recommend
from harness.cli.event_basis import alarms_in, part_of
from harness.cli.hub_follow_up import undecided_id
from harness.cli.monitor_alarms import acknowledge
from harness.cli.paths import CampaignPaths
from harness.cli.plan_agreement import PlanTerms, agreed, submitted
from harness.cli.registry_session import Place, RegistrySession
from harness.cli.site_views import assessment_of
from harness.errors import HarnessError, UsageError
from harness.follow.state import StreamState
from harness.model.action_plan import ActionPlan
from harness.model.decision import Proposal, Status
from harness.model.escalation import Level
from harness.model.event import (
    FixClaimed,
    PlanClosed,
    PlanDetailed,
    PlanEscalated,
    PlanEvent,
    PlanProgressed,
    PlanReturned,
)
from harness.model.hub_access import Permission, Viewer
from harness.model.registry_record import CampaignRecord
from harness.ports.storage import Clock
from reports.dashboard.access import NotHere, require
from reports.dashboard.act_forms import DECIDE, PLAN_ACTS, RECOMMEND
from reports.dashboard.acts import ActRefused, actor_of, sentence_of

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry

CHANGED = (
    "This changed since you opened the page: somebody acted on it, or your form was sent twice. "
    "Read how it stands now before you act."
)


class HubActs:
    """Acts on a registry. ``results`` is the folder of campaigns, ``after_act`` renews the rows."""

    def __init__(
        self,
        registry: Registry,
        results: Path,
        clock: Clock,
        after_act: Callable[[], object] = lambda: None,
    ) -> None:
        self._session = RegistrySession(registry, clock, has_accounts=True)
        self._results, self._clock = results, clock
        self._after_act = after_act

    def act_on_plan(
        self,
        viewer: Viewer,
        stream: str,
        plan: str,
        act: str,
        values: Mapping[str, str],
        revision: int,
    ) -> None:
        """Carry out one of ``PLAN_ACTS``. Raises as ``reports.dashboard.acts.Acts`` says."""
        form = PLAN_ACTS.get(act)
        if form is None:
            raise NotHere
        self._require(viewer, stream, form.permission)
        with self._session.registry.reading(stream) as access:
            if plan not in part_of(access, plans=[plan]).plans:
                raise NotHere
        actor = actor_of(viewer)

        def step(before: ActionPlan) -> PlanEvent:
            if len(before.history) != revision:
                raise UsageError(CHANGED)
            return EVENTS[act](before, values, self._clock.now(), actor)

        with self._refusing(form.permission):
            self._session.advance_in(stream, plan, step)

    def decide(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> str:
        """Decide about a campaign, or again about what a decision was about; return its id."""
        self._require(viewer, stream, DECIDE.permission)
        state = state_of(self._session, stream)
        with self._refusing(DECIDE.permission):
            about = name if name in state.decisions else self._campaign(stream, name, state)
            wanted = _wanted(viewer, values)
            held = decide(
                self._session,
                Place(stream, state.name),
                self._results,
                about,
                wanted,
                self._clock,
                check=_unchanged(revision),
            )
        return held.decision.id

    def recommend(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> None:
        """Review the evaluation of a campaign, and recommend what to decide about it."""
        self._require(viewer, stream, RECOMMEND.permission)
        state = state_of(self._session, stream)
        with self._refusing(RECOMMEND.permission):
            campaign = self._campaign(stream, name, state)
            wanted = _wanted(viewer, values)
            place = Place(stream, state.name)
            recommend(
                self._session, place, campaign, wanted, self._clock, check=_unchanged(revision)
            )

    def acknowledge(self, viewer: Viewer, stream: str, alarm: str, note: str) -> None:
        """Acknowledge an alarm."""
        self._require(viewer, stream, Permission.ACKNOWLEDGE)
        with self._session.registry.reading(stream) as access:
            if alarm not in alarms_in(access):
                raise NotHere
        with self._refusing(Permission.ACKNOWLEDGE):
            acknowledge(self._session, stream, alarm, note, self._clock.now(), actor_of(viewer))

    def proposal(self, viewer: Viewer, stream: str, name: str) -> Proposal:
        """What the rules propose about a campaign, by the assessment that is kept of it."""
        self._require(viewer, stream, Permission.READ_DECISIONS)
        state = state_of(self._session, stream)
        record = _record_of(name, state)
        assessment = assessment_of(record, self._results)
        if assessment is None:
            msg = f"No assessment of campaign {record.id} is kept in the results of this hub."
            raise ActRefused(msg)
        try:
            campaign = campaign_of(assessment, self._paths(record), self._session)
            versions = versions_of(record.of, state)
            matter = matter_of(campaign, versions[0] if versions else "", state)
            return proposal_for(matter, state, self._clock)
        except UsageError as error:
            raise ActRefused(sentence_of(str(error))) from None

    def _require(self, viewer: Viewer, stream: str, permission: Permission) -> None:
        """Raise SignInNeeded, or NotHere unless the viewer may do this in a stream that exists."""
        require(viewer, permission)
        if not viewer.sees(stream) or "\0" in stream:
            raise NotHere
        with self._session.registry.reading(stream) as access:
            if access.head is None:
                raise NotHere

    @contextmanager
    def _refusing(self, permission: Permission) -> Iterator[None]:
        """Turn the refusal of a rule into one for a page, and renew the rows after an act."""
        try:
            yield
        except UsageError as error:
            raise ActRefused(sentence_of(str(error), permission)) from None
        with suppress(HarnessError):  # the act is recorded; its rows are renewed later
            self._after_act()

    def _paths(self, record: CampaignRecord) -> CampaignPaths:
        return CampaignPaths(out=self._results, campaign=record.id)

    def _campaign(self, stream: str, name: str, state: StreamState) -> Campaign:
        """The campaign to decide about, judged now. Raises NotHere, UsageError."""
        record = _record_of(name, state)
        if Path(record.id).name != record.id:
            raise NotHere
        campaign = read_campaign(self._paths(record).home, None, self._clock, self._session)
        is_meant = (campaign.place.stream, campaign.assessment.scheme) == (stream, record.scheme)
        if not is_meant:
            msg = f"campaign {record.id!r} is not the one that is on record; decide by command"
            raise UsageError(msg)
        return campaign


def _record_of(name: str, state: StreamState) -> CampaignRecord:
    """The campaign with that id among the open records. Raises NotHere."""
    for record in reversed(state.open_records().values()):
        if isinstance(record, CampaignRecord) and undecided_id(record.id, record.scheme) == name:
            return record
    raise NotHere


Values = Mapping[str, str]


def _terms(values: Values) -> PlanTerms:
    return PlanTerms(
        owner=values.get("owner", ""),
        action=values.get("action", ""),
        cause=values.get("cause", ""),
        containment=values.get("containment", ""),
        prevention=values.get("prevention", ""),
        explanation=values.get("explanation", ""),
        due=values.get("due", ""),
        milestones=tuple(filter(str.strip, values.get("milestones", "").split("\n"))),
    )


def _number(text: str) -> int:
    """The number of a milestone; 0 for none. Raises UsageError."""
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > len("9999"):
        msg = f"{text!r} is not the number of a milestone"
        raise UsageError(msg)
    return int(text)


def _level(text: str) -> Level:
    try:
        return Level(text)
    except ValueError:
        msg = f"{text!r} is not a level of escalation"
        raise UsageError(msg) from None


def _wanted(viewer: Viewer, values: Values) -> WantedDecision:
    return WantedDecision(
        status=_status(values.get("status", "")),
        reason=values.get("reason", ""),
        version=values.get("version", ""),
        until=values.get("until", ""),
        white_labels=(),
        actor=actor_of(viewer),
        cause=values.get("cause", ""),
    )


def _unchanged(revision: int) -> Callable[[StreamState], None]:
    """A check that nobody decided anything since a page with that many decisions was made."""

    def check(found: StreamState) -> None:
        if len(found.decisions) != revision:
            raise UsageError(CHANGED)

    return check


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        msg = f"{text!r} is not a decision"
        raise UsageError(msg) from None


def _detailed(plan: ActionPlan, values: Values, at: datetime, actor: str) -> PlanEvent:
    return PlanDetailed(
        at=at,
        actor=actor,
        plan=plan.id,
        root_cause=values.get("cause", ""),
        containment=values.get("containment", ""),
        preventive_action=values.get("prevention", ""),
        explanation=values.get("explanation", ""),
    )


def _progressed(plan: ActionPlan, values: Values, at: datetime, actor: str) -> PlanEvent:
    note, number = values.get("note", ""), _number(values.get("milestone", ""))
    return PlanProgressed(at=at, actor=actor, plan=plan.id, note=note, milestone=number)


def _escalated(plan: ActionPlan, values: Values, at: datetime, actor: str) -> PlanEvent:
    return PlanEscalated(
        at=at,
        actor=actor,
        plan=plan.id,
        level=_level(values.get("level", "")),
        reason=values.get("reason", ""),
        exit_criteria=values.get("exit_criteria", ""),
    )


EVENTS: Mapping[str, Callable[[ActionPlan, Values, datetime, str], PlanEvent]] = {
    "submit": lambda plan, values, at, actor: submitted(plan.id, _terms(values), at, actor),
    "agree": lambda plan, values, at, actor: agreed(plan, _terms(values), at, actor),
    "return": lambda plan, values, at, actor: PlanReturned(
        at=at, actor=actor, plan=plan.id, reason=values.get("reason", "")
    ),
    "detail": _detailed,
    "progress": _progressed,
    "claim": lambda plan, values, at, actor: FixClaimed(
        at=at, actor=actor, plan=plan.id, statement=values.get("statement", "")
    ),
    "escalate": _escalated,
    "close": lambda plan, values, at, actor: PlanClosed(
        at=at, actor=actor, plan=plan.id, note=values.get("note", "")
    ),
}
"""The event of each act, from the plan, the values of the form, the time and the actor."""
