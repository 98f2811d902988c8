"""The messages of agents and hubs, which travel in sealed envelopes.

An agent asks and the hub answers; the hub never begins. Values that come from the other side have
limits here, and unknown fields are ignored, so that versions may differ by a little.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from harness.errors import UsageError
from harness.fleet.identity import Hex32, PublicIdentity

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Label = Annotated[str, msgspec.Meta(max_length=200)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0)]

PART_BYTES = 512 * 1024
"""The most bytes of an upload in one message."""

MOST_UPLOAD = 1024**3
"""The largest upload that a hub takes."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="message"):
    """A message."""


# from an agent


class Enrol(Message, frozen=True, kw_only=True, tag="enrol"):
    """Ask to be enrolled with a token that was given out once."""

    token: Text
    version: Label
    platform: Label


class ClockReport(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's clock against the hub's, as last read: seconds to add to it, error, and age."""

    offset: float
    bound: Annotated[float, msgspec.Meta(ge=0)]
    age: Annotated[float, msgspec.Meta(ge=0)]


class UplinkReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the agent reaches the hub.

    ``is_intercepted``: the certificate that it saw is not the hub's, whose SHA-256 ``seen`` is;
    ``issuer`` is who issued it. ``proxy`` is the host and port of a proxy, without a password.
    """

    is_intercepted: bool
    seen: str = ""
    issuer: Text = ""
    proxy: Label = ""


class SentinelBracket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the agreed pages were allowed and blocked as agreed, when an agent last tried them.

    This is what shows that an agent lives and measures: it can reach the service and its control.
    ``failed`` says which precondition did not hold.
    """

    schedule: Label
    at: Time
    held: bool
    failed: Text = ""


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an agent says of itself; ``waiting`` is the number of results that it has not sent."""

    version: Label
    clock: ClockReport | None = None
    uplink: UplinkReport | None = None
    brackets: tuple[SentinelBracket, ...] = ()
    waiting: Count = 0
    trouble: Text = ""


class Poll(Message, frozen=True, kw_only=True, tag="poll"):
    """Say where the agent stands, and ask for orders newer than the one with number ``serial``."""

    status: AgentStatus
    serial: Count = 0


class UploadPart(Message, frozen=True, kw_only=True, tag="upload-part"):
    """A part of a file, at an offset. The file is known by its SHA-256 and size."""

    sha256: Hex32
    size: Annotated[int, msgspec.Meta(ge=0, le=MOST_UPLOAD)]
    offset: Count
    data: bytes


class RunReport(Message, frozen=True, kw_only=True, tag="run-report", omit_defaults=True):
    """What became of a due run. ``run`` is its event as JSON, ``bundle`` the SHA-256 of its bundle.

    A run that was not measured has no bundle.
    """

    run: Annotated[str, msgspec.Meta(max_length=2 * 1024 * 1024)]
    bundle: str = ""


class FetchPart(Message, frozen=True, kw_only=True, tag="fetch-part"):
    """Ask for the part of an offered file (``Update``) that begins at an offset."""

    sha256: Hex32
    offset: Count


FromAgent = Enrol | Poll | UploadPart | RunReport | FetchPart


# from a hub


class Enrolled(Message, frozen=True, kw_only=True, tag="enrolled"):
    """The agent is enrolled for a site of a service."""

    service: Label
    site: Label


class OrderFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an order; ``name`` is a relative path with forward slashes."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    data: bytes


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent measures from now on: a monitoring file for its site, and the files it names.

    Numbers grow; an agent refuses an order that is not newer than the one it has.
    """

    serial: Annotated[int, msgspec.Meta(ge=1)]
    issued: Time
    monitoring: Annotated[str, msgspec.Meta(max_length=300)]
    files: tuple[OrderFile, ...]


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the software that the hub offers: the SHA-256 and size of its wheel."""

    version: Label
    sha256: Hex32
    size: Count
    is_required: bool = False


class Polled(Message, frozen=True, kw_only=True, tag="polled", omit_defaults=True):
    """The answer to a poll: a newer order, if there is one, and a version that is offered."""

    order: Order | None = None
    update: Update | None = None
    certificates: tuple[Hex32, ...] = ()
    """The SHA-256 of the hub's own certificates (DER), by which an agent sees an interception."""


class PartReceived(Message, frozen=True, kw_only=True, tag="part-received"):
    """How many bytes of an upload the hub holds; the agent goes on there."""

    sha256: Hex32
    held: Count


class RunReceived(Message, frozen=True, kw_only=True, tag="run-received"):
    """The hub holds a run durably; the agent may forget it. ``is_new`` is false if it had it."""

    run: str
    is_new: bool


class FilePart(Message, frozen=True, kw_only=True, tag="file-part"):
    """A part of an offered file of ``size`` bytes; without data at its end."""

    sha256: Hex32
    offset: Count
    size: Count
    data: bytes


Reason = Literal["token", "revoked", "unknown", "faulty", "too-large", "incomplete", "busy"]


class Refused(Message, frozen=True, kw_only=True, tag="refused"):
    """The hub refuses a message, for a reason in words.

    ``incomplete``: send the upload again. ``busy``: nothing is wrong with it; send it later.
    """

    reason: Reason
    words: Text


class NotAnswered(UsageError):
    """A request that gets no sealed answer: nobody knows who sent it, or it was changed."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.refused = Refused(reason=reason, words=words)


FromHub = Enrolled | Polled | PartReceived | RunReceived | FilePart | Refused

_FROM_AGENT = msgspec.json.Decoder(FromAgent)
_FROM_HUB = msgspec.json.Decoder(FromHub)


def encode(message: Message) -> bytes:
    """A message as JSON."""
    return msgspec.json.encode(message)


def read_from_agent(content: bytes) -> FromAgent:
    """Read a message of an agent. Raises UsageError."""
    try:
        message: FromAgent = _FROM_AGENT.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        msg = f"not a message of an agent: {error}"
        raise UsageError(msg) from None
    return message


def read_from_hub(content: bytes) -> FromHub:
    """Read a message of a hub. Raises UsageError."""
    try:
        message: FromHub = _FROM_HUB.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        msg = f"not a message of a hub: {error}"
        raise UsageError(msg) from None
    return message


# how an agent comes to know its hub


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What a one-time token holds: the hub's public keys, and a secret of 16 bytes or more.

    Because the keys are in it, nobody on the way can take the hub's place.
    """

    hub: PublicIdentity
    secret: Annotated[str, msgspec.Meta(min_length=22, max_length=100)]

    def token(self) -> str:
        """The token, as it is given to the person who sets the agent up."""
        return TOKEN + base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @property
    def digest(self) -> str:
        """The SHA-256 of the secret, which is all that the hub keeps of it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


TOKEN = "accredit-agent-"  # noqa: S105 - what a secret comes after
"""How tokens begin."""

_INVITATIONS = msgspec.json.Decoder(Invitation)


def read_token(token: str) -> Invitation:
    """Read a token. Raises UsageError, without quoting it."""
    text = "".join(token.split())
    body = text.removeprefix(TOKEN) if text.startswith(TOKEN) else "-"
    try:
        return _INVITATIONS.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        msg = f"the token is not whole; copy all of it, from {TOKEN!r} to its end"
        raise UsageError(msg) from None


class Introduction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a request: an envelope, and at enrolment the sender's public keys."""

    envelope: msgspec.Raw
    identity: PublicIdentity | None = None
