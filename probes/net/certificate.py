"""Reads the certificates that a line showed, so that interception can be seen later."""

from __future__ import annotations

import hashlib
import ssl
from functools import lru_cache

from cryptography import x509

from harness.model.observation import Certificate


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
