"""Facts of action plans, decisions and alarms, as documents keep them (JSON of these structs).

They hold dates, and nothing that depends on the time at which they are read: whether something is
overdue is computed when a page is made.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from harness.model.action_plan import ActionPlan, Finding
from harness.model.alarm import Alarm
from harness.model.decision import AccreditationStop, HeldDecision, Status

PLAN, DECISION, ALARM = "plan", "decision", "alarm"
"""The kinds of the documents."""

OPEN, ESCALATED, ENDED = "open", "escalated", "ended"
"""The states of a plan's document, and of an alarm's: ``open`` until a re-test decided it.

A plan that is escalated, and whose fix is not verified, is ``escalated`` in place of ``open``.
"""

TO_DECIDE, STANDING, REPLACED = "to-decide", "standing", "replaced"
"""The states of a decision's document: a campaign without a decision, or a decision."""

MOST_NAMED = 20
"""How many missed items a document names at most."""


class PlanEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a plan: when it happened, who did it, and what it says."""

    at: datetime
    actor: str
    words: str


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with its finding. ``revision`` is the number of its events.

    ``plan`` is without its history, which ``entries`` tell; lists of missed items are cut to
    ``MOST_NAMED``, of ``missed`` in all. ``are_current`` says of each signature whether it is of
    the present terms.
    """

    supplier: str
    finding: Finding
    plan: ActionPlan
    revision: int
    missed: int
    entries: tuple[PlanEntry, ...] = ()
    are_current: tuple[bool, ...] = ()


class DecisionFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision. ``stops`` are what stops its accreditation, the gravest last.

    ``replaced_by`` is the id of the next decision about the same, ``measured_by`` who evaluated the
    service, and ``number`` counts the decisions of the supplier.
    """

    supplier: str
    held: HeldDecision
    number: int
    stops: tuple[AccreditationStop, ...] = ()
    replaced_by: str = ""
    measured_by: tuple[str, ...] = ()


class Recommended(msgspec.Struct, frozen=True, kw_only=True):
    """What a review of an evaluation recommends, for which version, by whom, and why."""

    version: str
    status: Status
    reason: str
    by: str
    at: datetime


class UndecidedCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that was concluded since the last decision about its service and scheme.

    ``conforms``, ``does_not_conform`` and ``insufficient`` count its binding outcomes, ``versions``
    are those of the service on record. ``people`` measured it, act in its plans or speak for the
    supplier, and so may not decide; ``measured_by`` of them measured it. ``recommended`` are the
    reviews of its evaluation.
    """

    supplier: str
    service: str
    scheme: str
    scheme_version: str
    campaign: str
    at: datetime
    conforms: int
    does_not_conform: int
    insufficient: int
    number: int
    versions: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    measured_by: tuple[str, ...] = ()
    recommended: tuple[Recommended, ...] = ()


class AlarmFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm; ``plans`` are those of the findings that its re-tests opened.

    ``answer`` is the decision that followed, ``is_to_decide`` says that one on suspension is due.
    """

    supplier: str
    alarm: Alarm
    plans: tuple[str, ...] = ()
    answer: HeldDecision | None = None
    is_to_decide: bool = False


PLANS = msgspec.json.Decoder(PlanFacts)
DECISIONS = msgspec.json.Decoder(DecisionFacts)
UNDECIDED = msgspec.json.Decoder(UndecidedCampaign)
ALARMS = msgspec.json.Decoder(AlarmFacts)
