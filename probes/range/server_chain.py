"""``ServerChain``: a certificate with its key, as a QUIC server needs them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChain:
    """A certificate with those that lead to its authority, and its key."""

    leaf: x509.Certificate
    others: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)


def read_chain(pem: bytes) -> ServerChain:
    """Read a key and a chain, leaf first. Raises ValueError if there is none."""
    leaf, *others = x509.load_pem_x509_certificates(pem)
    return ServerChain(leaf=leaf, others=tuple(others), key=load_pem_private_key(pem, None))
