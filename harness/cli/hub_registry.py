"""What the registry holds of a hub's agents: invite, enrol and revoke them, and find them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from harness.cli.event_basis import needed_by
from harness.cli.registry_session import OWNERS, RegistrySession
from harness.errors import UsageError
from harness.fleet.identity import PublicIdentity
from harness.model.fleet_event import (
    AgentEnrolled,
    AgentInvited,
    AgentRevoked,
    FleetEvent,
    agent_key,
    invitation_key,
    secret_key,
)
from harness.model.stream import OWNER
from harness.monitor.agent_standing import (
    AgentStanding,
    next_invitation,
    standings,
    why_not_enrolled,
    why_not_revoked,
)
from harness.monitor.monitoring_file import ServiceMonitoring, SiteMonitoring
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess

KINDS = ("agent-invited", "agent-enrolled", "agent-revoked")


class TokenRefused(UsageError):
    """Nobody is enrolled with this token."""


class FleetRegistry:
    """The invitations and agents in the owner's stream of an open registry."""

    def __init__(self, session: RegistrySession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._held: tuple[int, tuple[AgentStanding, ...]] = (0, ())

    def all(self) -> tuple[AgentStanding, ...]:
        """Where every invitation stands, in their order; kept until there is a new event."""
        held = self._held
        with self._session.registry.reading(OWNER) as access:
            last = access.last_position(*KINDS)
            if last != held[0]:
                self._held = held = last, standings(_all(access))
        return held[1]

    def agent(self, agent: str) -> AgentStanding | None:
        """Where the agent of that id stands; ``None`` if there is none."""
        with self._session.registry.reading(OWNER) as access:
            return _agent(access, agent)

    def invite(
        self,
        monitoring: str,
        service: ServiceMonitoring,
        site: SiteMonitoring,
        secret: str,
        until: datetime,
        *,
        label: str,
        actor: str,
    ) -> AgentInvited:
        """Record that a token with that secret (its SHA-256) was given out."""
        with self._session.registry.writing(OWNER) as access:
            invited = AgentInvited(
                at=self._clock.now(),
                actor=actor,
                invitation=next_invitation(_found(access.found(kind=["agent-invited"]))),
                label=label or site.site,
                monitoring=monitoring,
                supplier=service.supplier or "",
                service=service.service,
                site=site.site,
                secret=secret,
                until=until,
            )
            self._record(access, invited)
        return invited

    def require_token(self, secret: str, agent: str) -> AgentStanding:
        """Where the invitation of a secret stands. Raises TokenRefused if it may not be used."""
        with self._session.registry.reading(OWNER) as access:
            return _invitation(access, secret, agent, self._clock.now())

    def enrol(
        self, secret: str, identity: PublicIdentity, version: str, platform: str
    ) -> AgentStanding:
        """Enrol a device, unless it is enrolled. Raises TokenRefused."""
        with self._session.registry.writing(OWNER) as access:
            now = self._clock.now()
            held = _invitation(access, secret, identity.id, now)
            if held.enrolled is not None:
                return held
            enrolled = AgentEnrolled(
                at=now,
                actor=f"agent {identity.id}",
                invitation=held.invited.invitation,
                agent=identity.id,
                signing=identity.signing,
                sealing=identity.sealing,
                version=version,
                platform=platform,
            )
            self._record(access, enrolled)
        return held._replace(enrolled=enrolled)

    def revoke(self, agent: str, reason: str, actor: str) -> AgentStanding:
        """Record that nothing is accepted from an agent any more. Raises UsageError."""
        with self._session.registry.writing(OWNER) as access:
            held = _agent(access, agent)
            why_not = why_not_revoked(held, agent)
            if held is None or why_not:
                raise UsageError(why_not)
            event = AgentRevoked(at=self._clock.now(), actor=actor, agent=agent, reason=reason)
            self._record(access, event)
        return held._replace(revoked=event)

    def _record(self, access: StreamAccess, event: FleetEvent) -> None:
        self._session.record_in(access, OWNERS, [event], needed_by(access, [event]))


def _all(access: StreamAccess) -> list[FleetEvent]:
    return _found(access.found(kind=KINDS))


def _found(found: tuple[tuple[int, object], ...]) -> list[FleetEvent]:
    return [event for _, event in found if isinstance(event, FleetEvent)]


def _agent(access: StreamAccess, agent: str) -> AgentStanding | None:
    """Where an agent stands, from its own events and its invitation."""
    own = _found(access.found(about=[agent_key(agent)]))
    invitations = {event.topic for event in own if isinstance(event, AgentEnrolled)}
    invited = _found(access.found(about=sorted(invitations)))
    return next((each for each in standings([*invited, *own]) if each.agent == agent), None)


def _invitation(access: StreamAccess, secret: str, agent: str, now: datetime) -> AgentStanding:
    """Where the invitation of a secret stands. Raises TokenRefused if an agent may not use it."""
    invited = _found(access.found(topic=[secret_key(secret)]))
    keys = [invitation_key(one.invitation) for one in invited if isinstance(one, AgentInvited)]
    enrolled = _found(access.found(topic=keys))
    agents = [event.about for event in enrolled if isinstance(event, AgentEnrolled)]
    ended = _found(access.found(about=agents))
    revoked = [event for event in ended if isinstance(event, AgentRevoked)]
    held = next(iter(standings([*invited, *enrolled, *revoked])), None)
    if why_not := why_not_enrolled(held, agent, _agent(access, agent), now):
        raise TokenRefused(why_not)
    assert held is not None  # else there is a reason
    return held
