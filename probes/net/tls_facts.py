"""TLS facts: the certificate chain a server presented, and the size and groups of a ClientHello.

The chain shows interception; the ClientHello (RFC 8446 section 4.1.2) is part of the instrument's
record.
"""

from __future__ import annotations

import hashlib
import ssl
from functools import lru_cache

from cryptography import x509

from harness.model.facts import Certificate
from harness.model.instrument_record import RANDOM, ClientHello


def read_certificate(shown: ssl.SSLObject | ssl.SSLSocket, *, trusted: bool) -> Certificate | None:
    """Return the presented chain, or None; before Python 3.13 only the leaf is available."""
    whole = getattr(shown, "get_unverified_chain", None)
    chain: list[bytes] = list(whole()) if whole else []
    if not chain:
        leaf = shown.getpeercert(binary_form=True)
        chain = [leaf] if leaf else []
    if not chain:
        return None
    issuer, subject = _names(chain[0])
    digests = tuple(hashlib.sha256(der).hexdigest() for der in chain)
    return Certificate(chain=digests, issuer=issuer, subject=subject, trusted=trusted)


@lru_cache(maxsize=4096)
def _names(leaf: bytes) -> tuple[str, str]:
    """Return issuer and subject in RFC 4514 form; empty if the certificate cannot be parsed."""
    try:
        certificate = x509.load_der_x509_certificate(leaf)
        return certificate.issuer.rfc4514_string(), certificate.subject.rfc4514_string()
    except (ValueError, x509.InvalidVersion):
        return "", ""


SERVER_NAME = "instrument.accredit.test"
"""Server name in the recorded ClientHello; the length of a name changes the size by as much."""

GROUPS = {
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001D: "x25519",
    0x001E: "x448",
    0x001F: "brainpoolP256r1tls13",
    0x0020: "brainpoolP384r1tls13",
    0x0021: "brainpoolP512r1tls13",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    0x0103: "ffdhe6144",
    0x0104: "ffdhe8192",
    0x0200: "MLKEM512",
    0x0201: "MLKEM768",
    0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x6399: "X25519Kyber768Draft00",
}
"""IANA registry TLS Supported Groups; other groups are shown by number."""

RANDOM_GROUPS = frozenset(0x0A0A + 0x1010 * step for step in range(16))
"""GREASE values 0x0A0A, 0x1A1A to 0xFAFA (RFC 8701)."""

HANDSHAKE, CLIENT_HELLO, SUPPORTED_GROUPS = 22, 1, 10


class _Reader:
    """Reads fields from bytes in order. Raises ValueError if they end early."""

    def __init__(self, data: bytes) -> None:
        self.remaining = data

    def take(self, size: int) -> bytes:
        if len(self.remaining) < size:
            msg = "a ClientHello that is cut short"
            raise ValueError(msg)
        field, self.remaining = self.remaining[:size], self.remaining[size:]
        return field

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """Read a field preceded by its length in ``size`` bytes."""
        return self.take(self.number(size))


def client_hello_of(context: ssl.SSLContext, client: str) -> ClientHello:
    """Return the ClientHello that a TLS context sends; uses no network."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=SERVER_NAME)
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return read_client_hello(outgoing.read(), client)
    except ssl.SSLError as error:
        return ClientHello(client=client, problem=str(error))
    return ClientHello(client=client, problem="the handshake ended by itself")


def read_client_hello(sent: bytes, client: str) -> ClientHello:
    """Parse a ClientHello in one or more TLS records; an invalid one gives a ``problem``."""
    try:
        message = _message(sent)
        return ClientHello(client=client, size=len(sent), groups=_groups(message))
    except ValueError as error:
        return ClientHello(client=client, problem=str(error))


def is_complete(sent: bytes) -> bool:
    """Whether a ClientHello is complete, or cannot become one."""
    try:
        _message(sent)
    except ValueError as error:
        return "cut short" not in str(error)
    return True


def _message(sent: bytes) -> bytes:
    """Return the ClientHello message without headers. Raises ValueError."""
    reader, content = _Reader(sent), b""
    while reader.remaining:
        if reader.number(1) != HANDSHAKE:
            msg = "not a TLS handshake"
            raise ValueError(msg)
        reader.take(2)  # version of the record
        content += reader.vector(2)
    body = _Reader(content)
    if body.number(1) != CLIENT_HELLO:
        msg = "not a ClientHello"
        raise ValueError(msg)
    return body.vector(3)


def _groups(message: bytes) -> tuple[str, ...]:
    reader = _Reader(message)
    reader.take(2 + 32)  # version, random
    reader.vector(1)  # session id
    reader.vector(2)  # cipher suites
    reader.vector(1)  # compression methods
    extensions = _Reader(reader.vector(2) if reader.remaining else b"")
    while extensions.remaining:
        kind, data = extensions.number(2), extensions.vector(2)
        if kind == SUPPORTED_GROUPS:
            numbers = _Reader(_Reader(data).vector(2))
            named = []
            while numbers.remaining:
                named.append(_name(numbers.number(2)))
            return tuple(named)
    return ()


def _name(number: int) -> str:
    if number in RANDOM_GROUPS:
        return RANDOM
    return GROUPS.get(number, f"0x{number:04x}")
