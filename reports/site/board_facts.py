"""The board of action plans: what is late, and who must act, by lanes of urgency.

A board is made from the streams it is given alone; nothing of it is counted over others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from harness.follow.due_dates import in_words, obligations, plan_cards, worst_first
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.obligation import Lane, Obligation, Party
from reports.next_steps import STATES, day
from reports.site.page_maker import counted, number_word
from reports.site.stream_view import StreamView
from reports.words import SEVERITIES, capitalised

CLOSED_WITHIN = timedelta(days=365)
"""How long an ended plan is shown."""

STEPS = {
    PlanState.DRAFT: 1,
    PlanState.SUBMITTED: 1,
    PlanState.RETURNED: 1,
    PlanState.AGREED: 2,
    PlanState.IN_PROGRESS: 3,
    PlanState.CLAIMED: 4,
    PlanState.VERIFYING: 5,
    PlanState.VERIFIED: 6,
    PlanState.CLOSED: 7,
}
"""How far a plan has come, in seven steps."""


LATE = (Lane.ESCALATED, Lane.OVERDUE)
"""The lanes that the headline of the board names."""

WAITING = {
    Party.SUPPLIER: "supplier",
    Party.ASSESSOR: "assessor",
    Party.DECISION_MAKER: "decision maker",
}


class PlanCard(NamedTuple):
    """A plan on the board, with what is due first of it; ``step`` is 1 to 7."""

    obligation: Obligation
    title: str
    severity: str
    state: str
    step: int
    when: str
    who: str


class OtherDuty(NamedTuple):
    """Something that is due beside plans: about a decision, an appeal or a review."""

    obligation: Obligation
    when: str
    who: str


class EndedPlan(NamedTuple):
    """A plan that ended; ``days`` from the finding on, ``retests`` how often it was re-tested."""

    plan: ActionPlan
    finding: Finding
    supplier: str
    ended: datetime
    days: int
    retests: int


class Board(NamedTuple):
    """The cards of each lane, the most urgent lane first; every lane is there."""

    lanes: tuple[tuple[Lane, tuple[PlanCard, ...]], ...]
    others: tuple[OtherDuty, ...]
    ended: tuple[EndedPlan, ...]

    @property
    def open_plans(self) -> int:
        """How many plans are open."""
        return sum(len(cards) for _, cards in self.lanes)


def board_of(views: Sequence[StreamView], now: datetime) -> Board:
    """The board of some streams at a time."""
    due = worst_first(one for view in views for one in obligations(view.state, now))
    by_supplier = {view.supplier: view for view in views}
    cards = [_card(one, by_supplier[one.supplier], now) for one in plan_cards(due)]
    ended = sorted(_ended(views, now), key=lambda each: each.ended, reverse=True)
    return Board(
        lanes=tuple(
            (lane, tuple(card for card in cards if card.obligation.lane is lane)) for lane in Lane
        ),
        others=tuple(
            OtherDuty(one, capitalised(in_words(one, now, day)), capitalised(one.who))
            for one in due
            if not one.plan
        ),
        ended=tuple(ended),
    )


def headline_of(board: Board) -> str:
    """How many plans are open, and how many of them are late, in a sentence."""
    late = [(lane, len(cards)) for lane, cards in board.lanes if lane in LATE and cards]
    headline = capitalised(counted(board.open_plans, "open action plan", "open action plans"))
    if late:
        headline += ": " + ", ".join(f"{number_word(count)} {lane}" for lane, count in late)
    return headline


def lead_of(board: Board) -> str:
    """For whom the plans wait, in a sentence."""
    cards = [card for _, cards in board.lanes for card in cards]
    waiting = Counter(card.obligation.party for card in cards)
    told = [
        f"{counted(count, 'waits', 'wait')} for the {WAITING[party]}"
        for party, count in waiting.items()
    ]
    return capitalised(", ".join(told) + ".") if told else "No plan waits for anybody."


def _card(one: Obligation, view: StreamView, now: datetime) -> PlanCard:
    plan, finding = view.state.plan(one.plan), view.state.finding(one.finding)
    return PlanCard(
        obligation=one,
        title=finding.title,
        severity=SEVERITIES.get(finding.severity, finding.severity),
        state=STATES[plan.state],
        step=STEPS.get(plan.state, 7),
        when=capitalised(in_words(one, now, day)),
        who=capitalised(one.who),
    )


def _ended(views: Iterable[StreamView], now: datetime) -> Iterator[EndedPlan]:
    for view in views:
        for plan in view.state.plans.values():
            if plan.ended is not None and now - plan.ended <= CLOSED_WITHIN:
                finding = view.state.finding(plan.finding)
                days = (plan.ended - finding.opened).days
                yield EndedPlan(plan, finding, view.supplier, plan.ended, days, len(plan.retests))
