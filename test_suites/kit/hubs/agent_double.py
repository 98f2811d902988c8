"""A double of an agent: it seals messages to a hub as an agent does, and reads the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

import msgspec

from harness.fleet.envelope import Envelope, open_envelope, read_envelope, seal
from harness.fleet.identity import Identity, PublicIdentity
from harness.fleet.messages import (
    PART_BYTES,
    Enrol,
    FromHub,
    Introduction,
    Message,
    PartReceived,
    UploadPart,
    encode,
    read_from_hub,
    read_token,
)

INTRODUCTIONS = msgspec.json.Decoder(Introduction)


class AgentDouble:
    """An agent; ``send`` takes the body of a request to a hub, and gives that of the answer."""

    def __init__(
        self, hub: PublicIdentity, send: Callable[[bytes], bytes], now: Callable[[], datetime]
    ) -> None:
        self.keys = Identity.new()
        self.hub, self._send, self._now = hub, send, now

    @property
    def id(self) -> str:
        return self.keys.public.id

    def body(
        self,
        message: Message,
        *,
        is_introduced: bool = False,
        at: datetime | None = None,
        hub: PublicIdentity | None = None,
    ) -> bytes:
        """The body of a request with a message."""
        envelope = seal(encode(message), self.keys, hub or self.hub, at or self._now())
        return self.body_of(envelope, is_introduced=is_introduced)

    def body_of(self, envelope: Envelope, *, is_introduced: bool = False) -> bytes:
        identity = self.keys.public if is_introduced else None
        raw = msgspec.Raw(envelope.encoded())
        return msgspec.json.encode(Introduction(envelope=raw, identity=identity))

    def ask(self, message: Message, *, is_introduced: bool = False) -> FromHub:
        """Send a message and read the answer."""
        return self.read(self._send(self.body(message, is_introduced=is_introduced)))

    def read(self, answer: bytes) -> FromHub:
        """The message in an answer, which only the hub can have made."""
        envelope = read_envelope(bytes(INTRODUCTIONS.decode(answer).envelope))
        return read_from_hub(open_envelope(envelope, self.keys, self.hub, self._now()))

    def enrol(self, token: str) -> FromHub:
        message = Enrol(token=token, version="0.1.0", platform="Linux")
        return self.ask(message, is_introduced=True)

    def upload(self, content: bytes) -> str:
        """Send a file in parts; its SHA-256."""
        digest, held = hashlib.sha256(content).hexdigest(), 0
        while held < len(content):
            data = content[held : held + PART_BYTES]
            part = UploadPart(sha256=digest, size=len(content), offset=held, data=data)
            answer = self.ask(part)
            assert isinstance(answer, PartReceived), answer
            held = answer.held
        return digest


def hub_of(token: str) -> PublicIdentity:
    """The public keys of the hub that gave a token out."""
    return read_token(token).hub
