"""Events about who may use a hub, and what people did and read there, in the owner's stream.

They are the hub's audit log. They hold no password, no secret and no code. What a person typed as
an e-mail address is kept only if there is an account with it.
"""

from __future__ import annotations

from datetime import datetime

from harness.model.event import Event


class AccessEvent(Event, frozen=True, kw_only=True):
    """An event about the person with the id ``person``; empty if nobody knows who it was."""

    person: str

    @property
    def about(self) -> str:
        """The key of the person."""
        return person_key(self.person) if self.person else ""


class PersonRecorded(AccessEvent, frozen=True, kw_only=True):
    """What an account holds: role, streams of suppliers (``None``: all) and names of sites."""

    email: str
    name: str
    role: str
    streams: tuple[str, ...] | None
    sites: tuple[str, ...]


class PersonAdded(PersonRecorded, frozen=True, kw_only=True, tag="person-added"):
    """A person got an account."""


class PersonChanged(PersonRecorded, frozen=True, kw_only=True, tag="person-changed"):
    """The account of a person was changed; the event holds what it is now."""


class PersonDisabled(AccessEvent, frozen=True, kw_only=True, tag="person-disabled"):
    """A person may not sign in any more; sessions and tokens ended."""

    reason: str


class PersonEnabled(AccessEvent, frozen=True, kw_only=True, tag="person-enabled"):
    """A person that was disabled may sign in again."""


class PasswordSet(AccessEvent, frozen=True, kw_only=True, tag="password-set"):
    """The password of a person was set; sessions and tokens ended."""


class SignedIn(AccessEvent, frozen=True, kw_only=True, tag="signed-in"):
    """A person signed in from an address: by ``password``, ``code`` or ``oidc``."""

    address: str
    by: str


class SignInRefused(AccessEvent, frozen=True, kw_only=True, tag="sign-in-refused"):
    """Somebody tried to sign in and was refused; ``by`` is as for ``SignedIn``."""

    address: str
    by: str


class SignedOut(AccessEvent, frozen=True, kw_only=True, tag="signed-out"):
    """A person ended the session in use."""


class SecondFactorSet(AccessEvent, frozen=True, kw_only=True, tag="second-factor-set"):
    """A person needs a code beside the password from now on."""


class SecondFactorReset(AccessEvent, frozen=True, kw_only=True, tag="second-factor-reset"):
    """A person needs no code any more, until a new second factor is set."""


class SessionsRevoked(AccessEvent, frozen=True, kw_only=True, tag="sessions-revoked"):
    """So many sessions of a person were ended before their time."""

    number: int


class TokenMade(AccessEvent, frozen=True, kw_only=True, tag="token-made"):
    """A person got an API token with scopes, until a time."""

    token: str
    label: str
    scopes: tuple[str, ...]
    until: datetime


class TokenRevoked(AccessEvent, frozen=True, kw_only=True, tag="token-revoked"):
    """An API token was ended before its time."""

    token: str


class EvidenceRead(AccessEvent, frozen=True, kw_only=True, tag="evidence-read"):
    """A person read the evidence of an item; without ``item``, of a campaign.

    ``item`` is the number of its row; of a body, ``sha256:`` and its digest follow.
    """

    stream: str
    campaign: str
    item: str = ""


class BundleUploaded(AccessEvent, frozen=True, kw_only=True, tag="bundle-uploaded"):
    """A person sent a bundle, with this file name and SHA-256; nobody has verified it yet."""

    name: str
    sha256: str
    size: int


class ActCarriedOut(AccessEvent, frozen=True, kw_only=True, tag="act-carried-out"):
    """A person did something by the hub, such as the act ``plan-agreed`` about plan ``P-0001``.

    The stream holds the event of the act itself.
    """

    act: str
    stream: str
    subject: str


class HeadsWitnessed(AccessEvent, frozen=True, kw_only=True, tag="heads-witnessed"):
    """The hub signed, for a person, how far a journal or registry had come.

    ``receipt`` is a line of JSON (``docs/reference/witness.md``), with hashes and numbers alone.
    """

    receipt: str


def person_key(person: str) -> str:
    """What events about a person are found by."""
    return f"person:{person}"
