"""The range's certificate authority, and the TLS side of its servers.

``Authority`` is created at each start and never stored: EC P-256 keys (NIST FIPS 186-5),
certificates as in RFC 5280, one leaf per host, issued when a client first names it (SNI, RFC 6066
section 3). ``server_context`` selects a certificate by SNI; ``Tls`` is one connection's TLS without
I/O.
"""

from __future__ import annotations

import ssl
import tempfile
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from probes.range.zone import ZONE, is_within, normalise

LIFETIME = timedelta(days=30)
"""Lifetime of certificates: a range runs for hours, but may be left running."""

MAX_CONTEXTS = 2048
"""Size of the LRU cache of TLS contexts by host."""


class Authority:
    """Issues leaf certificates for any host, and server-side TLS contexts with them."""

    def __init__(self, name: str = "Northgate Root CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # All leaves share one key: new keys would cost time and test nothing more.
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._certificate = self._issue(self._name, self._key.public_key(), ca=True)

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for clients to trust."""
        return self._certificate.public_bytes(Encoding.PEM)

    def leaf(self, host: str, *, lifetime: timedelta = LIFETIME) -> x509.Certificate:
        """Issue a certificate for one host; a negative ``lifetime`` makes it expired."""
        return self._issue(
            _common_name(host[:64]), self._leaf_key.public_key(), host=host, lifetime=lifetime
        )

    def pem_with_key(self, leaf: x509.Certificate) -> bytes:
        """Return a leaf with its key and its authority in PEM form, for a server."""
        key = self._leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + leaf.public_bytes(Encoding.PEM) + self.pem

    def expired_context(self, host: str) -> ssl.SSLContext:
        """Return a server-side context with a certificate for ``host`` that expired an hour ago."""
        return self._new_context(self.leaf(host, lifetime=-timedelta(hours=1)))

    def context(self, host: str) -> ssl.SSLContext:
        """Return the server-side context with a certificate for ``host`` (cached)."""
        context = self._contexts.get(host)
        if context is None:
            context = self._contexts[host] = self._new_context(self.leaf(host))
            if len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(host)
        return context

    def _new_context(self, leaf: x509.Certificate) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module reads keys only from files; the file is deleted before returning.
        with tempfile.TemporaryDirectory(prefix="accredit-") as directory:
            path = Path(directory, "leaf.pem")
            path.write_bytes(self.pem_with_key(leaf))
            context.load_cert_chain(path)
        return context

    def _issue(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        host: str = "",
        ca: bool = False,
        lifetime: timedelta = LIFETIME,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer_key = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lifetime)
            .add_extension(
                x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
            )
        )
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(names, critical=False)
            builder = builder.add_extension(server, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


CHUNK = 65536


def server_context(authority: Authority) -> ssl.SSLContext:
    """Return a context that selects each zone host's certificate by SNI and rejects other hosts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    default = authority.context(ZONE)

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            tls.context = default
        elif is_within(name):
            tls.context = authority.context(normalise(name))
        else:
            return int(ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        return None

    context.sni_callback = choose
    return context


class Tls:
    """The server side of one TLS connection, without I/O. Raises ssl.SSLError."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""
        self._incoming.write(data)
        plaintext = bytearray()
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
            while chunk := self._tls.read(CHUNK):
                plaintext += chunk
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return bytes(plaintext)

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""
        self._tls.write(data)

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""
        return self._outgoing.read()
