"""Make a decision on accreditation; what is wanted is checked as it is recorded.

The command line and the hub decide by the same functions, and so by the same rules
(``harness.follow.decisions``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.cli.decision_basis import (
    Campaign,
    Matter,
    decision_on,
    keep_assessment_of,
    matter_of,
    recommendation_on,
    record_decision,
    record_recommendation,
)
from harness.cli.plan_step import end_of
from harness.cli.registry_session import Place, RegistrySession
from harness.errors import UsageError
from harness.follow.decisions import held_decision
from harness.follow.identities import signed_event
from harness.follow.state import StreamState
from harness.model.decision import FAVOURABLE, HeldDecision, HeldRecommendation, Status
from harness.model.decision_event import DecisionMade, EvaluationReviewed
from harness.model.stream import same_name
from harness.ports.storage import Clock


class WantedDecision(NamedTuple):
    """What somebody wants to decide, and why; ``until`` is a date, or empty for 12 months.

    Without ``version`` the only one on record is meant, without ``white_labels`` all of them.
    ``cause`` is what a stop rests on: the id of an alarm or plan, or the name of a complaint.
    ``identity`` is the private key with which it is signed, if any.
    """

    status: Status
    reason: str
    version: str
    until: str
    white_labels: tuple[str, ...]
    actor: str
    cause: str = ""
    identity: Path | None = None


def decide(
    session: RegistrySession,
    place: Place,
    results: Path,
    about: Campaign | str,
    wanted: WantedDecision,
    clock: Clock,
    *,
    check: Callable[[StreamState], None] = lambda _: None,
) -> HeldDecision:
    """Record a decision about a campaign, or again about what an earlier decision was about.

    ``about`` is a campaign, whose assessment is kept in ``results``, or the id of a decision.
    ``check`` may refuse the state on which it rests. Raises UsageError if it is not possible.
    """

    def made(state: StreamState) -> DecisionMade:
        check(state)
        if isinstance(about, Campaign):
            matter = matter_of(about, wanted.version, state)
        else:
            matter = _matter_again(state, about)
        decision = decision_on(matter, state, wanted.status, clock, reason=wanted.reason)
        decision = msgspec.structs.replace(
            decision,
            until=_until(wanted.status, wanted.until) if wanted.until else decision.until,
            white_labels=wanted.white_labels or decision.white_labels,
            cause=_cause(wanted.cause, matter.service, state),
        )
        event = DecisionMade(at=clock.now(), actor=wanted.actor, decision=decision)
        return signed_event(event, state.name, wanted.identity)

    if isinstance(about, Campaign):
        keep_assessment_of(about, results)
    return record_decision(session, place, made)


def recommend(
    session: RegistrySession,
    place: Place,
    campaign: Campaign,
    wanted: WantedDecision,
    clock: Clock,
    *,
    check: Callable[[StreamState], None] = lambda _: None,
) -> HeldRecommendation:
    """Record what the review of a campaign recommends; parameters as those of ``decide``."""

    def made(state: StreamState) -> EvaluationReviewed:
        check(state)
        matter = matter_of(campaign, wanted.version, state)
        said = recommendation_on(matter, state, wanted.status, clock, reason=wanted.reason)
        event = EvaluationReviewed(at=clock.now(), actor=wanted.actor, recommendation=said)
        return signed_event(event, state.name, wanted.identity)

    return record_recommendation(session, place, made)


def _cause(given: str, service: str, state: StreamState) -> str:
    """What a stop rests on as decisions hold it: of a complaint about the service, its key."""
    key = f"complaint:{same_name(service)}\x1f{same_name(given)}"
    return key if state.open(key) is not None else given


def _matter_again(state: StreamState, decided: str) -> Matter:
    """What an earlier decision was about. Raises UsageError if there is none of that id."""
    before = held_decision(state.decisions, decided).decision
    return Matter(before.service, before.version, before.scheme, before.scheme_version)


def _until(status: Status, given: str) -> datetime:
    """The end of the day on which an accreditation ends. Raises UsageError for anything else."""
    if status not in FAVOURABLE:
        msg = f"{status}: only an accreditation has an end; leave out --until"
        raise UsageError(msg)
    return end_of(given)
