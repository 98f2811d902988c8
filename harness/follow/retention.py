"""Which campaigns must stay whole, however old they are: what is still open rests on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from harness.follow.state import StreamState
from harness.model.decision import HeldDecision, Status
from harness.model.registry_record import CampaignRecord
from harness.model.stream import same_name


def campaigns_in_use(state: StreamState, now: datetime) -> dict[str, str]:
    """The campaigns of a stream that must stay, by ``same_name``, each with the first reason.

    They are those of findings that are not settled and of open plans with their re-tests and soak
    periods, of alarms that no re-test decided, of the last decision about each version of a service
    unless it expired, of decisions with an open appeal, and the newest of each service and scheme.
    """
    found: dict[str, str] = {}
    for campaign, reason in _reasons(state, now):
        if campaign:
            found.setdefault(same_name(campaign), reason)
    return found


def _reasons(state: StreamState, now: datetime) -> Iterator[tuple[str, str]]:
    yield from _of_plans(state)
    for alarm in state.alarms.values():
        if not alarm.is_ended:
            named = (*alarm.raised.runs, *(retest.campaign for retest in alarm.retests))
            for each in named:
                yield state.runs.get(each, each), f"alarm {alarm.id}"
    yield from _of_decisions(state, now)
    newest: dict[tuple[str, str], str] = {}
    for record in state.open_records().values():
        if isinstance(record, CampaignRecord):
            newest[same_name(record.of), record.scheme] = record.id
    for campaign in newest.values():
        yield campaign, "the newest of its service"


def _of_plans(state: StreamState) -> Iterator[tuple[str, str]]:
    for finding in state.findings.values():
        plan = state.plan_of(finding.id)
        if plan is None:
            yield finding.campaign, f"finding {finding.id}"
        elif not plan.is_ended:
            yield finding.campaign, f"plan {plan.id}"
            measured = [one.campaign for one in plan.retests]
            for campaign in (*measured, *(one.campaign for one in plan.soaks)):
                yield campaign, f"plan {plan.id}"
    for campaign, name in state.campaigns.items():  # re-tests, also those that still run
        if name and name in state.plans and not state.plans[name].is_ended:
            yield campaign, f"plan {name}"


def _of_decisions(state: StreamState, now: datetime) -> Iterator[tuple[str, str]]:
    last: dict[str, HeldDecision] = {}
    for held in state.decisions.values():
        last[held.decision.key] = held
    for held in state.decisions.values():
        is_last = last[held.decision.key] is held
        stands = is_last and held.status_at(now) is not Status.EXPIRED
        basis = held.decision.proposal.basis
        if basis is not None and (stands or held.open_appeal is not None):
            yield basis.campaign, f"decision {held.decision.id}"
