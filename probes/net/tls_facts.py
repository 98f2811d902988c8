"""TLS facts: the certificate chain a server presented, and the size and groups of a ClientHello.

The chain shows interception; the ClientHello (RFC 8446 section 4.1.2) is part of the instrument's
record.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from functools import lru_cache

from cryptography import x509

from harness.model.facts import Certificate
from harness.model.instrument_record import RANDOM, ClientHello
from probes.net.client_hello import SUPPORTED_GROUPS, FieldReader, hello_body, read_hello


def read_certificate(
    shown: ssl.SSLObject | ssl.SSLSocket, *, trusted: bool | None
) -> Certificate | None:
    """Return the presented chain, or None; before Python 3.13 only the leaf is available.

    ``trusted`` is None for a chain that was not verified.
    """
    whole = getattr(shown, "get_unverified_chain", None)
    chain: list[bytes] = list(whole()) if whole else []
    if not chain:
        leaf = shown.getpeercert(binary_form=True)
        chain = [leaf] if leaf else []
    return certificate_of(chain, trusted=trusted)


def certificate_of(chain: Sequence[bytes], *, trusted: bool | None) -> Certificate | None:
    """Return what is recorded of a chain of certificates in DER, leaf first; None if empty."""
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
        groups = _groups(hello_body(sent))
        return ClientHello(client=client, size=len(sent), groups=groups)
    except ValueError as error:
        return ClientHello(client=client, problem=str(error))


def is_complete(sent: bytes) -> bool:
    """Whether a ClientHello is complete, or cannot become one."""
    try:
        hello_body(sent)
    except ValueError as error:
        return "cut short" not in str(error)
    return True


def _groups(hello: bytes) -> tuple[str, ...]:
    data = read_hello(hello).extension(SUPPORTED_GROUPS)
    return tuple(map(_name, FieldReader(data).numbers(2))) if data is not None else ()


def _name(number: int) -> str:
    if number in RANDOM_GROUPS:
        return RANDOM
    return GROUPS.get(number, f"0x{number:04x}")
