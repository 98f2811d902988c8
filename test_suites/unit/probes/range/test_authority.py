"""The authority signs leaves that clients verify, and leaves no private key on disk."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from probes.range import authority
from probes.range.authority import Authority
from probes.range.server_tls import Tls

HOST = "gamb-001.canary.accredit.test"


def test_a_leaf_names_its_host_and_is_signed_by_the_authority() -> None:
    own = Authority()
    root = x509.load_pem_x509_certificate(own.pem)
    leaf = own.leaf(HOST)

    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_is_served_with_its_key_and_its_authority(tmp_path: Path) -> None:
    own = Authority()
    path = tmp_path / "leaf.pem"
    path.write_bytes(own.pem_with_key(own.leaf(HOST)))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)

    assert path.read_bytes().endswith(own.pem)


def test_each_authority_has_its_own_elliptic_key() -> None:
    one, other = (x509.load_pem_x509_certificate(Authority().pem) for _ in range(2))

    key = one.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert one.public_key() != other.public_key()


def test_a_host_s_context_is_made_once() -> None:
    own = Authority()

    context = own.context(HOST)
    assert isinstance(context, ssl.SSLContext)
    assert own.context(HOST) is context
    assert own.context("other.accredit.test") is not context


def test_the_least_used_context_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Authority()
    monkeypatch.setattr(authority, "MAX_CONTEXTS", 2)

    first = own.context("a.accredit.test")
    second = own.context("b.accredit.test")
    assert own.context("a.accredit.test") is first
    own.context("c.accredit.test")
    assert own.context("a.accredit.test") is first
    assert own.context("b.accredit.test") is not second


def test_a_long_host_name_fits_its_certificate() -> None:
    host = ".".join(["x" * 40] * 3) + ".accredit.test"

    names = Authority().leaf(host).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == [host]


def test_a_lapsed_certificate_is_refused_for_its_age_alone() -> None:
    own = Authority()
    client = ssl.create_default_context(cadata=own.pem.decode())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = client.wrap_bio(incoming, outgoing, server_hostname=HOST)
    server = Tls(own.expired_context(HOST))
    with pytest.raises(ssl.SSLWantReadError):
        talk.do_handshake()
    server.receive(outgoing.read())
    incoming.write(server.outgoing())

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        talk.do_handshake()
