"""A certificate authority of the range's own, made at each start and never kept.

EC P-256 keys (NIST FIPS 186-5), certificates as in RFC 5280; a leaf is made for each host
when a client first names it (SNI, RFC 6066 section 3).
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
"""A range lives for hours; a month forgives a range that was forgotten."""

MAX_CONTEXTS = 2048
"""How many hosts' TLS contexts are kept; the least used make way."""


class Authority:
    """Signs leaves for any host, and hands out server-side TLS contexts for them."""

    def __init__(self, name: str = "Northgate Root CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # One key serves all leaves: a new key for each would prove nothing more.
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._certificate = self._issue(self._name, self._key.public_key(), ca=True)

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for clients to trust."""
        return self._certificate.public_bytes(Encoding.PEM)

    def leaf(self, host: str, *, lifetime: timedelta = LIFETIME) -> x509.Certificate:
        """A fresh certificate for one host, good for the time ``lifetime`` (or out of date)."""
        return self._issue(
            _common_name(host[:64]), self._leaf_key.public_key(), host=host, lifetime=lifetime
        )

    def pem_with_key(self, leaf: x509.Certificate) -> bytes:
        """A leaf with its key and its authority, as servers read them."""
        key = self._leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + leaf.public_bytes(Encoding.PEM) + self.pem

    def expired_context(self, host: str) -> ssl.SSLContext:
        """A server-side context that shows a certificate for ``host`` that ran out an hour ago."""
        return self._new_context(self.leaf(host, lifetime=-timedelta(hours=1)))

    def context(self, host: str) -> ssl.SSLContext:
        """The server-side context that shows a certificate for ``host``."""
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
        # The ssl module reads keys from files only; the file is gone before we return.
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
    """A context that shows each host of the zone its own certificate, and no other host any."""
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
    """One connection's TLS. Raises ssl.SSLError when the peer breaks the protocol."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False

    def receive(self, data: bytes) -> bytes:
        """Take what came from the socket; give what it says in the clear."""
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
        """Have ``data`` go out enciphered."""
        self._tls.write(data)

    def close(self) -> None:
        """Say goodbye (close_notify) without waiting for the peer's."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return

    def outgoing(self) -> bytes:
        """What is due to go to the socket."""
        return self._outgoing.read()
