"""Cells of Tor's link protocol 4, and the layer of encryption of a circuit, without I/O.

The Tor specification: tor-spec (cells, link handshake, CREATE_FAST, relay cells), cert-spec.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

CREATE_FAST, CREATED_FAST, RELAY, DESTROY, VERSIONS, NETINFO = 5, 6, 3, 4, 7, 8
FIRST_VARIABLE, CERTS, AUTH_CHALLENGE = 128, 129, 130
BEGIN, DATA, END, CONNECTED = 1, 2, 3, 4

PAYLOAD_BYTES = 509
DATA_BYTES = 498
KEY_BYTES, DIGEST_BYTES = 16, 20
LINK_VERSION = 4

_RELAY_HEAD = struct.Struct("!BHHIH")
_DIGEST_PLACE = slice(5, 9)

IDENTITY_CERTIFICATE = 4
"""The type of the certificate of the signing key by the identity key."""
_CERTIFICATE = struct.Struct("!BBIB32sB")
_SIGNED_WITH = b"\0\x20\x04\0"
"""The head of the extension that holds the key of the signer."""
_ED25519 = 1
FAR_FUTURE_HOURS = 1_000_000
"""When certificates end: hours since 1970."""


class Cell(NamedTuple):
    """A cell: its circuit (0: of the link), command and payload."""

    circuit: int
    command: int
    payload: bytes


def write_cell(cell: Cell) -> bytes:
    """Return a cell; the first one of a link has a shorter number of its circuit."""
    if cell.command == VERSIONS:
        return struct.pack("!HBH", 0, VERSIONS, len(cell.payload)) + cell.payload
    head = struct.pack("!IB", cell.circuit, cell.command)
    if cell.command >= FIRST_VARIABLE:
        return head + len(cell.payload).to_bytes(2) + cell.payload
    return head + cell.payload.ljust(PAYLOAD_BYTES, b"\0")


def versions() -> Cell:
    """Return the cell that offers the versions of this program."""
    return Cell(0, VERSIONS, LINK_VERSION.to_bytes(2))


@dataclass(slots=True)
class CellReader:
    """Cuts a stream into cells; the first is of the command VERSIONS."""

    _received: bytearray = field(default_factory=bytearray)
    _is_agreed: bool = False

    def feed(self, data: bytes) -> Iterator[Cell]:
        """Yield the cells that are complete. Raises ValueError for a link of another version."""
        self._received += data
        while (cell := self._next()) is not None:
            yield cell

    def _next(self) -> Cell | None:
        number = 4 if self._is_agreed else 2
        if len(self._received) < number + 3:
            return None
        circuit, command = int.from_bytes(self._received[:number]), self._received[number]
        start = number + 1
        size = PAYLOAD_BYTES
        if command == VERSIONS or command >= FIRST_VARIABLE:
            size = int.from_bytes(self._received[start : start + 2])
            start += 2
        if not self._is_agreed and command != VERSIONS:
            raise ValueError("what came is no cell of Tor")
        if len(self._received) < start + size:
            return None
        payload = bytes(self._received[start : start + size])
        del self._received[: start + size]
        if command == VERSIONS:
            if LINK_VERSION.to_bytes(2) not in {payload[at : at + 2] for at in range(0, size, 2)}:
                raise ValueError("the other end of Tor speaks no version 4 of its link protocol")
            self._is_agreed = True
        return Cell(circuit, command, payload)


def write_certificate(identity: Ed25519PrivateKey, signing: Ed25519PublicKey) -> bytes:
    """Return a payload of CERTS with the certificate of a signing key (cert-spec section 2.1)."""
    signed = _CERTIFICATE.pack(
        1, IDENTITY_CERTIFICATE, FAR_FUTURE_HOURS, _ED25519, signing.public_bytes_raw(), 1
    )
    signed += _SIGNED_WITH + identity.public_key().public_bytes_raw()
    certificate = signed + identity.sign(signed)
    return b"\1" + struct.pack("!BH", IDENTITY_CERTIFICATE, len(certificate)) + certificate


def is_certified(payload: bytes, identity: Ed25519PublicKey) -> bool:
    """Whether a payload of CERTS holds a certificate that an identity key has signed."""
    place = 1
    while place + 3 <= len(payload):
        kind, size = payload[place], int.from_bytes(payload[place + 1 : place + 3])
        certificate = payload[place + 3 : place + 3 + size]
        place += 3 + size
        if kind == IDENTITY_CERTIFICATE:
            try:
                identity.verify(certificate[-64:], certificate[:-64])
            except InvalidSignature:
                return False
            return True
    return False


class RelayCell(NamedTuple):
    """What a relay cell carries: its command, stream and data."""

    command: int
    stream: int
    data: bytes


class Layer:
    """One direction of a circuit: counts and encrypts, or decrypts and checks, relay cells."""

    def __init__(self, key: bytes, seed: bytes) -> None:
        self._cipher = Cipher(AES(key), CTR(bytes(16))).encryptor()
        self._digest = hashlib.sha1(seed, usedforsecurity=False)

    def write(self, cell: RelayCell) -> bytes:
        """Return the encrypted payload of a relay cell."""
        head = _RELAY_HEAD.pack(cell.command, 0, cell.stream, 0, len(cell.data))
        payload = (head + cell.data).ljust(PAYLOAD_BYTES, b"\0")
        self._digest.update(payload)
        counted = bytearray(payload)
        counted[_DIGEST_PLACE] = self._digest.digest()[:4]
        return self._cipher.update(bytes(counted))

    def read(self, payload: bytes) -> RelayCell:
        """Decrypt a payload. Raises ValueError if its digest is wrong."""
        plain = bytearray(self._cipher.update(payload))
        command, recognized, stream, _, size = _RELAY_HEAD.unpack_from(plain)
        claimed = bytes(plain[_DIGEST_PLACE])
        plain[_DIGEST_PLACE] = bytes(4)
        self._digest.update(plain)
        if recognized or self._digest.digest()[:4] != claimed or size > DATA_BYTES:
            raise ValueError("a relay cell of Tor has a wrong digest")
        return RelayCell(command, stream, bytes(plain[_RELAY_HEAD.size : _RELAY_HEAD.size + size]))


class CircuitKeys(NamedTuple):
    """What both ends of a circuit have after CREATE_FAST."""

    proof: bytes
    forward: Layer
    backward: Layer


def circuit_keys(client: bytes, server: bytes) -> CircuitKeys:
    """Return the keys from the material of both ends (KDF-TOR, tor-spec "Setting circuit keys")."""
    secret = client + server
    stream = b"".join(
        hashlib.sha1(secret + bytes((number,)), usedforsecurity=False).digest()
        for number in range(5)
    )
    parts = []
    for size in (DIGEST_BYTES, DIGEST_BYTES, DIGEST_BYTES, KEY_BYTES, KEY_BYTES):
        parts.append(stream[:size])
        stream = stream[size:]
    proof, seed_forward, seed_backward, key_forward, key_backward = parts
    return CircuitKeys(proof, Layer(key_forward, seed_forward), Layer(key_backward, seed_backward))
