"""Rows of a supplier's or assessor's own table of plans, as events of plans in the registry.

Every row is checked first; with a fault there are no events. What the registry holds already makes
no event, so that the same table can be given again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import msgspec

from harness.errors import Fault, UsageError, known
from harness.follow.event_words import describe
from harness.follow.guards import DETAILS
from harness.follow.state import StreamState
from harness.model.action_plan import CONTAINED, ActionPlan, Milestone, PlanState
from harness.model.event import PlanDetailed, PlanEvent, PlanProgressed, PlanSubmitted

PLACE = ("requirement", "profile", "line")
"""The columns that say which plan a row is about, where ``plan`` is empty."""

TEXTS = (
    "owner",
    "corrective action",
    "root cause",
    "containment",
    "preventive action",
    "explanation",
)
"""The columns that a plan has one text of."""

DATES = ("due", "milestone due")
"""The columns that hold a date."""

COLUMNS = ("plan", *PLACE, *TEXTS, "due", "milestone", "milestone due", "done", "progress")
"""All columns of a table of plans."""

LONGEST_TEXT = 4000
"""The most characters of a cell."""


class PlannedRow(NamedTuple):
    """A row of a table: its number in the file, and its cells that are not empty, by column."""

    number: int
    cells: Mapping[str, str | date]


class CheckedTable(NamedTuple):
    """The events that a table asks for, what they do, in words, and the faults of its rows."""

    events: tuple[PlanEvent, ...]
    said: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Wanted:
    """What the rows of one plan ask for. ``reports`` are a note and a milestone's title or ''."""

    first: int
    values: dict[str, str | date] = field(default_factory=dict)
    milestones: list[Milestone] = field(default_factory=list)
    reports: list[tuple[str, str]] = field(default_factory=list)

    def text(self, column: str) -> str:
        return str(self.values.get(column, ""))


def check_table(
    rows: Sequence[PlannedRow], state: StreamState, where: str, at: datetime, actor: str
) -> CheckedTable:
    """Return what a table asks for of the plans of a stream. ``where`` names it in faults."""
    faults: list[Fault] = []
    wanted: dict[str, _Wanted] = {}
    for row in rows:
        try:
            name = _plan_of(row, state)
            _add(wanted.setdefault(name, _Wanted(row.number)), row)
        except _Wrong as wrong:
            faults.append(wrong.at(where, row.number))
    events: list[PlanEvent] = []
    said: list[str] = []
    for name, one in wanted.items():
        made: list[PlanEvent] = []
        try:
            made = list(_events(state.plan(name), one, at, actor))
            state.after(*made)
        except _Wrong as wrong:
            faults.append(wrong.at(where, one.first))
        except UsageError as error:
            faults.append(
                Fault(where=where, line=one.first, key="plan", found=str(error), known="")
            )
        events += made
        said += [f"{name}: {', '.join(_words(made))}"] if made else []
    if faults:
        return CheckedTable((), (), tuple(sorted(faults, key=lambda each: each.line or 0)))
    return CheckedTable(tuple(events), tuple(said), ())


class _Wrong(Exception):
    """A fault of a row: the column, what was found, and what to do."""

    def __init__(self, key: str, found: str, remedy: str) -> None:
        super().__init__(key, found, remedy)
        self.key, self.found, self.remedy = key, found, remedy

    def at(self, where: str, number: int) -> Fault:
        return Fault(where=where, line=number, key=self.key, found=self.found, known=self.remedy)


def _plan_of(row: PlannedRow, state: StreamState) -> str:
    """The id of the plan that a row is about. Where both are given, plan and finding must agree."""
    given = {column: str(row.cells[column]) for column in PLACE if column in row.cells}
    named = str(row.cells.get("plan", ""))
    if named and named not in state.plans:
        remedy = known(one.id for one in state.plans.values() if not one.is_ended)
        raise _Wrong("plan", f"no plan {named!r} of this supplier is in the registry", remedy)
    if not named and len(given) < len(PLACE):
        remedy = "give the plan's id, or requirement, profile and line"
        raise _Wrong("plan", "the row does not say which plan it is about", remedy)
    if named:
        finding = state.findings[state.plans[named].finding]
        for column, value in given.items():
            if value != (held := getattr(finding, column)):
                found = f"{value!r} is not that of {named}, which is {held!r}"
                raise _Wrong(column, found, "correct the plan's id, or this")
        return named
    found_plans = [
        plan.id
        for plan in state.plans.values()
        if not plan.is_ended
        and all(getattr(state.findings[plan.finding], name) == given[name] for name in PLACE)
    ]
    if len(found_plans) != 1:
        what = " ".join(given[name] for name in PLACE)
        found = f"{len(found_plans) or 'no'} open plans are about {what!r}"
        remedy = f"give the plan's id; {known(found_plans)}" if found_plans else "correct the row"
        raise _Wrong("plan", found, remedy)
    return found_plans[0]


def _add(wanted: _Wanted, row: PlannedRow) -> None:
    """Add a row to what is wanted of its plan. Raises _Wrong if it contradicts an earlier row."""
    for column in (*TEXTS, "due"):
        if (value := row.cells.get(column)) is None:
            continue
        if wanted.values.setdefault(column, value) != value:
            found = f"{str(value)!r} differs from {wanted.text(column)!r} in an earlier row"
            raise _Wrong(column, found, "give it once for each plan")
    _add_milestone(wanted, row)


def _add_milestone(wanted: _Wanted, row: PlannedRow) -> None:
    """Add a row's milestone and report. Raises _Wrong if a part of them is missing."""
    title, due = str(row.cells.get("milestone", "")), row.cells.get("milestone due")
    done, note = str(row.cells.get("done", "")).lower(), str(row.cells.get("progress", ""))
    is_done = done == "yes"
    if done not in ("", "yes", "no"):
        raise _Wrong("done", f"{done!r} is neither yes nor no", "write yes, or leave it empty")
    if not title and (due is not None or is_done):
        raise _Wrong("milestone", "is empty, but has a date or is done", "name the milestone")
    if is_done and not note:
        raise _Wrong("progress", "a milestone is done without a note", "say what was done")
    if title and due is None and not is_done:
        raise _Wrong("milestone due", f"the milestone {title!r} has no date", "give its date")
    if isinstance(due, date):
        wanted.milestones.append(Milestone(title=title, due=end_of_day(due)))
    if note:
        wanted.reports.append((note, title if is_done else ""))


def end_of_day(day: date) -> datetime:
    """The last second of a day, UTC: until then something is in time."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def _events(plan: ActionPlan, wanted: _Wanted, at: datetime, actor: str) -> Iterator[PlanEvent]:
    """Yield the events that make a plan what is wanted; none for what it is already."""
    names = {column.replace(" ", "_"): column for column in TEXTS}
    differs = {
        name: text
        for name, column in names.items()
        if (text := wanted.text(column).strip()) not in ("", getattr(plan, name).strip())
    }
    due = wanted.values.get("due")
    moved = end_of_day(due) if isinstance(due, date) else None
    moved = None if moved == plan.due else moved
    steps = _new_milestones(plan, wanted)
    proposes = bool({"owner", "corrective_action"} & differs.keys() or moved or steps)
    proposes = proposes or (plan.state is PlanState.RETURNED and bool(differs))
    if proposes and plan.state not in {PlanState.DRAFT, PlanState.RETURNED}:
        column = next(
            (names[each] for each in ("owner", "corrective_action") if each in differs), ""
        )
        column = column or ("due" if moved else "milestone")
        found = f"plan {plan.id} is {plan.state}: it is not changed by a table"
        raise _Wrong(column, found, "leave it as agreed; 'accredit plan extend' moves the due date")
    if proposes:
        yield _submitted(plan, wanted, differs, moved, steps, at, actor)
    elif details := {name: text for name, text in differs.items() if name in DETAILS}:
        detailed = PlanDetailed(at=at, actor=actor, plan=plan.id)
        yield msgspec.structs.replace(detailed, **details)
    yield from _reports(plan, wanted, at, actor)


def _new_milestones(plan: ActionPlan, wanted: _Wanted) -> tuple[Milestone, ...]:
    """The milestones of a table, in the order of dates; none if the plan has exactly these."""
    steps = sorted(wanted.milestones, key=lambda step: step.due)
    given = [(step.title, step.due) for step in steps]
    held = [(step.title, step.due) for step in plan.milestones if step.title != CONTAINED]
    others = [each for each in given if each[0] != CONTAINED]
    return () if others == held or not others else tuple(steps)


def _submitted(
    plan: ActionPlan,
    wanted: _Wanted,
    differs: Mapping[str, str],
    due: datetime | None,
    steps: tuple[Milestone, ...],
    at: datetime,
    actor: str,
) -> PlanSubmitted:
    """The plan as the table proposes it; the first time with an owner and a corrective action."""
    is_again = plan.state is PlanState.RETURNED
    for column in ("owner", "corrective action"):
        if not wanted.text(column).strip() and not is_again:
            found = f"is empty, and plan {plan.id} is a draft"
            raise _Wrong(column, found, "a plan is submitted with its owner and corrective action")
    submitted = PlanSubmitted(
        at=at,
        actor=actor,
        plan=plan.id,
        owner=wanted.text("owner").strip() or plan.owner,
        corrective_action=wanted.text("corrective action").strip() or plan.corrective_action,
        due=due,
        milestones=steps,
    )
    details = {name: text for name, text in differs.items() if name in DETAILS}
    return msgspec.structs.replace(submitted, **details)


def _reports(plan: ActionPlan, wanted: _Wanted, at: datetime, actor: str) -> Iterator[PlanEvent]:
    """Yield the reports that the plan's history does not hold yet."""
    numbers: defaultdict[str, int] = defaultdict(int)
    numbers.update({step.title: n for n, step in enumerate(plan.milestones, 1)})
    for note, title in dict.fromkeys(wanted.reports):
        if title and title not in numbers:
            found = f"plan {plan.id} has no milestone {title!r}"
            raise _Wrong("milestone", found, known(numbers))
        number = numbers[title] if title else 0
        event = PlanProgressed(at=at, actor=actor, plan=plan.id, note=note, milestone=number)
        if not any(entry.endswith(f": {describe(event, plan)}") for entry in plan.history):
            yield event


def _words(events: Sequence[PlanEvent]) -> Iterator[str]:
    """What the events of a plan do."""
    reports = sum(isinstance(each, PlanProgressed) for each in events)
    if any(isinstance(each, PlanSubmitted) for each in events):
        yield "submitted"
    if any(isinstance(each, PlanDetailed) for each in events):
        yield "details"
    if reports:
        yield "1 report" if reports == 1 else f"{reports} reports"
