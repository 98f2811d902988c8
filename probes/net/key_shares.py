"""Key shares of TLS 1.3 (RFC 8446 section 4.2.8): X25519, and X25519MLKEM768 with it.

X25519MLKEM768 is that of draft-ietf-tls-ecdhe-mlkem: the parts of ML-KEM-768 come first. It needs a
version of ``cryptography`` that has ML-KEM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from probes.net.client_hello import KEY_SHARE, Extension, FieldReader, vector

try:
    from cryptography.hazmat.primitives.asymmetric.mlkem import (
        MLKEM768PrivateKey,
        MLKEM768PublicKey,
    )
except ImportError:  # pragma: no cover - of versions of cryptography without it
    HAS_MLKEM = False
else:
    HAS_MLKEM = True

X25519, X25519_MLKEM768 = 0x001D, 0x11EC
"""Named groups."""

MLKEM_KEY, MLKEM_CIPHERTEXT = 1184, 1088
"""Bytes of a public key and of a ciphertext of ML-KEM-768 (FIPS 203)."""

Share = tuple[int, bytes]
"""A group, and the bytes of the share."""


class KeyShares:
    """The private keys of a client, for some groups. Raises ValueError for unknown groups."""

    def __init__(self, groups: Iterable[int]) -> None:
        makers = {X25519: _x25519_share, X25519_MLKEM768: _hybrid_share}
        self._offered: dict[int, tuple[bytes, Callable[[bytes], bytes]]] = {}
        for group in groups:
            if group not in makers or (group == X25519_MLKEM768 and not HAS_MLKEM):
                msg = f"no key share can be made for group 0x{group:04x}"
                raise ValueError(msg)
            self._offered[group] = makers[group]()

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups, in order."""
        return tuple(self._offered)

    def extension(self) -> Extension:
        """Return the extension of a ClientHello."""
        shares = b"".join(
            group.to_bytes(2) + vector(share, 2) for group, (share, _) in self._offered.items()
        )
        return Extension(KEY_SHARE, vector(shares, 2))

    def secret(self, answered: Share) -> bytes:
        """Return the shared secret with a server's share. Raises ValueError."""
        group, share = answered
        if group not in self._offered:
            msg = f"the server chose group 0x{group:04x}, which was not offered"
            raise ValueError(msg)
        return self._offered[group][1](share)


def _x25519_share() -> tuple[bytes, Callable[[bytes], bytes]]:
    key = X25519PrivateKey.generate()

    def secret(share: bytes) -> bytes:
        return key.exchange(X25519PublicKey.from_public_bytes(share))

    return key.public_key().public_bytes_raw(), secret


def _hybrid_share() -> tuple[bytes, Callable[[bytes], bytes]]:
    key = MLKEM768PrivateKey.generate()
    own, exchange = _x25519_share()

    def secret(share: bytes) -> bytes:
        ciphertext, other = share[:MLKEM_CIPHERTEXT], share[MLKEM_CIPHERTEXT:]
        return key.decapsulate(ciphertext) + exchange(other)

    return key.public_key().public_bytes_raw() + own, secret


def shares_in(data: bytes) -> tuple[Share, ...]:
    """Return the shares in the extension of a ClientHello. Raises ValueError."""
    listed, shares = FieldReader(FieldReader(data).vector(2)), []
    while listed.remaining:
        shares.append((listed.number(2), listed.vector(2)))
    return tuple(shares)


def answer_shares(offered: Iterable[Share]) -> tuple[Share, bytes]:
    """Return the server's share and the shared secret. Raises ValueError if no group is known."""
    for group, share in offered:
        if group == X25519:
            own, secret = _x25519_share()
            return (group, own), secret(share)
        if group == X25519_MLKEM768 and HAS_MLKEM:
            return _answer_hybrid(share)
    raise ValueError("the client offers no key share that is known")


def _answer_hybrid(share: bytes) -> tuple[Share, bytes]:
    own, exchange = _x25519_share()
    exchanged = exchange(share[MLKEM_KEY:])
    try:
        secret, ciphertext = MLKEM768PublicKey.from_public_bytes(share[:MLKEM_KEY]).encapsulate()
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    return (X25519_MLKEM768, ciphertext + own), secret + exchanged
