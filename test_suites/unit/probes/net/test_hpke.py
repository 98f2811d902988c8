"""HPKE: the test vector of RFC 9180, and against another implementation."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from probes.net.hpke import AEADS, open_sealed, seal

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SENDER = "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"
RECEIVER = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
ENCAPSULATED = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
SEALED = (
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
)
TEXT = b"Beauty is truth, truth beauty"
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def private(text: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def test_the_vector_of_the_standard() -> None:
    """RFC 9180, appendix A.1.1, sequence number 0."""
    to = private(RECEIVER).public_key().public_bytes_raw()
    encapsulated, sealed = seal(to, INFO, TEXT, b"Count-0", sender=private(SENDER))

    assert (ENCAPSULATED, SEALED) == (encapsulated.hex(), sealed.hex())
    assert TEXT == open_sealed(private(RECEIVER), encapsulated, INFO, sealed, b"Count-0")


@pytest.mark.parametrize(("aead", "name"), [(1, "AES_128_GCM"), (2, "AES_256_GCM"),
                                            (3, "CHACHA20_POLY1305")])  # fmt: skip
def test_another_implementation_opens_what_was_sealed(aead: int, name: str) -> None:
    other = pytest.importorskip("cryptography.hazmat.primitives.hpke")
    suite = other.Suite(other.KEM.X25519, other.KDF.HKDF_SHA256, getattr(other.AEAD, name))

    assert TEXT == suite.decrypt(b"".join(seal(PUBLIC, INFO, TEXT, b"", aead)), KEY, INFO)
    sealed = suite.encrypt(TEXT, KEY.public_key(), INFO)
    assert TEXT == open_sealed(KEY, sealed[:32], INFO, sealed[32:], b"", aead)


@given(st.sampled_from(sorted(AEADS)), st.binary(), st.binary(), st.binary())
def test_what_is_sealed_is_opened(aead: int, info: bytes, data: bytes, more: bytes) -> None:
    encapsulated, sealed = seal(PUBLIC, info, data, more, aead)

    assert data == open_sealed(KEY, encapsulated, info, sealed, more, aead)
    for changed in ((info + b"x", more), (info, more + b"x")):
        assert None is open_sealed(KEY, encapsulated, changed[0], sealed, changed[1], aead)


@pytest.mark.parametrize(
    ("encapsulated", "sealed", "aead"),
    [(b"", b"", 1), (bytes(32), bytes(16), 1), (PUBLIC, bytes(3), 1), (PUBLIC, bytes(99), 9)],
)
def test_other_bytes_are_not_opened(encapsulated: bytes, sealed: bytes, aead: int) -> None:
    assert open_sealed(KEY, encapsulated, INFO, sealed, b"", aead) is None
