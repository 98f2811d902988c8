"""``Signer``: a certificate with its key, which issues other certificates, good and faulty ones.

``Authority`` (``probes.range.authority``) issues the good ones of ordinary hosts; this is for hosts
that show what is wrong with a certificate or a chain (``probes.range.tls_hosts``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LIFETIME = timedelta(days=30)
SEQUENCE, BIT_STRING = 0x30, 3
"""Tags of DER elements (X.690 section 8)."""

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")
"""AlgorithmIdentifiers in DER (RFC 5758 section 3.2, RFC 3279 section 2.2.3)."""


def common_name(name: str) -> x509.Name:
    """Return a distinguished name with a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def key_pem(key: Key) -> bytes:
    """Return a private key in PEM form."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority, or an intermediate one. ``key`` is that of ``certificate``."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def self_signed(cls, name: str, now: datetime, *hosts: str) -> Self:
        """Return a new root with this name; with ``hosts`` it is a server's certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = common_name(name)
        builder = _builder(subject, subject, key.public_key(), now, LIFETIME)
        is_authority = x509.BasicConstraints(ca=not hosts, path_length=None)
        builder = builder.add_extension(is_authority, critical=True)
        if hosts:
            builder = _for_servers(builder, hosts)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM form."""
        return self.certificate.public_bytes(Encoding.PEM)

    def intermediate(self, name: str, now: datetime) -> Signer:
        """Issue an intermediate authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(
            common_name(name), self.certificate.subject, key.public_key(), now, LIFETIME
        )
        is_authority = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(is_authority, critical=True)
        return Signer(self._sign(builder, key.public_key()), key)

    def leaf(
        self,
        host: str,
        key: Key,
        now: datetime,
        lifetime: timedelta = LIFETIME,
        revocations: str = "",
    ) -> x509.Certificate:
        """Issue a certificate for a host; a negative ``lifetime`` makes it expired.

        With ``revocations``, the address of a list of revoked ones, it has the host's own number.
        """
        number = _number_of(host) if revocations else 0
        builder = _builder(
            common_name(host), self.certificate.subject, key.public_key(), now, lifetime, number
        )
        if revocations:
            where = x509.DistributionPoint(
                [x509.UniformResourceIdentifier(revocations)], None, None, None
            )
            points = x509.CRLDistributionPoints([where])
            builder = builder.add_extension(points, critical=False)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        return self._sign(_for_servers(builder, (host,)), key.public_key())

    def revocations(self, host: str, now: datetime) -> bytes:
        """Return the list on which the certificate of a host is, in DER (RFC 5280 section 5)."""
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(_number_of(host))
            .revocation_date(now - timedelta(days=1))
            .build()
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        listed = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - timedelta(days=1))
            .next_update(now + LIFETIME)
            .add_revoked_certificate(revoked)
            .add_extension(issuer, critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        return listed.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def with_sha1(self, leaf: x509.Certificate) -> bytes:
        """Return the same certificate in PEM form, signed anew with SHA-1."""
        algorithm = ec.ECDSA(hashes.SHA1())  # noqa: S303 - its weakness is what a host shows
        body = _content(leaf.tbs_certificate_bytes).replace(ECDSA_SHA256, ECDSA_SHA1, 1)
        signed = element(SEQUENCE, body)
        signature = self.key.sign(signed, algorithm)
        bits = element(BIT_STRING, b"\0" + signature)
        whole = element(SEQUENCE, signed + ECDSA_SHA1 + bits)
        return x509.load_der_x509_certificate(whole).public_bytes(Encoding.PEM)

    def _sign(
        self, builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ) -> x509.Certificate:
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(own, critical=False)
        return builder.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: datetime,
    lifetime: timedelta,
    number: int = 0,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(number or x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1) + min(lifetime, timedelta()))
        .not_valid_after(now + lifetime)
    )


def _number_of(host: str) -> int:
    """The serial number of a host's certificate, the same each time it is issued."""
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:16]) | 1


def _for_servers(
    builder: x509.CertificateBuilder, hosts: tuple[str, ...]
) -> x509.CertificateBuilder:
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return builder.add_extension(names, critical=False).add_extension(server, critical=False)


def _content(sequence: bytes) -> bytes:
    """Return what a DER element holds (X.690 section 8.1)."""
    size = sequence[1]
    return sequence[2 + (size & 0x7F if size & 0x80 else 0) :]


def element(tag: int, content: bytes) -> bytes:
    """Return a DER element with a tag (X.690 section 8.1)."""
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - the short form of a length
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content
