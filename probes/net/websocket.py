"""The WebSocket protocol (RFC 6455): handshake keys, frames, and messages from frames; no I/O.

Both ends are here: the probes' client, and the range's origin. No extension is offered or accepted.
aiohttp speaks the protocol only on connections that it opens itself, which no line can carry.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
from collections.abc import Mapping
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes of frames (section 5.2)."""
SWITCHING = 101
"""The status of an answer that accepts a WebSocket."""
VERSION = "13"

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LAST, _MASKED = 0x80, 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_CONTROL_BYTES = 125
_NORMAL = struct.pack("!H", 1000)


def new_key() -> str:
    """Return a random key for a handshake (section 4.1)."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def accept_of(key: str) -> str:
    """Return the header value by which a server accepts a key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 - RFC 6455


def requested_key(headers: Mapping[str, str]) -> str:
    """Return the key of a request for a WebSocket, empty for all others.

    Names of headers are in lower case.
    """
    wants = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    is_asked = "upgrade" in wants and headers.get("upgrade", "").strip().lower() == "websocket"
    return headers.get("sec-websocket-key", "") if is_asked else ""


def frame(opcode: int, payload: bytes, *, masked: bool = False) -> bytes:
    """Return one whole message, or control message, as a frame; a client's is ``masked``."""
    size, flag = len(payload), _MASKED if masked else 0
    if size < _TWO_BYTES:
        head = struct.pack("!BB", _LAST | opcode, flag | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _LAST | opcode, flag | _TWO_BYTES, size)
    else:
        head = struct.pack("!BBQ", _LAST | opcode, flag | _EIGHT_BYTES, size)
    if not masked:
        return head + payload
    mask = secrets.token_bytes(4)
    return head + mask + _xor(payload, mask)


def closing(*, masked: bool = False) -> bytes:
    """Return the frame that closes a connection as agreed."""
    return frame(CLOSE, _NORMAL, masked=masked)


class Message(NamedTuple):
    """A whole message or control message; ``opcode`` is that of its first frame."""

    opcode: int
    payload: bytes


class Messages:
    """Joins received bytes to messages of at most ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._received = bytearray()
        self._opcode = CONTINUATION
        self._joined = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that are complete now. Raises ValueError for invalid frames."""
        self._received += data
        complete: list[Message] = []
        while (taken := self._take_frame()) is not None:
            is_last, opcode, payload = taken
            if opcode >= CLOSE:
                complete.append(Message(opcode, payload))
                continue
            if (opcode == CONTINUATION) is (self._opcode == CONTINUATION):
                raise ValueError(f"a WebSocket frame of opcode {opcode} out of order")
            self._opcode = opcode or self._opcode
            self._joined += payload
            if len(self._joined) > self._limit:
                raise ValueError("a WebSocket message is too long")
            if is_last:
                complete.append(Message(self._opcode, bytes(self._joined)))
                self._opcode, self._joined = CONTINUATION, bytearray()
        return complete

    def _take_frame(self) -> tuple[bool, int, bytes] | None:
        """Remove one frame from the received bytes; None while it is incomplete."""
        received = self._received
        if len(received) < 2:  # noqa: PLR2004 - the shortest head
            return None
        opcode, size, start = received[0] & 0x0F, received[1] & 0x7F, 2
        if size >= _TWO_BYTES:
            start += 2 if size == _TWO_BYTES else 8
            size = int.from_bytes(received[2:start])
            if len(received) < start:
                return None
        if received[0] & 0x70 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ValueError("a WebSocket frame of an unknown kind")
        if size > (_CONTROL_BYTES if opcode >= CLOSE else self._limit):
            raise ValueError("a WebSocket frame is too long")
        mask_size = 4 if received[1] & _MASKED else 0
        end = start + mask_size + size
        if len(received) < end:
            return None
        payload = bytes(received[start + mask_size : end])
        if mask_size:
            payload = _xor(payload, bytes(received[start : start + mask_size]))
        is_last = bool(received[0] & _LAST)
        del received[:end]
        return is_last, opcode, payload


def _xor(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask a payload (section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
