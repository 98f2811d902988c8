"""Events about the agents of a hub, in the owner's stream: invited, enrolled, revoked.

An agent is a device at a site that measures there by schedule. Anyone who has the token
of an invitation may enrol one device with it, once.
"""

from __future__ import annotations

from datetime import datetime

from harness.model.event import Event


class FleetEvent(Event, frozen=True, kw_only=True):
    """An event about an agent, or about an invitation of one."""


class AgentInvited(FleetEvent, frozen=True, kw_only=True, tag="agent-invited"):
    """A token was given out, with which one device may be enrolled for a site of a service.

    ``invitation`` is an id such as ``I-0001``. ``secret`` is the SHA-256 of the token's secret,
    ``until`` when it ends, ``label`` what people call the device. ``monitoring`` is the name of the
    monitoring file.
    """

    invitation: str
    label: str
    monitoring: str
    supplier: str
    service: str
    site: str
    secret: str
    until: datetime

    @property
    def about(self) -> str:
        """The key of the invitation."""
        return invitation_key(self.invitation)

    @property
    def topic(self) -> str:
        """The key of the secret, by which a token is found."""
        return secret_key(self.secret)


class AgentEnrolled(FleetEvent, frozen=True, kw_only=True, tag="agent-enrolled"):
    """A device was enrolled by an invitation.

    ``agent`` is the id of its keys, ``signing`` and ``sealing`` are the public keys in hexadecimal.
    """

    invitation: str
    agent: str
    signing: str
    sealing: str
    version: str
    platform: str

    @property
    def about(self) -> str:
        """The key of the agent."""
        return agent_key(self.agent)

    @property
    def topic(self) -> str:
        """The key of the invitation."""
        return invitation_key(self.invitation)


class AgentRevoked(FleetEvent, frozen=True, kw_only=True, tag="agent-revoked"):
    """Nothing is accepted from an agent from now on."""

    agent: str
    reason: str

    @property
    def about(self) -> str:
        """The key of the agent."""
        return agent_key(self.agent)


def invitation_key(invitation: str) -> str:
    """What events about an invitation are found by."""
    return f"invitation:{invitation}"


def agent_key(agent: str) -> str:
    """What events about an agent are found by."""
    return f"agent:{agent}"


def secret_key(secret: str) -> str:
    """What the invitation with that secret (its SHA-256) is found by."""
    return f"secret:{secret}"
