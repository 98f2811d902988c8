"""The due dates of decisions on accreditation, of appeals, of reviews, and of complaints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from harness.follow.decisions import Decisions, standing
from harness.follow.next_act import NextAct
from harness.follow.plan_dates import DueDate
from harness.follow.service_status import accreditations_to_renew
from harness.model.decision import DecisionAppeal, HeldDecision
from harness.model.obligation import ObligationKind, Party
from harness.model.person_names import shown_name
from harness.model.registry_record import AnyRecord, Complaint, Review, record_key

ANSWER = timedelta(days=30)
"""When an appeal or a complaint is to be answered, and decided again after an upheld appeal.

No standard gives a time.
"""


def dates_of_decisions(decisions: Decisions, keys: Collection[str]) -> Iterator[DueDate]:
    """Yield open appeals, decisions that have to be made again, and the ends of accreditations.

    ``keys`` are those of the open records of the stream: the accreditation of a service whose
    record was closed is not renewed, nor that of a version before the one accredited last.
    """
    for held in decisions.values():
        if (appeal := held.open_appeal) is not None:
            yield _appeal(held, appeal)
    for held in standing(decisions):
        yield from _again(held)
    for held in accreditations_to_renew(decisions):
        if record_key("service", held.decision.service) in keys:
            yield from _validity(held)


def _appeal(held: HeldDecision, appeal: DecisionAppeal) -> DueDate:
    who = f"a decision maker (not {shown_name(held.by)})"
    return _date(
        held,
        ObligationKind.APPEAL,
        f"answer to the appeal of {appeal.at:%Y-%m-%d}",
        appeal.at + ANSWER,
        NextAct(Party.DECISION_MAKER, who, "uphold or reject the appeal"),
    )


def _again(held: HeldDecision) -> Iterator[DueDate]:
    answered = [one.answered for one in held.appeals if one.upheld and one.answered]
    if answered:
        act = NextAct(Party.DECISION_MAKER, "a decision maker", "decide about the service again")
        what = "decision after an upheld appeal"
        yield _date(held, ObligationKind.NEW_DECISION, what, answered[-1] + ANSWER, act)


def _validity(held: HeldDecision) -> Iterator[DueDate]:
    decision = held.decision
    if decision.until is not None:
        act = NextAct(
            Party.ASSESSOR,
            "the assessor, then a decision maker",
            "measure the service again, and decide anew",
        )
        what = f"end of the accreditation of version {decision.version}"
        yield _date(held, ObligationKind.VALIDITY, what, decision.until, act)


def _date(
    held: HeldDecision, kind: ObligationKind, what: str, due: datetime, act: NextAct
) -> DueDate:
    decision = held.decision
    steps = len(held.appeals) + sum(one.answered is not None for one in held.appeals)
    return DueDate(
        about=decision.id,
        kind=kind,
        what=what,
        due=due,
        act=act,
        service=decision.service,
        revision=steps,
    )


REVIEWING = NextAct(
    Party.ASSESSOR, "the assessor", "review the accreditation, and close the record"
)
ANSWERING = NextAct(
    Party.DECISION_MAKER,
    "somebody who neither assessed the service nor decided about it",
    "answer the complaint, and close the record with its outcome",
)


def dates_of_records(records: Mapping[int, AnyRecord]) -> Iterator[DueDate]:
    """Yield reviews and complaints among open records, given with the positions of their events.

    Each is due until the end of its day (UTC). One that replaces another has a later position.
    """
    for position, record in records.items():
        match record:
            case Review():
                kind, what, act = ObligationKind.REVIEW, f"review ({record.trigger})", REVIEWING
            case Complaint():
                kind, what, act = ObligationKind.COMPLAINT, "answer to the complaint", ANSWERING
            case _:
                continue
        if (due := record_due(record)) is not None:
            yield DueDate(
                about=record.id,
                kind=kind,
                what=what,
                due=due,
                act=act,
                part=record.of,
                service=record.of,
                revision=position,
            )


def record_due(record: AnyRecord) -> datetime | None:
    """The end of the day (UTC) on which a review or a complaint is due; only then is it overdue."""
    if not isinstance(record, Review | Complaint) or record.due is None:
        return None
    day = record.due.astimezone(UTC)
    return day.replace(hour=23, minute=59, second=59, microsecond=999999)
