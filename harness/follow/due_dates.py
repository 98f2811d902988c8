"""All that is due in a stream of the registry: of plans, decisions, appeals, reviews, complaints.

Everything is derived from the stream's events and a given time. A stream holds one supplier, so
what is derived from it names no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from harness.follow.decision_dates import dates_of_decisions, dates_of_records
from harness.follow.escalation import SETTLED
from harness.follow.plan_dates import DueDate, dates_of_plan
from harness.follow.state import StreamState
from harness.model.escalation import Level
from harness.model.obligation import Lane, Obligation

SOON = timedelta(days=14)
"""What is due within this time is in the lane of what is due soon."""

SEVERITIES = ("Crit", "Maj", "Min", "Obs")
"""The severities, worst first."""


def obligations(state: StreamState, now: datetime) -> tuple[Obligation, ...]:
    """Return what is due in a stream, worst first: by lane, then by date, then by severity.

    ``state`` is that after all events of the stream. What is done, or has ended, is not in it.
    """
    return worst_first((*_of_plans(state, now), *_of_others(state, now)))


def worst_first(found: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Return obligations in order: by lane, by date, by severity, and then by names."""
    lanes = tuple(Lane)
    ranks = {name: rank for rank, name in enumerate(SEVERITIES)}

    def urgency(one: Obligation) -> tuple[int, datetime, int, str, str]:
        rank = ranks.get(one.severity, len(ranks))
        return lanes.index(one.lane), one.due, rank, one.supplier, one.id

    return tuple(sorted(found, key=urgency))


def within(found: Iterable[Obligation], days: int, now: datetime) -> tuple[Obligation, ...]:
    """Return the obligations that are overdue, or due within so many days, in their order."""
    return tuple(one for one in found if one.due - now <= timedelta(days=days))


def plan_cards(found: Sequence[Obligation]) -> tuple[Obligation, ...]:
    """Return the most urgent obligation of each plan, in their order.

    ``found`` are in the order of ``worst_first``.
    """
    first: dict[tuple[str, str], Obligation] = {}
    for one in found:
        if one.plan:
            first.setdefault((one.supplier, one.plan), one)
    return tuple(first.values())


def lane_of(due: datetime, now: datetime, level: Level | None = None) -> Lane:
    """The lane of something that is due, whose plan is escalated to ``level``, if it is."""
    if level is not None:
        return Lane.ESCALATED
    if now > due:
        return Lane.OVERDUE
    return Lane.SOON if due - now <= SOON else Lane.ON_TRACK


def overdue_days(due: datetime, now: datetime) -> int:
    """How many days of the calendar (UTC) something is late: 0 on the day on which it was due."""
    return max(0, (now.astimezone(UTC).date() - due.astimezone(UTC).date()).days)


def in_words(
    one: Obligation, now: datetime, day: Callable[[datetime], str] = "{:%Y-%m-%d}".format
) -> str:
    """When an obligation is or was due: ``9 days overdue, was due 2026-11-15``.

    ``day`` writes a date, which it is given in UTC.
    """
    due = one.due.astimezone(UTC)
    original = one.original_due
    moved = f" (at first {day(original.astimezone(UTC))})" if original else ""
    if now > due:
        days = one.overdue_days
        late = f"{_days(days)} overdue" if days else "overdue since today"
        return f"{late}, was due {day(due)}{moved}"
    left = (due.date() - now.astimezone(UTC).date()).days
    when = f"due in {_days(left)}, on" if left else "due today,"
    return f"{when} {day(due)}{moved}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _of_plans(state: StreamState, now: datetime) -> Iterator[Obligation]:
    for plan in state.plans.values():
        finding = state.findings[plan.finding]
        level = None if plan.state in SETTLED else plan.level
        for date in dates_of_plan(plan, finding, now, state.name):
            yield msgspec.structs.replace(
                _obligation(date, state.name, now),
                service=finding.service,
                lane=lane_of(date.due, now, level),
                plan=plan.id,
                finding=finding.id,
                requirement=finding.requirement,
                severity=finding.severity,
                level=level,
                revision=len(plan.history),
            )


def _of_others(state: StreamState, now: datetime) -> Iterator[Obligation]:
    """Yield the obligations about decisions, reviews and complaints."""
    records = state.open_records()
    keys = {record.key for record in records.values()}
    for date in (*dates_of_decisions(state.decisions, keys), *dates_of_records(records)):
        yield _obligation(date, state.name, now)


def _obligation(date: DueDate, supplier: str, now: datetime) -> Obligation:
    return Obligation(
        id=date.id,
        kind=date.kind,
        what=date.what,
        supplier=supplier,
        service=date.service,
        about=date.about,
        due=date.due,
        lane=lane_of(date.due, now),
        party=date.act.party,
        who=date.act.who,
        act=date.act.act,
        original_due=date.original_due,
        overdue_days=overdue_days(date.due, now),
        revision=date.revision,
    )
