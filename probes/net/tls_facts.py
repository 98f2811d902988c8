"""Reads the certificates that a line showed, so that interception can be seen later."""

from __future__ import annotations

import hashlib
import ssl
from functools import lru_cache

from cryptography import x509

from harness.model.facts.web import Certificate
from harness.model.instrument_record import RANDOM, ClientHello


def read_certificate(shown: ssl.SSLObject | ssl.SSLSocket, *, trusted: bool) -> Certificate | None:
    """The chain as it was shown; before Python 3.13 the standard library gives the leaf only."""
    whole = getattr(shown, "get_unverified_chain", None)
    chain: list[bytes] = list(whole()) if whole else []
    if not chain:
        leaf = shown.getpeercert(binary_form=True)
        chain = [leaf] if leaf else []
    if not chain:
        return None
    issuer, subject = _names(chain[0])
    digests = tuple(hashlib.sha256(each).hexdigest() for each in chain)
    return Certificate(chain=digests, issuer=issuer, subject=subject, trusted=trusted)


@lru_cache(maxsize=4096)
def _names(leaf: bytes) -> tuple[str, str]:
    """Issuer and subject as RFC 4514 texts; empty if the certificate is too odd to read."""
    try:
        certificate = x509.load_der_x509_certificate(leaf)
        return certificate.issuer.rfc4514_string(), certificate.subject.rfc4514_string()
    except (ValueError, x509.InvalidVersion):
        return "", ""


SERVER_NAME = "instrument.accredit.test"
"""The name that is asked for; a name of another length changes the size by as much."""

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
"""IANA, TLS Supported Groups; others are given by their number."""

RANDOM_GROUPS = frozenset(0x0A0A + 0x1010 * step for step in range(16))
"""0x0A0A, 0x1A1A to 0xFAFA (RFC 8701)."""

HANDSHAKE, CLIENT_HELLO, SUPPORTED_GROUPS = 22, 1, 10


class _Reader:
    """Takes fields from the front of some bytes. Raises ValueError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, size: int) -> bytes:
        if len(self.left) < size:
            msg = "a ClientHello that is cut short"
            raise ValueError(msg)
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """A field whose length stands before it in ``size`` bytes."""
        return self.take(self.number(size))


def hello_of(context: ssl.SSLContext, client: str) -> ClientHello:
    """The ClientHello that a context sends, without a network."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=SERVER_NAME)
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return read_hello(outgoing.read(), client)
    except ssl.SSLError as error:
        return ClientHello(client=client, problem=str(error))
    return ClientHello(client=client, problem="the handshake ended by itself")


def read_hello(sent: bytes, client: str) -> ClientHello:
    """Size and groups of a ClientHello in one or more TLS records; a problem if it is none."""
    try:
        message = _message(sent)
        return ClientHello(client=client, size=len(sent), groups=_groups(message))
    except ValueError as error:
        return ClientHello(client=client, problem=str(error))


def is_whole(sent: bytes) -> bool:
    """Whether all of a ClientHello is there; also true of what can be none."""
    try:
        _message(sent)
    except ValueError as error:
        return "cut short" not in str(error)
    return True


def _message(sent: bytes) -> bytes:
    """The handshake message without headers. Raises ValueError if it is no whole ClientHello."""
    reader, content = _Reader(sent), b""
    while reader.left:
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
    extensions = _Reader(reader.vector(2) if reader.left else b"")
    while extensions.left:
        kind, data = extensions.number(2), extensions.vector(2)
        if kind == SUPPORTED_GROUPS:
            numbers = _Reader(_Reader(data).vector(2))
            named = []
            while numbers.left:
                named.append(_name(numbers.number(2)))
            return tuple(named)
    return ()


def _name(number: int) -> str:
    if number in RANDOM_GROUPS:
        return RANDOM
    return GROUPS.get(number, f"0x{number:04x}")
