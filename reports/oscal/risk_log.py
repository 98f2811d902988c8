"""What happened with a plan, as the log of its risk in OSCAL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from harness.model.action_plan import ActionPlan, RetestResult
from harness.model.deviation import Deviation, DeviationState
from reports.oscal.pieces import Piece, id_of, marked, time_of


class Entry(NamedTuple):
    """One thing that happened: when, of which kind in OSCAL's words, and what."""

    at: datetime
    kind: str
    title: str
    text: str


def entries_of(plan: ActionPlan, risk: str) -> list[Piece]:
    """The log of a plan, oldest first; ``risk`` is the id of its risk."""
    found = sorted(_all(plan), key=lambda each: each.at)
    return [
        {
            "uuid": id_of(risk, "entry", str(number)),
            "title": marked(entry.title),
            "description": marked(entry.text),
            "start": time_of(entry.at),
            "props": [{"name": "type", "value": entry.kind}],
        }
        for number, entry in enumerate(found, 1)
    ]


def _all(plan: ActionPlan) -> Iterator[Entry]:
    yield Entry(plan.opened, "status-update", "Plan drafted", f"Plan {plan.id} was drafted")
    for step in plan.milestones:
        if step.done is not None:
            yield Entry(step.done, "milestone-complete", "Milestone reached", step.title)
    for each in plan.check_ins:
        yield Entry(each.at, "vendor-check-in", f"{each.vendor} checked in", each.result)
    for one in plan.extensions:
        moved = f"from {time_of(one.was)} to {time_of(one.due)}: {one.reason}"
        yield Entry(one.at, "status-update", "Due date moved", moved)
    for notice in plan.counted_escalations:
        yield Entry(notice.at, "status-update", f"Escalated to {notice.level}", notice.reason)
    for deviation in plan.deviations:
        yield from _deviation(deviation)
    for retest in plan.retests:
        verified = retest.outcome is RetestResult.CONFORMS
        kind = "remediated" if verified else "status-update"
        yield Entry(retest.at, kind, f"Re-test: {retest.outcome}", retest.statement)
    if plan.ended is not None:
        yield Entry(plan.ended, "closed", f"Plan {plan.state}", f"Plan {plan.id} is {plan.state}")


def _deviation(deviation: Deviation) -> Iterator[Entry]:
    kind, until = deviation.kind, time_of(deviation.until)
    asked = f"{kind} until {until}: {deviation.reason}"
    yield Entry(deviation.requested, "dr-submission", f"Deviation requested: {kind}", asked)
    if deviation.decided is not None and deviation.state is not DeviationState.REQUESTED:
        what = "dr-approved" if deviation.state is DeviationState.APPROVED else "dr-rejected"
        title = f"Deviation {deviation.state}: {kind}"
        yield Entry(deviation.decided, what, title, deviation.decision or asked)
