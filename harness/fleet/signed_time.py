"""The hub's time, signed: an agent whose clock is wrong by a year asks for it before anything else.

TLS cannot be verified without the time, and a time that came over TLS which was not verified could
be anybody's. So the hub signs its time with the agent's random question; the error is at most the
time that the answer took.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature

from harness.fleet.envelope import EnvelopeError
from harness.fleet.identity import Identity, PublicIdentity

CONTEXT = b"accredit-time/1"


class TimeQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A random question."""

    nonce: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]

    @classmethod
    def new(cls) -> TimeQuestion:
        """A question that nobody asked before."""
        return cls(nonce=secrets.token_hex(16))


class TimeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's time when it answered, and its signature."""

    nonce: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    signature: bytes

    @classmethod
    def to(cls, question: TimeQuestion, hub: Identity, at: datetime) -> TimeAnswer:
        """Answer a question."""
        signature = hub.signer.sign(_signed(question.nonce, at))
        return cls(nonce=question.nonce, at=at, signature=signature)


class ClockReading(NamedTuple):
    """What has to be added to the system's clock, and the largest error of that, in seconds.

    ``read`` is when it was read, on a monotonic clock.
    """

    offset: float
    bound: float
    read: float


QUESTIONS = msgspec.json.Decoder(TimeQuestion)
ANSWERS = msgspec.json.Decoder(TimeAnswer)


def reading_of(
    answer: TimeAnswer,
    question: TimeQuestion,
    hub: PublicIdentity,
    *,
    system: datetime,
    asked: float,
    answered: float,
) -> ClockReading:
    """Read the clock. ``system`` is the system's time at ``answered``, monotonic as ``asked``.

    The hub's time is that of some moment between both. Raises EnvelopeError for an answer that the
    hub did not sign, or to another question.
    """
    try:  # of the nonce that was asked, so that an answer to another question fails
        hub.verifier.verify(answer.signature, _signed(question.nonce, answer.at))
    except InvalidSignature:
        msg = "the time is not signed by the hub"
        raise EnvelopeError(msg) from None
    half = max(0.0, answered - asked) / 2
    middle = system - timedelta(seconds=half)
    return ClockReading((answer.at - middle).total_seconds(), half, answered)


def _signed(nonce: str, at: datetime) -> bytes:
    return b"|".join((CONTEXT, nonce.encode(), at.astimezone(UTC).isoformat().encode()))
