"""Verify a certificate chain that was shown in a QUIC handshake, for the record.

aioquic verifies by a list of its own, and ends the connection where that fails. A technique wants
the page behind such a certificate too: the token alone proves delivery.
"""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from aioquic.tls import Alert, verify_certificate
from cryptography import x509

from harness.model.facts import Certificate


def certificate_of(chain: list[bytes], server_name: str, trust: str) -> Certificate:
    """Return the facts of a chain in DER form, leaf first; ``trusted`` if it is valid for the name.

    ``trust`` is a file of authorities in PEM form beside the system's; empty: those alone.
    """
    digests = tuple(hashlib.sha256(der).hexdigest() for der in chain)
    try:
        leaf, *others = (x509.load_der_x509_certificate(der) for der in chain)
        issuer, subject = leaf.issuer.rfc4514_string(), leaf.subject.rfc4514_string()
    except ValueError:
        return Certificate(chain=digests, trusted=False)
    trusted = bool(server_name) and _is_valid(leaf, others, server_name, trust)
    return Certificate(chain=digests, issuer=issuer, subject=subject, trusted=trusted)


def _is_valid(
    leaf: x509.Certificate, others: list[x509.Certificate], server_name: str, trust: str
) -> bool:
    system = ssl.get_default_verify_paths()
    try:
        verify_certificate(
            leaf,
            others,
            server_name,
            cadata=Path(trust).read_bytes() if trust else None,
            cafile=system.cafile,
            capath=system.capath,
        )
    except (Alert, ValueError, OSError):
        return False
    return True
