"""An envelope holds for whoever has the key, and for nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.signing import (
    Envelope,
    canonical,
    key_id,
    read_envelope,
    read_keys,
    require_signature,
    sign,
)
from test_suites.kit.hubs.keys import write_keys

KIND = "text/plain"


@given(payload=st.binary(max_size=200), kind=st.text(max_size=20))
def test_an_envelope_reads_back_and_its_signature_holds(
    tmp_path_factory: pytest.TempPathFactory, payload: bytes, kind: str
) -> None:
    private, public = write_keys(tmp_path_factory.mktemp("keys"))

    envelope = read_envelope(sign(kind, payload, private).encoded(), "here")

    assert (payload, kind) == (envelope.payload, envelope.payload_type)
    assert envelope.signatures[0].keyid == require_signature(envelope, read_keys([public]), "here")


def test_the_signature_is_that_of_dsse(tmp_path: Path) -> None:
    """The pre-authentication encoding, written out by hand (DSSE v1, protocol.md)."""
    private, public = write_keys(tmp_path)
    (signature,) = sign("http://example.com/HelloWorld", b"hello world", private).signatures
    key = serialization.load_pem_public_key(public.read_bytes())

    assert isinstance(key, Ed25519PublicKey)
    encoded = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    key.verify(signature.sig, encoded)  # raises if it does not hold
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert hashlib.sha256(raw).hexdigest() == key_id(key) == signature.keyid


@pytest.mark.parametrize("changed", ["payload", "payload_type", "signatures"])
def test_whatever_is_changed_the_signature_does_not_hold(tmp_path: Path, changed: str) -> None:
    private, public = write_keys(tmp_path)
    envelope = sign(KIND, b"one", private)
    other = {"payload": b"two", "payload_type": "text/html", "signatures": ()}

    with pytest.raises(UsageError, match="here: no signature by a key that was given"):
        require_signature(
            msgspec.structs.replace(envelope, **{changed: other[changed]}),
            read_keys([public]),
            "here",
        )


def test_a_stranger_cannot_sign_under_our_name(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path)
    foreign, _ = write_keys(tmp_path, "theirs", 2)
    ours = sign(KIND, b"one", private).signatures[0]
    (theirs,) = sign(KIND, b"one", foreign).signatures
    forged = Envelope(
        payload=b"one",
        payload_type=KIND,
        signatures=(msgspec.structs.replace(theirs, keyid=ours.keyid),),
    )

    with pytest.raises(UsageError, match="no signature"):
        require_signature(forged, read_keys([public]), "here")


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    assert b'{"a":[1e+30,4.5],"\xc3\xb6":""}' == canonical({"ö": "", "a": [1e30, 4.50]}, "here")
    with pytest.raises(UsageError, match="here: has no canonical form"):
        canonical({"a": float("nan")}, "here")


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b'{"payload":"!","payloadType":""}'])
def test_what_is_no_envelope_is_told(raw: bytes) -> None:
    with pytest.raises(UsageError, match="here: not a DSSE envelope"):
        read_envelope(raw, "here")


def test_what_is_no_key_is_told_with_what_makes_one(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path)

    with pytest.raises(UsageError, match=r"no private Ed25519 key.*openssl genpkey"):
        sign(KIND, b"", public)
    with pytest.raises(UsageError, match=r"no public Ed25519 key.*openssl pkey"):
        read_keys([private])
