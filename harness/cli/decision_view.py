"""Decisions on accreditation in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.table import Table

from harness.cli.decision_basis import Matter
from harness.follow.accreditation import public_reason, sentence_of, status_of
from harness.follow.decisions import latest_of
from harness.follow.state import StreamState
from harness.model.coverage import format_value
from harness.model.decision import FAVOURABLE, HeldDecision, Margin, Proposal, Status
from harness.model.event_times import in_utc
from harness.model.signature import BY_NAME_ONLY

SEPARATOR = "\x1f"
"""What stands between the parts of a record's key."""


def shown_decision(held: HeldDecision, now: datetime) -> str:
    """A decision in one sentence."""
    decision = held.decision
    until = f", until {decision.until:%Y-%m-%d}" if decision.until else ""
    return (
        f"{decision.service} {decision.version} by {decision.scheme} {decision.scheme_version}: "
        f"{held.status_at(now)}{until}, decided by {held.by} "
        f"({held.identity})"
    )


def decisions_table(found: Iterable[tuple[str, HeldDecision, StreamState]], now: datetime) -> Table:
    """A row for each decision."""
    table = Table(
        "supplier", "decision", "service", "version", "scheme", "status", "until", "by", box=None
    )
    for name, held, state in found:
        decision = held.decision
        stops = state.stops_on(held)
        status = str(status_of(held, stops, now))
        if latest_of(state.decisions, decision.key) is not held:
            status = f"{decision.status} ({'void' if held.void else 'replaced'})"
        elif held.void:
            status += " (void: decide again)"
        else:
            why = public_reason(stops, Status(status))
            status += f" ({why})" if why else ""
            status += " (appeal open)" if held.open_appeal else ""
        until = f"{decision.until:%Y-%m-%d}" if decision.until else ""
        scheme = f"{decision.scheme} {decision.scheme_version}"
        table.add_row(
            name, decision.id, decision.service, decision.version, scheme, status, until,
            held.by if held.identity != BY_NAME_ONLY else f"{held.by} ({BY_NAME_ONLY})",
        )  # fmt: skip
    return table


def proposal_lines(matter: Matter, proposal: Proposal) -> Iterator[str]:
    """What the rules propose, why, and by how much thresholds are exceeded."""
    yield (
        f"{matter.service} {matter.version} by {matter.scheme} {matter.scheme_version}: "
        f"the rules propose {proposal.status}"
    )
    yield from _lines_of_proposal(proposal)


def _lines_of_proposal(proposal: Proposal) -> Iterator[str]:
    yield from (f"  because {reason}" for reason in proposal.reasons)
    for one in proposal.conditions:
        yield f"  under plan {one.plan} ({one.requirement}, {one.state}), due {one.due:%Y-%m-%d}"
    if proposal.basis is not None:
        basis = proposal.basis
        yield f"  rests on campaign {basis.campaign}, begun {in_utc(basis.begun)}"
        if basis.limited_to:
            yield f"  limited to: {basis.limited_to}"
        yield from (f"  note: {each}" for each in basis.noted)
        yield f"  judged by rules {basis.rules}"
        yield f"  journal {basis.journal}"
        yield f"  assessment {basis.assessment}"
    yield from (f"  {margin_in_words(each)}" for each in proposal.margins)


def margin_in_words(margin: Margin) -> str:
    """By how much a bound exceeds a threshold: "URL-01 (pupils on proxy): ..."."""
    distance = abs(margin.exceeds)
    by = format_value(distance, margin.unit)
    if margin.unit == "share":
        by = f"{distance * 100:.3g} percentage points"
    met = f"met with {by} to spare" if margin.exceeds >= 0 else f"missed by {by}"
    limit = "at least" if margin.side == "at-least" else "at most"
    return (
        f"{margin.requirement} ({margin.profile} on {margin.line}): certainly {limit} "
        f"{format_value(margin.bound, margin.unit)}; {limit} "
        f"{format_value(margin.threshold, margin.unit)} is required: {met}"
    )


def lines_of(supplier: str, held: HeldDecision, state: StreamState, now: datetime) -> Iterator[str]:
    """A decision in full."""
    decision = held.decision
    yield f"{decision.id}: {shown_decision(held, now)}, on {in_utc(held.at)}"
    yield f"supplier: {supplier}"
    if held.void:
        yield f"void: {held.void}"
    yield f"white labels: {', '.join(decision.white_labels) or 'none'}"
    latest = latest_of(state.decisions, decision.key)
    if latest is not None and latest is not held:
        yield f"replaced by {latest.decision.id}"
    else:
        stops = state.stops_on(held)
        yield f"status now: {status_of(held, stops, now)}"
        yield from (f"  {sentence_of(stop)}" for stop in stops)
    if decision.cause:
        yield f"because of: {decision.cause.rpartition(SEPARATOR)[2]}"
    yield f"reason: {decision.reason}"
    yield f"the rules proposed {decision.proposal.status}"
    yield from _lines_of_proposal(decision.proposal)
    for appeal in held.appeals:
        yield f"appeal of {appeal.appellant}, {appeal.at:%Y-%m-%d}: {appeal.reason}"
        if appeal.answered is not None:
            answer = "upheld" if appeal.upheld else "rejected"
            yield (
                f"  {answer} by {appeal.answered_by} ({appeal.identity}), "
                f"{appeal.answered:%Y-%m-%d}: {appeal.answer}"
            )
    if decision.status in FAVOURABLE and held.status_at(now) is Status.EXPIRED:
        yield "it has expired: measure the service again, and decide anew"
