"""DNS over TCP and TLS: questions side by side, each message after its length (RFC 7766, 7858).

Answers come in any order; a question knows its own by an id that no other has.
"""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from probes.net.portable.dns_stream import Conversation

LENGTH = 2
"""Octets of a message's length (RFC 1035, 4.2.2)."""


class Pipeline(Conversation):
    """One connection with any number of questions under way."""

    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._received = bytearray()

    def ask(self, rest: bytes) -> asyncio.Future[bytes]:
        """Send a question, whole but for its id. Its answer may be LostError."""
        id_ = os.urandom(2)
        while id_ in self._waiting:
            id_ = os.urandom(2)
        length = (len(rest) + len(id_)).to_bytes(LENGTH, "big")
        return self._expect(id_, length + id_ + rest)

    def data_received(self, data: bytes) -> None:
        """Give each whole message to whoever waits for it."""
        received = self._received
        received += data
        place = 0
        while len(received) >= (start := place + LENGTH):
            end = start + int.from_bytes(received[place:start], "big")
            if len(received) < end:
                break
            self._answer(bytes(received[start : start + 2]), bytes(received[start:end]))
            place = end
        del received[:place]
