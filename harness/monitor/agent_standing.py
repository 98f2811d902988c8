"""Where invitations and agents stand after their events, and which events are possible.

An invitation is used once, by one device, and not after its end. A revoked agent stays revoked;
its device may be invited again, with new keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from harness.fleet.identity import PublicIdentity
from harness.model.fleet_event import AgentEnrolled, AgentInvited, AgentRevoked, FleetEvent


class AgentStanding(NamedTuple):
    """An invitation, with the device that was enrolled by it, and the end of that."""

    invited: AgentInvited
    enrolled: AgentEnrolled | None = None
    revoked: AgentRevoked | None = None

    @property
    def agent(self) -> str:
        """The id of the agent; empty before it is enrolled."""
        return self.enrolled.agent if self.enrolled else ""

    @property
    def identity(self) -> PublicIdentity:
        """The public keys of the agent. Raises ValueError before it is enrolled."""
        if self.enrolled is None:
            msg = f"nobody was enrolled by invitation {self.invited.invitation}"
            raise ValueError(msg)
        return PublicIdentity(signing=self.enrolled.signing, sealing=self.enrolled.sealing)


def standings(events: Iterable[FleetEvent]) -> tuple[AgentStanding, ...]:
    """Where each invitation stands after events, in the order of the invitations."""
    found: dict[str, AgentStanding] = {}
    of_agent: dict[str, str] = {}
    for event in events:
        match event:
            case AgentInvited():
                found[event.invitation] = AgentStanding(event)
            case AgentEnrolled() if event.invitation in found:
                found[event.invitation] = found[event.invitation]._replace(enrolled=event)
                of_agent[event.agent] = event.invitation
            case AgentRevoked() if event.agent in of_agent:
                held = found[of_agent[event.agent]]
                found[held.invited.invitation] = held._replace(revoked=event)
    return tuple(found.values())


def next_invitation(before: Iterable[FleetEvent]) -> str:
    """The id of the next invitation: ``I-0001`` and so on."""
    number = sum(isinstance(event, AgentInvited) for event in before)
    return f"I-{number + 1:04d}"


def why_not_enrolled(
    held: AgentStanding | None, agent: str, known: AgentStanding | None, now: datetime
) -> str:
    """Why a device with those keys may not be enrolled by an invitation; empty if it may.

    ``held`` is where the invitation stands, ``known`` where the agent of that id stands. Enrolling
    the same device again is possible: its answer may have been lost on the way.
    """
    if held is None:
        return "there is no such invitation"
    if held.agent == agent and held.revoked is None:
        return ""
    if held.enrolled is not None:
        return "the token was used already; ask for another"
    if now > held.invited.until:
        return "the token has expired; ask for another"
    if known is not None:
        return "a device with these keys was enrolled before; make new keys"
    return ""


def why_not_revoked(held: AgentStanding | None, agent: str) -> str:
    """Why an agent cannot be revoked; empty if it can."""
    if held is None:
        return f"no agent {agent!r} is enrolled; 'accredit hub agents' lists them"
    if held.revoked is not None:
        return f"agent {agent} was revoked on {held.revoked.at:%Y-%m-%d}"
    return ""
