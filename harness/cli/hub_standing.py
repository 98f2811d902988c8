"""Where the agents of a hub stand, from the registry's events and what they said last.

An agent is alive if it measured lately: a sentinel bracket that held within two hours. That it
polls shows no more than that it runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from harness.cli.hub_registry import FleetRegistry
from harness.cli.registry_session import RegistrySession
from harness.fleet.envelope import ANSWER_WITHIN
from harness.fleet.messages import AgentStatus, ClockReport, SentinelBracket
from harness.monitor.agent_standing import AgentStanding
from harness.store.registry import agent_store
from harness.store.registry.agent_store import HeldStatus

ALIVE_WITHIN = timedelta(hours=2)
"""How long ago a sentinel bracket may have held at most."""

State = Literal["invited", "expired", "enrolled", "alive", "silent", "revoked"]

_STATUSES = msgspec.json.Decoder(AgentStatus)


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent or an invitation, as the owner sees it.

    ``contact`` is when it said something last, ``measured`` the time of the last bracket that held;
    ``failed`` says what did not hold in a later one. ``aside`` are its reports that were put aside,
    ``order`` the number of its last order. ``is_intercepted`` is ``None`` while it is not known.
    """

    invitation: str
    agent: str
    label: str
    supplier: str
    service: str
    site: str
    state: State
    until: datetime
    version: str = ""
    platform: str = ""
    contact: datetime | None = None
    measured: datetime | None = None
    failed: str = ""
    clock: ClockReport | None = None
    is_intercepted: bool | None = None
    issuer: str = ""
    proxy: str = ""
    waiting: int = 0
    trouble: str = ""
    aside: int = 0
    order: int = 0
    reason: str = ""


def views_of(
    session: RegistrySession, fleet: FleetRegistry, now: datetime
) -> tuple[AgentView, ...]:
    """Every invitation and agent, in the order of the invitations."""
    with session.registry.transaction() as connection:
        statuses = agent_store.statuses(connection)
        orders = agent_store.orders(connection)
        aside = agent_store.reports(connection, state=agent_store.ASIDE)
    found = []
    for standing in fleet.all():
        view = view_of(standing, statuses.get(standing.agent), now)
        order = orders.get(standing.agent)
        number = sum(row.agent == standing.agent for row in aside)
        found.append(
            msgspec.structs.replace(view, aside=number, order=order.serial if order else 0)
        )
    return tuple(found)


def view_of(standing: AgentStanding, held: HeldStatus | None, now: datetime) -> AgentView:
    """One invitation or agent, with what it said last."""
    invited, enrolled = standing.invited, standing.enrolled
    status = _STATUSES.decode(held.status) if held else None
    brackets = status.brackets if status else ()
    last = _last_held(brackets, now)
    view = AgentView(
        invitation=invited.invitation,
        agent=standing.agent,
        label=invited.label,
        supplier=invited.supplier,
        service=invited.service,
        site=invited.site,
        state=_state(standing, held, last, now),
        until=invited.until,
        version=enrolled.version if enrolled else "",
        platform=enrolled.platform if enrolled else "",
        contact=held.at if held else None,
        measured=last,
        failed=_failed_since(brackets, last),
        reason=standing.revoked.reason if standing.revoked else "",
    )
    if status is None:
        return view
    uplink = status.uplink
    return msgspec.structs.replace(
        view,
        version=status.version,
        clock=status.clock,
        is_intercepted=uplink.is_intercepted if uplink else None,
        issuer=uplink.issuer if uplink else "",
        proxy=uplink.proxy if uplink else "",
        waiting=status.waiting,
        trouble=status.trouble,
    )


def _state(
    standing: AgentStanding, held: HeldStatus | None, last: datetime | None, now: datetime
) -> State:
    if standing.revoked is not None:
        return "revoked"
    if standing.enrolled is None:
        return "invited" if now <= standing.invited.until else "expired"
    if last is not None and now - last <= ALIVE_WITHIN:
        return "alive"
    return "enrolled" if held is None else "silent"


def _last_held(brackets: tuple[SentinelBracket, ...], now: datetime) -> datetime | None:
    """When a bracket held last; one that is dated in the future shows nothing."""
    times = [each.at for each in brackets if each.held and each.at <= now + ANSWER_WITHIN]
    return max(times, default=None)


def _failed_since(brackets: tuple[SentinelBracket, ...], last: datetime | None) -> str:
    """What did not hold in the last bracket that failed after one that held."""
    failed = [each for each in brackets if not each.held and (last is None or each.at > last)]
    return max(failed, key=lambda each: each.at).failed if failed else ""
