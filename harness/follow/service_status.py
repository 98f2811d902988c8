"""The status of a service as a whole, from what was decided about its versions by one scheme.

It is that of the version that was accredited last: a suspension of the version before ends when a
later one is accredited, and so does the need to renew it. A refusal of a new version changes
nothing for the one that is accredited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from harness.follow.decisions import Decisions, standing
from harness.follow.status_history import StatusChange
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.stream import same_name


class ServiceStatus(NamedTuple):
    """The status of a service from a time on, and the version that gave it (``Decision.key``)."""

    change: StatusChange
    key: str


def statuses_of_service(
    decisions: Iterable[HeldDecision], history: Mapping[str, Sequence[StatusChange]]
) -> tuple[ServiceStatus, ...]:
    """How the status of a service changed, oldest first; the last is that of now.

    ``decisions`` are those about one service by one scheme, oldest first; ``history`` is that of
    ``replay_statuses``. A change is dated when the service came to have the status.
    """
    made = [held for held in decisions if history.get(held.decision.key)]
    changes = {held.decision.key: history[held.decision.key] for held in made}
    times = {change.at for each in changes.values() for change in each}
    found: list[ServiceStatus] = []
    for at in sorted(times | {held.at for held in made}):
        now = {key: last for key, each in changes.items() if (last := _at(each, at)) is not None}
        key = _leading([held for held in made if held.at <= at], now)
        if key and (not found or _is_new(found[-1], key, now[key])):
            found.append(ServiceStatus(now[key]._replace(at=at), key))
    return tuple(found)


def _at(changes: Sequence[StatusChange], at: datetime) -> StatusChange | None:
    """The last change until a time."""
    return next((change for change in reversed(changes) if change.at <= at), None)


def _is_new(before: ServiceStatus, key: str, now: StatusChange) -> bool:
    return before.key != key or before.change.status is not now.status


def _leading(made: Sequence[HeldDecision], now: Mapping[str, StatusChange]) -> str:
    """The key of the version whose status is that of the service; empty if there is none.

    It is the one that was accredited last; once it has expired, another that is still accredited.
    """
    favourable = [held.decision.key for held in made if held.decision.status in FAVOURABLE]
    known = [key for key in (favourable or [held.decision.key for held in made]) if key in now]
    if not known:
        return ""
    valid = [key for key in known if now[key].status in FAVOURABLE]
    return valid[-1] if valid and now[known[-1]].status is Status.EXPIRED else known[-1]


def accreditations_to_renew(decisions: Decisions) -> Iterator[HeldDecision]:
    """The accreditations that no later one of another version replaced, oldest first.

    One that was suspended since, or has to be decided again after an appeal, replaces nothing.
    """
    last: dict[tuple[str, str], HeldDecision] = {}
    kept = standing(decisions)
    for held in kept:
        if held.decision.status in FAVOURABLE and not held.is_overturned:
            last[same_name(held.decision.service), held.decision.scheme] = held
    for held in kept:
        about = same_name(held.decision.service), held.decision.scheme
        replaced = about in last and held.decision.number < last[about].decision.number
        if held.decision.status in FAVOURABLE and not replaced:
            yield held
