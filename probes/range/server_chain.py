"""``ServerChain``: a certificate with its key, as a QUIC server needs them.

``CurrentChain`` is that of a server which runs for long, so that its certificate is renewed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from probes.range.authority import Certificates


class ChainSource(Protocol):
    """Gives the chain for a new connection."""

    def current(self) -> ServerChain:
        """Return the chain as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChain:
    """A certificate with those that lead to its authority, and its key."""

    leaf: x509.Certificate
    others: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)

    def current(self) -> ServerChain:
        """Return itself: it is never renewed."""
        return self


def read_chain(pem: bytes) -> ServerChain:
    """Read a key and a chain, leaf first. Raises ValueError if there is none."""
    leaf, *others = x509.load_pem_x509_certificates(pem)
    return ServerChain(leaf=leaf, others=tuple(others), key=load_pem_private_key(pem, None))


class CurrentChain:
    """The chain of ``certificates`` for some names, which is read anew when it was renewed.

    It is the same for each of the names, because aioquic shows one certificate whatever name a
    client asks for. Raises LookupError if there is none for them.
    """

    def __init__(self, certificates: Certificates, *names: str) -> None:
        self._certificates, self._names = certificates, names
        self._pem = certificates.key_and_chain(*names)
        self._chain = read_chain(self._pem)

    def current(self) -> ServerChain:
        """Return the chain as it is now."""
        pem = self._certificates.key_and_chain(*self._names)
        if pem != self._pem:
            self._pem, self._chain = pem, read_chain(pem)
        return self._chain
