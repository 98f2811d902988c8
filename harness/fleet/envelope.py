"""Encrypt a message to its receiver, and sign it, above TLS.

A filter that opens TLS sees who sends to whom, when, and about how much; no item, no verdict,
no task, and not which kind of message it is. Encryption is HPKE (RFC 9180: X25519, HKDF-SHA256,
ChaCha20-Poly1305), whose ``info`` binds sender, receiver, id and time. The signature (Ed25519) is
over these and the ciphertext, so that a message can neither be changed nor given to another
receiver. An id that was seen before is refused by the hub (``harness.store.registry.agent_store``).
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from harness.errors import UsageError
from harness.fleet.identity import Identity, PublicIdentity

FORMAT = "accredit-envelope/1"

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

MOST_BYTES = 4 * 1024 * 1024
"""The largest envelope that is read."""

PADDING = 512
"""Messages are filled up to a multiple of so many bytes, so that their length says little."""

ANSWER_WITHIN = timedelta(minutes=10)
"""How far the time of a message may be from that of its receiver."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What is not encrypted: the ids of the keys of sender and receiver, an id, and the time.

    ``answers`` is the id of the question that a message answers, so that an answer which was held
    back on the way cannot be given to another question; it is empty in a question.
    """

    sender: Annotated[str, msgspec.Meta(max_length=64)]
    receiver: Annotated[str, msgspec.Meta(max_length=64)]
    id: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    answers: Annotated[str, msgspec.Meta(max_length=32)] = ""

    def encoded(self) -> bytes:
        """The header as the bytes that are bound and signed."""
        at = self.at.astimezone(UTC).isoformat()
        values = (FORMAT, self.sender, self.receiver, self.id, at, self.answers)
        return msgspec.json.encode(values)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is encrypted and signed; bytes are base64 in JSON."""

    format: str
    header: Header
    sealed: bytes
    signature: bytes

    def encoded(self) -> bytes:
        """The envelope as JSON."""
        return msgspec.json.encode(self)


_ENVELOPES = msgspec.json.Decoder(Envelope)


class EnvelopeError(UsageError):
    """An envelope that cannot be trusted, or not be read."""


def seal(
    message: bytes, sender: Identity, receiver: PublicIdentity, at: datetime, *, answers: str = ""
) -> Envelope:
    """Encrypt and sign a message; ``at`` is the sender's time.

    ``answers`` is the ``header.id`` of the question, if the message is an answer.
    """
    header = Header(
        sender=sender.public.id,
        receiver=receiver.id,
        id=secrets.token_hex(16),
        at=at,
        answers=answers,
    )
    bound = header.encoded()
    sealed = SUITE.encrypt(_padded(message), receiver.recipient, info=bound)
    return Envelope(
        format=FORMAT, header=header, sealed=sealed, signature=sender.signer.sign(bound + sealed)
    )


def read_envelope(content: bytes) -> Envelope:
    """Read an envelope without trusting it. Raises EnvelopeError."""
    if len(content) > MOST_BYTES:
        msg = f"an envelope of {len(content):,} bytes is too large; at most {MOST_BYTES:,} are read"
        raise EnvelopeError(msg)
    try:
        envelope = _ENVELOPES.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        msg = "this is not an envelope of Accredit"
        raise EnvelopeError(msg) from None
    if envelope.format != FORMAT:
        msg = f"an envelope must have the format {FORMAT}"
        raise EnvelopeError(msg)
    return envelope


def open_envelope(
    envelope: Envelope, receiver: Identity, sender: PublicIdentity, now: datetime | None
) -> bytes:
    """Verify and decrypt an envelope; return the message. Raises EnvelopeError.

    ``now`` is the receiver's time; ``None`` if its clock is not known to be right.
    """
    header = envelope.header
    if header.sender != sender.id or header.receiver != receiver.public.id:
        msg = "the envelope is from or to somebody else"
        raise EnvelopeError(msg)
    bound = header.encoded()
    try:
        sender.verifier.verify(envelope.signature, bound + envelope.sealed)
        padded = SUITE.decrypt(envelope.sealed, receiver.opener, info=bound)
    except (InvalidSignature, InvalidTag, ValueError):
        msg = "the envelope was changed, or is not from its sender"
        raise EnvelopeError(msg) from None
    if now is not None and abs(header.at - now) > ANSWER_WITHIN:
        msg = (
            f"the envelope is dated {header.at:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M}"
        )
        raise EnvelopeError(msg)
    return _unpadded(padded)


def _padded(message: bytes) -> bytes:
    """A message with its length before it, and zeros up to a multiple of ``PADDING``."""
    whole = len(message).to_bytes(4, "big") + message
    return whole + bytes(-len(whole) % PADDING)


def _unpadded(padded: bytes) -> bytes:
    """The message in a text of ``_padded``. Raises EnvelopeError."""
    length = int.from_bytes(padded[:4], "big")
    if length > len(padded) - 4:
        msg = "the envelope's message is shorter than it says"
        raise EnvelopeError(msg)
    return padded[4 : 4 + length]
