"""Messages of STUN and TURN (RFC 8489, RFC 8656): what a client and a small server need."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

COOKIE = 0x2112A442
HEADER_BYTES = 20
LONGEST = 65535 + HEADER_BYTES

ALLOCATE, SEND, DATA_METHOD, CREATE_PERMISSION = 0x003, 0x006, 0x007, 0x008
REQUEST, INDICATION, SUCCESS, ERROR = 0b00, 0b01, 0b10, 0b11

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
LIFETIME, XOR_PEER_ADDRESS, DATA = 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS = 0x0014, 0x0015, 0x0016
REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS = 0x0019, 0x0020

UDP = bytes((17, 0, 0, 0))
"""The value of REQUESTED-TRANSPORT for UDP (RFC 8656 section 18.7)."""

UNAUTHORIZED, STALE_OR_WRONG, FORBIDDEN = 401, 437, 403

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY_BYTES = 20

FAMILY_NUMBERS = {4: 1, 6: 2}
"""The number of an address's family by the version of IP (RFC 8489 section 14.1)."""

_FAMILIES: dict[int, type[IPv4Address | IPv6Address]] = {8: IPv4Address, 20: IPv6Address}
"""The kind of address in an attribute, by the attribute's bytes."""

ERROR_BYTES = 4
"""Bytes of ERROR-CODE before the reason (RFC 8489 section 14.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: method, class, transaction, and the first of each of its attributes."""

    method: int
    kind: int
    transaction: bytes
    attributes: dict[int, bytes] = field(default_factory=dict)

    def text(self, attribute: int) -> str:
        """Return an attribute as text; empty if there is none."""
        return self.attributes.get(attribute, b"").decode("utf-8", "replace")

    def address(self, attribute: int) -> tuple[str, int] | None:
        """Return the address and port in an attribute of XOR form (RFC 8489 section 14.2)."""
        value = self.attributes.get(attribute, b"")
        family = _FAMILIES.get(len(value))
        if family is None:
            return None
        mask = COOKIE.to_bytes(4) + self.transaction
        plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        return str(family(plain)), int.from_bytes(value[2:4]) ^ COOKIE >> 16

    @property
    def error(self) -> int:
        """The code of an error; 0 if there is none."""
        value = self.attributes.get(ERROR_CODE, b"")
        return value[2] * 100 + value[3] if len(value) >= ERROR_BYTES else 0


def xor_address(address: str, port: int, transaction: bytes) -> bytes:
    """Return the value of an attribute that holds an address in XOR form."""
    written = ip_address(address)
    mask = COOKIE.to_bytes(4) + transaction
    family = FAMILY_NUMBERS[written.version]
    hidden = bytes(a ^ b for a, b in zip(written.packed, mask, strict=False))
    return bytes((0, family)) + (port ^ COOKIE >> 16).to_bytes(2) + hidden


def error_value(code: int, reason: str) -> bytes:
    """Return the value of ERROR-CODE (RFC 8489 section 14.8)."""
    return bytes((0, 0, code // 100, code % 100)) + reason.encode()


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """Return the key of long-term credentials (RFC 8489 section 9.2.2)."""
    # MD5 is what the protocol prescribes.
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).digest()


def write_message(message: Message, key: bytes = b"") -> bytes:
    """Return a message in wire form; with a key its last attribute is MESSAGE-INTEGRITY."""
    body = b"".join(_attribute(*each) for each in message.attributes.items())
    if not key:
        return _head(message, len(body)) + body
    extra = _ATTRIBUTE.size + _INTEGRITY_BYTES
    head = _head(message, len(body) + extra)
    return head + body + _attribute(MESSAGE_INTEGRITY, _digest(key, head + body))


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _head(message: Message, length: int) -> bytes:
    method, kind = message.method, message.kind
    bits = method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2
    bits |= (kind & 1) << 4 | (kind & 2) << 7
    return _HEADER.pack(bits, length, COOKIE, message.transaction)


def _digest(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha1).digest()


def read_message(data: bytes) -> Message | None:
    """Return the message in wire form that some bytes are; None if they are none."""
    if len(data) < HEADER_BYTES or size_of(data) != len(data):
        return None
    bits, _, _, transaction = _HEADER.unpack_from(data)
    attributes: dict[int, bytes] = {}
    offset = HEADER_BYTES
    while offset + _ATTRIBUTE.size <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, offset)
        offset += _ATTRIBUTE.size
        if offset + length > len(data):
            return None
        attributes.setdefault(kind, data[offset : offset + length])
        offset += length + -length % 4
    method = bits & 0xF | bits >> 1 & 0x70 | bits >> 2 & 0xF80
    kind = bits >> 4 & 1 | bits >> 7 & 2
    return Message(method=method, kind=kind, transaction=transaction, attributes=attributes)


def size_of(data: bytes) -> int:
    """Return the bytes of the message that begins some bytes; 0 if none does, or not yet."""
    if len(data) < HEADER_BYTES:
        return 0
    bits, length, cookie, _ = _HEADER.unpack_from(data)
    return 0 if bits >> 14 or cookie != COOKIE or length % 4 else HEADER_BYTES + length


def has_integrity(data: bytes, key: bytes) -> bool:
    """Whether a message ends with the MESSAGE-INTEGRITY of a key (RFC 8489 section 14.5)."""
    extra = _ATTRIBUTE.size + _INTEGRITY_BYTES
    signed, last = data[:-extra], data[-extra:]
    expected = _attribute(MESSAGE_INTEGRITY, _digest(key, signed))
    return len(signed) >= HEADER_BYTES and hmac.compare_digest(last, expected)
