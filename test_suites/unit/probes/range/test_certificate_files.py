"""A certificate follows its files, a stored authority survives, and a faulty file changes nothing."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from harness.model.origin_zone import OriginZone
from probes.range.authority import (
    LIFETIME,
    STORED_LIFETIME,
    Authority,
    CertificateFiles,
)
from probes.range.server_tls import Tls, server_context
from probes.range.zone import ZoneNames

ZONE, TWINS = "canary.example.org", "fair-orchard.example.net"
NAMES = ZoneNames(
    zones=(OriginZone(zone=ZONE, addresses=("192.0.2.10",)),),
    twins=OriginZone(zone=TWINS, addresses=("198.51.100.10",)),
)
HOST = "porn-001.canary.canary.example.org"


class Files:
    """A chain and its key in a folder, as an ACME client keeps them."""

    def __init__(self, folder: Path) -> None:
        self.chain, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        self.reports: list[str] = []
        self._changes = 0

    def write(self, authority: Authority, host: str = HOST, *, key: bytes | None = None) -> None:
        pem = authority.pem_with_key(authority.leaf(host))
        split = pem.index(b"-----BEGIN CERTIFICATE")
        self.replace(self.chain, pem[split:])
        self.replace(self.key, pem[:split] if key is None else key)

    def replace(self, path: Path, content: bytes) -> None:
        """Write a file with a time of its own, however fast the test is."""
        path.write_bytes(content)
        self._changes += 1
        os.utime(path, ns=(self._changes, self._changes))

    def certificates(self) -> CertificateFiles:
        return CertificateFiles(self.chain, self.key, self.reports.append)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def shown(context: ssl.SSLContext, trusted: Authority, host: str = HOST) -> int:
    """Shake hands, and return the serial number of the certificate that was shown."""
    trust = ssl.create_default_context(cadata=trusted.pem.decode())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = trust.wrap_bio(incoming, outgoing, server_hostname=host), Tls(context)
    for _ in range(4):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            server.receive(outgoing.read())
            incoming.write(server.outgoing())
        else:
            break
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"").serial_number


def test_new_files_are_used_by_the_next_handshake(files: Files) -> None:
    first, second = Authority(), Authority()
    files.write(first)
    certificates = files.certificates()
    context = server_context(certificates, NAMES)
    before = shown(context, first)

    files.write(second)

    assert before != shown(context, second)
    assert 1 == len(files.reports)
    assert files.reports[0].startswith("new certificate, valid until ")


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_faulty_new_files_leave_the_old_certificate_in_use(files: Files, content: bytes) -> None:
    authority = Authority()
    files.write(authority)
    context = server_context(files.certificates(), NAMES)
    before = shown(context, authority)

    files.replace(files.chain, content)

    assert before == shown(context, authority) == shown(context, authority)
    (report,) = files.reports
    assert "was not replaced" in report
    assert "the old one stays in use until" in report


def test_a_chain_whose_key_comes_later_is_used_when_the_key_is_there(files: Files) -> None:
    first, second = Authority(), Authority()
    files.write(first)
    old_key = files.key.read_bytes()
    context = server_context(files.certificates(), NAMES)
    before = shown(context, first)

    files.write(second, key=old_key)
    assert before == shown(context, first)
    files.write(second)
    assert before != shown(context, second)


def test_files_that_are_gone_for_a_moment_are_no_end(files: Files) -> None:
    authority = Authority()
    files.write(authority)
    certificates = files.certificates()
    files.key.unlink()
    certificates.refresh()

    assert shown(server_context(certificates, NAMES), authority)
    assert "No such file" in files.reports[0]


def test_a_key_that_needs_a_password_is_an_error_and_not_a_question(files: Files) -> None:
    authority = Authority()
    files.write(authority)
    key = load_pem_private_key(files.key.read_bytes(), None)
    files.replace(
        files.key,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    )

    with pytest.raises(ssl.SSLError):
        files.certificates()


def test_a_certificate_without_hosts_is_refused(files: Files) -> None:
    authority = Authority()
    files.write(authority)
    files.replace(files.chain, authority.pem)
    files.replace(files.key, authority.private_pem)

    with pytest.raises(ValueError, match="the certificate names no hosts"):
        files.certificates()


def test_names_that_a_certificate_lacks_are_listed(files: Files) -> None:
    files.write(Authority(), ZONE)

    missing = files.certificates().uncovered(NAMES)

    assert ZONE not in missing
    assert {f"*.canary.{ZONE}", f"*.{ZONE}", f"*.{TWINS}"} <= set(missing)


def test_a_stored_authority_is_the_same_after_a_restart() -> None:
    before = Authority(lifetime=STORED_LIFETIME)
    after = Authority.from_pem(before.private_pem)

    assert (before.pem, before.ends) == (after.pem, after.ends)
    assert before.ends > datetime.now(UTC) + timedelta(days=700)
    assert shown(server_context(after, NAMES), before)


def test_a_key_is_read_without_files_in_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    authority = Authority()

    assert shown(server_context(authority, NAMES), authority)


def test_what_is_no_stored_authority_is_an_error() -> None:
    one, other = Authority(), Authority()
    mixed = one.private_pem[: one.private_pem.index(b"-----BEGIN CERT")] + other.pem
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for pem in (b"", one.pem, mixed, key + one.pem):
        with pytest.raises(ValueError, match=r"."):
            Authority.from_pem(pem)


def test_a_stored_authority_with_a_password_is_an_error() -> None:
    authority = Authority()
    key = load_pem_private_key(authority.private_pem, None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))

    with pytest.raises(ValueError, match="its key is locked by a password"):
        Authority.from_pem(locked + authority.pem)


def test_a_leaf_is_issued_anew_long_before_it_expires() -> None:
    time = [datetime.now(UTC) - LIFETIME / 2 - timedelta(minutes=1)]
    authority = Authority(lifetime=STORED_LIFETIME, now=lambda: time[0])
    context = server_context(authority, NAMES)
    first = shown(context, authority)
    assert first == shown(context, authority)

    time[0] += LIFETIME / 2 + timedelta(minutes=1)

    assert first != shown(context, authority)
