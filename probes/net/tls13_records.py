"""Records and keys of TLS 1.3 (RFC 8446 sections 5 and 7), for both ends of a connection."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from probes.net import hkdf
from probes.net.client_hello import HANDSHAKE, MESSAGE_HEADER, RECORD_HEADER, vector

CHANGE_CIPHER_SPEC, ALERT, APPLICATION_DATA = 20, 21, 23
"""Types of records beside HANDSHAKE."""

LONGEST = 1 << 14
TAG_AND_PADDING = 256
"""Bytes by which a protected record may be longer than its content (section 5.2)."""

LONGEST_MESSAGE = 1 << 18
"""Bytes of a handshake message that are accepted; chains of certificates are far shorter."""


class Cipher(NamedTuple):
    """A cipher suite: its digest, its AEAD and the bytes of the key."""

    digest: str
    aead: type[AESGCM | AESCCM | ChaCha20Poly1305]
    key_bytes: int


CIPHERS = {
    0x1301: Cipher("sha256", AESGCM, 16),
    0x1302: Cipher("sha384", AESGCM, 32),
    0x1303: Cipher("sha256", ChaCha20Poly1305, 32),
    0x1304: Cipher("sha256", AESCCM, 16),
}
"""Cipher suites of TLS 1.3 by number (section B.4)."""

ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    40: "handshake_failure",
    42: "bad_certificate",
    47: "illegal_parameter",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}
"""Names of alerts (section 6, RFC 9849)."""

CLOSE_NOTIFY = 0
FATAL, WARNING = 2, 1


def tls_error(text: str, alert: int | None = None) -> ssl.SSLError:
    """Return the error of a connection; ``alert`` is the one that the far end sent."""
    error = ssl.SSLError(1, text)
    if alert is not None:
        error.reason = f"TLSV13_ALERT_{ALERTS.get(alert, str(alert)).upper()}"
    return error


class Record(NamedTuple):
    """One record without its protection."""

    kind: int
    data: bytes


class _Protection:
    """The keys of one direction (section 7.3)."""

    def __init__(self, cipher: Cipher, secret: bytes) -> None:
        key = hkdf.expand_label(cipher.digest, secret, "key", b"", cipher.key_bytes)
        self._iv = hkdf.expand_label(cipher.digest, secret, "iv", b"", 12)
        self._aead = cipher.aead(key)
        self._sequence = 0

    def seal(self, record: Record) -> bytes:
        plain = record.data + bytes((record.kind,))
        header = bytes((APPLICATION_DATA, 3, 3)) + (len(plain) + 16).to_bytes(2)
        return header + self._aead.encrypt(self._nonce(), plain, header)

    def open(self, header: bytes, sealed: bytes) -> Record:
        try:
            plain = self._aead.decrypt(self._nonce(), sealed, header)
        except (InvalidTag, ValueError):
            raise tls_error("a record cannot be decrypted") from None
        content = plain.rstrip(b"\0")
        if not content:
            raise tls_error("a record without a type")
        return Record(content[-1], content[:-1])

    def _nonce(self) -> bytes:
        number = self._sequence.to_bytes(12)
        self._sequence += 1
        return bytes(a ^ b for a, b in zip(self._iv, number, strict=True))


class RecordLayer:
    """Splits bytes into records and messages, and protects what is sent. Raises ssl.SSLError."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._messages = bytearray()
        self._reading: _Protection | None = None
        self._writing: _Protection | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the far end."""
        self._received += data

    def read_with(self, cipher: Cipher, secret: bytes) -> None:
        """Use the keys of a traffic secret for what is received from now on."""
        self._reading = _Protection(cipher, secret)

    def write_with(self, cipher: Cipher, secret: bytes) -> None:
        """Use the keys of a traffic secret for what is sent from now on."""
        self._writing = _Protection(cipher, secret)

    def next_record(self) -> Record | None:
        """Return the next record; None while it is incomplete. Alerts are raised.

        The record of close_notify is returned. Records ChangeCipherSpec are skipped (section 5).
        """
        while (record := self._next()) is not None and record.kind == CHANGE_CIPHER_SPEC:
            pass
        if record is None or record.kind != ALERT:
            return record
        number = record.data[1] if len(record.data) > 1 else 0
        if number != CLOSE_NOTIFY:
            raise tls_error("the far end sent an alert", number)
        return record

    def _next(self) -> Record | None:
        if len(self._received) < RECORD_HEADER:
            return None
        header = bytes(self._received[:RECORD_HEADER])
        size = int.from_bytes(header[3:])
        if header[0] not in range(CHANGE_CIPHER_SPEC, APPLICATION_DATA + 1) or header[1] != 3:  # noqa: PLR2004 - versions 3.x
            raise tls_error("the far end does not speak TLS")
        if size > LONGEST + TAG_AND_PADDING:
            raise tls_error("a record is too long")
        if len(self._received) < RECORD_HEADER + size:
            return None
        data = bytes(self._received[RECORD_HEADER : RECORD_HEADER + size])
        del self._received[: RECORD_HEADER + size]
        if self._reading is None or header[0] != APPLICATION_DATA:
            return Record(header[0], data)
        return self._reading.open(header, data)

    def add(self, record: Record) -> list[bytes]:
        """Return the handshake messages that are complete with a record."""
        self._messages += record.data
        complete = []
        while len(self._messages) >= MESSAGE_HEADER:
            size = MESSAGE_HEADER + int.from_bytes(self._messages[1:MESSAGE_HEADER])
            if size > LONGEST_MESSAGE:
                raise tls_error("a handshake message is too long")
            if len(self._messages) < size:
                break
            complete.append(bytes(self._messages[:size]))
            del self._messages[:size]
        return complete

    def sent(self, kind: int, data: bytes) -> bytes:
        """Return the records that carry some data."""
        parts = [data[start : start + LONGEST] for start in range(0, len(data), LONGEST)]
        if self._writing is None:
            return b"".join(bytes((kind, 3, 3)) + vector(part, 2) for part in parts)
        return b"".join(self._writing.seal(Record(kind, part)) for part in parts)


COMPATIBLE_CHANGE = bytes((CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1))
"""The record that middleboxes expect after the first flight (section D.4)."""


def handshake_message(kind: int, body: bytes) -> bytes:
    """Return a handshake message."""
    return bytes((kind,)) + vector(body, 3)


def alert(number: int, level: int = FATAL) -> bytes:
    """Return the content of an alert."""
    return bytes((level, number))


@dataclass(frozen=True, slots=True)
class TrafficSecrets:
    """The secrets of both directions in one part of a connection."""

    client: bytes
    server: bytes


class KeySchedule:
    """The transcript and the secrets of a connection without PSK (section 7.1)."""

    def __init__(self, cipher: Cipher) -> None:
        self.cipher = cipher
        self._transcript = hashlib.new(cipher.digest)
        size = self._transcript.digest_size
        self._size, zeros = size, bytes(size)
        self._secret = hkdf.extract(cipher.digest, b"", zeros)

    def add(self, message: bytes) -> None:
        """Add a handshake message to the transcript."""
        self._transcript.update(message)

    @property
    def digest(self) -> bytes:
        """The digest of the messages until now."""
        return self._transcript.copy().digest()

    def handshake_secrets(self, shared: bytes) -> TrafficSecrets:
        """Return the secrets for the rest of the handshake, after ServerHello."""
        self._secret = self._next_secret(shared)
        return self._traffic("hs")

    def application_secrets(self) -> TrafficSecrets:
        """Return the secrets for application data, after the server's Finished."""
        self._secret = self._next_secret(bytes(self._size))
        return self._traffic("ap")

    def verify_data(self, secret: bytes) -> bytes:
        """Return the content of a Finished of the end that has a handshake secret."""
        key = hkdf.expand_label(self.cipher.digest, secret, "finished", b"", self._size)
        return hmac.digest(key, self.digest, self.cipher.digest)

    def _next_secret(self, material: bytes) -> bytes:
        empty = hashlib.new(self.cipher.digest).digest()
        salt = hkdf.expand_label(self.cipher.digest, self._secret, "derived", empty, self._size)
        return hkdf.extract(self.cipher.digest, salt, material)

    def _traffic(self, part: str) -> TrafficSecrets:
        return TrafficSecrets(
            *(
                hkdf.expand_label(
                    self.cipher.digest,
                    self._secret,
                    f"{end} {part} traffic",
                    self.digest,
                    self._size,
                )
                for end in ("c", "s")
            )
        )


def plain_records(message: bytes) -> bytes:
    """Return the record of a first flight, with the version that clients write there."""
    return bytes((HANDSHAKE, 3, 1)) + vector(message, 2)
