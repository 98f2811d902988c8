"""Hosts of the origin for checks of TLS, as clients of the standard library see them."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from harness.model.tls_check import CASES, REVOCATIONS_PATH, case_of_host, tls_case
from probes.net.client_identity import client_authority, client_certificate
from probes.range.authority import Authority
from probes.range.testbed import RangeTestbed
from probes.range.tls_hosts import TlsHosts
from probes.range.zone import RANGE


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    with RangeTestbed.running(tmp_path_factory.mktemp("world")) as world:
        yield world


def strict(world: RangeTestbed) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=world.origin.authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=2")
    return context


def lenient() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:eNULL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def shown(world: RangeTestbed, host: str, context: ssl.SSLContext) -> tuple[str, str, bytes]:
    """Return version, cipher suite and certificate."""
    with (
        socket.create_connection(("127.0.0.1", world.origin.ports[443]), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        cipher = tls.cipher()
        return (
            tls.version() or "",
            cipher[0] if cipher else "",
            tls.getpeercert(binary_form=True) or b"",
        )


FAULTS = {
    "expired": "certificate has expired",
    "wrong-host": "Hostname mismatch",
    "self-signed": "self-signed certificate",
    "untrusted": "self-signed certificate in certificate chain",
    "superfish": "self-signed certificate in certificate chain",
    "edellroot": "self-signed certificate in certificate chain",
    "incomplete": "unable to get local issuer certificate",
    "sha1": "too weak",
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_a_certificate_is_refused_for_what_it_is(world: RangeTestbed, case: str) -> None:
    host = f"{case}-7.tls.accredit.test"
    with pytest.raises(ssl.SSLCertVerificationError, match=FAULTS[case]):
        shown(world, host, strict(world))
    assert shown(world, host, lenient())[2]


def revocations(world: RangeTestbed, host: str) -> bytes:
    """What a host shows at the address of its authority's list."""
    with socket.create_connection(("127.0.0.1", world.origin.ports[80]), timeout=20) as plain:
        request = f"GET {REVOCATIONS_PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        plain.sendall(request.encode())
        return b"".join(iter(lambda: plain.recv(65536), b"")).partition(b"\r\n\r\n")[2]


def test_a_revoked_certificate_is_good_to_who_does_not_look_at_the_list(
    world: RangeTestbed, tmp_path: Path
) -> None:
    host = "revoked-1.tls.accredit.test"
    _, _, leaf = shown(world, host, strict(world))
    points = x509.load_der_x509_certificate(leaf).extensions.get_extension_for_class(
        x509.CRLDistributionPoints
    )
    named = [name.value for each in points.value for name in each.full_name or ()]
    assert named == [f"http://{host}{REVOCATIONS_PATH}"]

    listed = x509.load_der_x509_crl(revocations(world, host))
    checking = strict(world)
    file = tmp_path / "revoked.pem"
    file.write_bytes(listed.public_bytes(Encoding.PEM))
    checking.load_verify_locations(file)
    checking.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate revoked"):
        shown(world, host, checking)


def test_only_hosts_with_revoked_certificates_show_a_list(world: RangeTestbed) -> None:
    with pytest.raises(ValueError, match=r"(?i)parse|asn|data"):
        x509.load_der_x509_crl(revocations(world, "good-1.tls.accredit.test"))


def test_every_certificate_fault_is_tested() -> None:
    assert FAULTS.keys() == {name for name, case in CASES.items() if case.group == "certificate"}


WEAK = {
    "tls10": ("TLSv1", ""),
    "tls11": ("TLSv1.1", ""),
    "dh1024": ("TLSv1.2", "DHE-RSA-AES128-GCM-SHA256"),
    "static-rsa": ("TLSv1.2", "AES128-GCM-SHA256"),
    "null": ("TLSv1.2", "NULL-SHA256"),
}


@pytest.mark.parametrize("case", WEAK)
def test_weak_parameters_are_all_that_is_offered(world: RangeTestbed, case: str) -> None:
    host, (version, cipher) = f"{case}-7.tls.accredit.test", WEAK[case]
    with pytest.raises(ssl.SSLError) as refused:
        shown(world, host, strict(world))
    assert not isinstance(refused.value, ssl.SSLCertVerificationError)
    seen = shown(world, host, lenient())
    assert seen[0] == version
    assert seen[1].startswith(cipher)


def test_diffie_hellman_has_1024_bits(world: RangeTestbed) -> None:
    context = lenient()
    context.set_ciphers("DHE:@SECLEVEL=2")
    with pytest.raises(ssl.SSLError, match=r"(?i)dh key too small"):
        shown(world, "dh1024-1.tls.accredit.test", context)


@pytest.mark.parametrize("case", ["good", "bank", "ecdsa", "long-chain", "tls13-only", "websocket"])
def test_good_hosts_satisfy_a_strict_client(world: RangeTestbed, case: str) -> None:
    assert shown(world, f"{case}-7.tls.accredit.test", strict(world))[0] == "TLSv1.3"


def test_a_server_of_http_2_alone_refuses_clients_without_it(world: RangeTestbed) -> None:
    host, context = "h2-only-1.tls.accredit.test", strict(world)
    with pytest.raises(ssl.SSLError, match=r"(?i)no application protocol"):
        shown(world, host, context)
    context.set_alpn_protocols(["h2"])
    assert shown(world, host, context)[0] == "TLSv1.3"


def test_a_client_certificate_of_the_same_origin_key_is_accepted() -> None:
    hosts = TlsHosts(Authority(), RANGE, b"k" * 32)
    assert hosts.context("client-certificate-1.tls.accredit.test").verify_mode == ssl.CERT_REQUIRED
    authority = x509.load_pem_x509_certificate(client_authority(b"k" * 32))
    own, other = (
        x509.load_pem_x509_certificate(client_certificate(key)) for key in (b"k" * 32, b"j" * 32)
    )
    own.verify_directly_issued_by(authority)
    with pytest.raises(InvalidSignature):
        other.verify_directly_issued_by(authority)


def test_other_hosts_are_answered_as_before(world: RangeTestbed) -> None:
    leaf = x509.load_der_x509_certificate(shown(world, "a.canary.accredit.test", strict(world))[2])
    assert "a.canary.accredit.test" in leaf.subject.rfc4514_string()


@pytest.mark.parametrize(
    ("host", "case"),
    [
        ("expired-1.tls.accredit.test", "expired"),
        ("client-certificate-12.tls.accredit.test", "client-certificate"),
        ("expired.tls.accredit.test", ""),
        ("expired-1.accredit.test", ""),
        ("a.expired-1.tls.accredit.test", ""),
        ("unknown-1.tls.accredit.test", ""),
        ("tls.accredit.test", ""),
    ],
)
def test_a_host_names_its_case(host: str, case: str) -> None:
    assert case_of_host(host, ["accredit.test"]) == case


def test_a_stratum_names_its_case() -> None:
    assert [tls_case(one) for one in ("CTRL/tls:sha1", "CTRL/tls:none", "CTRL", "DRUG/gzip")] == [
        "sha1", "", "", "",
    ]  # fmt: skip
