"""The certificates of an origin, and server-side TLS contexts with them.

``Authority`` issues one leaf per host when a client first names it (SNI, RFC 6066 section 3): EC
P-256 keys (NIST FIPS 186-5), certificates as in RFC 5280. That of the range is created at each
start; that of a public origin is stored (``private_pem``). ``CertificateFiles`` reads a given chain
instead.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.untrusted.regular_file import read_bounded
from probes.range.signer import Signer
from probes.range.zone import ZoneNames

LIFETIME = timedelta(days=30)
"""Lifetime of certificates: a range runs for hours, but may be left running."""

STORED_LIFETIME = timedelta(days=730)
"""Lifetime of a stored authority, which campaigns of two years may name."""

MAX_CONTEXTS = 2048
"""Size of the LRU cache of TLS contexts by host."""

CIPHERS = "ALL:!aNULL:!eNULL:@SECLEVEL=0"
"""All ciphers that authenticate the server and encrypt, old ones as well."""

Alpn = tuple[str, ...]
"""Protocols that a server accepts by ALPN (RFC 7301), the preferred one first."""

HTTP_1: Alpn = ("http/1.1",)
HTTP_2_OR_1: Alpn = ("h2", "http/1.1")


class Authority:
    """Issues leaf certificates for any host, and server-side TLS contexts with them."""

    def __init__(
        self,
        name: str = "Northgate Root CA",
        *,
        lifetime: timedelta = LIFETIME,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        # All leaves share one key: new keys would cost time and test nothing more.
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        self._contexts: OrderedDict[tuple[str, Alpn], tuple[ssl.SSLContext, datetime]]
        self._contexts = OrderedDict()
        self._chains: OrderedDict[tuple[str, ...], tuple[bytes, datetime]] = OrderedDict()
        self._certificate = self._issue(
            self._name, self._key.public_key(), ca=True, lifetime=lifetime
        )

    @classmethod
    def from_pem(cls, pem: bytes, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """Return a stored authority (``private_pem``). Raises ValueError if it is none."""
        try:
            key = load_pem_private_key(pem, None)
        except TypeError:
            msg = "its key is locked by a password"
            raise ValueError(msg) from None
        certificate = x509.load_pem_x509_certificate(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            msg = "its key is not of an elliptic curve"
            raise ValueError(msg)  # noqa: TRY004 - the file is wrong, not its type
        if key.public_key() != certificate.public_key():
            msg = "its key and its certificate do not belong together"
            raise ValueError(msg)
        authority = cls(now=now)
        authority._key, authority._certificate = key, certificate
        authority._name = certificate.subject
        return authority

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for clients to trust."""
        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def private_pem(self) -> bytes:
        """The authority's key and certificate, to be stored where only the owner can read it."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.pem

    @property
    def signer(self) -> Signer:
        """The authority as an issuer of certificates of other kinds."""
        return Signer(self._certificate, self._key)

    @property
    def ends(self) -> datetime:
        """When the authority's certificate expires."""
        return self._certificate.not_valid_after_utc

    def leaf(self, host: str, *further: str, lifetime: timedelta = LIFETIME) -> x509.Certificate:
        """Issue a certificate for a host, or several; a negative ``lifetime`` makes it expired."""
        name, key = _common_name(host[:64]), self._leaf_key.public_key()
        return self._issue(name, key, hosts=(host, *further), lifetime=lifetime)

    def pem_with_key(self, leaf: x509.Certificate) -> bytes:
        """Return a leaf with its key and its authority in PEM form, for a server."""
        key = self._leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + leaf.public_bytes(Encoding.PEM) + self.pem

    def key_and_chain(self, host: str, *further: str) -> bytes:
        """Return a key and a certificate for the hosts, with its authority, in PEM form.

        It is kept for half of the certificate's lifetime, as a context is.
        """
        now, place = self._now(), (host, *further)
        pem, until = self._chains.get(place, (b"", now))
        if until <= now:
            pem, until = self.pem_with_key(self.leaf(*place)), now + LIFETIME / 2
            self._chains[place] = (pem, until)
            if len(self._chains) > MAX_CONTEXTS:
                self._chains.popitem(last=False)
        self._chains.move_to_end(place)
        return pem

    def expired_context(self, host: str) -> ssl.SSLContext:
        """Return a server-side context with a certificate for ``host`` that expired an hour ago."""
        return self._new_context(self.leaf(host, lifetime=-timedelta(hours=1)))

    def context(self, host: str, alpn: Alpn = HTTP_1) -> ssl.SSLContext:
        """Return the server-side context with a certificate for ``host``.

        It is cached for half of the certificate's lifetime, so an origin may run for years.
        """
        now, place = self._now(), (host, alpn)
        context, until = self._contexts.get(place, (None, now))
        if context is None or until <= now:
            context, until = self._new_context(self.leaf(host), alpn), now + LIFETIME / 2
            self._contexts[place] = (context, until)
            if len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(place)
        return context

    def _new_context(self, leaf: x509.Certificate, alpn: Alpn = HTTP_1) -> ssl.SSLContext:
        return context_with(self.pem_with_key(leaf), alpn)

    def _issue(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        hosts: tuple[str, ...] = (),
        ca: bool = False,
        lifetime: timedelta = LIFETIME,
    ) -> x509.Certificate:
        now = self._now()
        issuer_key = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lifetime)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(names, critical=False)
            builder = builder.add_extension(server, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def context_with(pem: bytes, alpn: Alpn) -> ssl.SSLContext:
    """Return a server-side context with a key and a chain. Raises ssl.SSLError.

    The empty password makes an encrypted key an error, where OpenSSL would ask on the terminal.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(alpn)
    context.set_ciphers(CIPHERS)
    # The ssl module reads keys only from files: from memory where there are such files (Linux),
    # which needs no disk, else from one that is deleted before returning.
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("certificate", os.MFD_CLOEXEC), "wb") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
        return context
    with tempfile.TemporaryDirectory(prefix="accredit-") as directory:
        path = Path(directory, "leaf.pem")
        path.write_bytes(pem)
        context.load_cert_chain(path, password="")
    return context


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


class Certificates(Protocol):
    """Gives the server-side TLS context for a host, with the protocols that the server accepts."""

    def context(self, host: str, alpn: Alpn = HTTP_1) -> ssl.SSLContext:
        """Return the context with a certificate for ``host``. Raises LookupError if it has none."""

    def key_and_chain(self, host: str, *further: str) -> bytes:
        """Return the key and one chain for all the hosts in PEM form. Raises LookupError."""

    @property
    def ends(self) -> datetime:
        """When the certificate expires that clients must trust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparateCertificates:
    """Certificates of the zones of an origin, and others of the plain twins (None: no https)."""

    names: ZoneNames
    zones: Certificates
    twins: Certificates | None

    def context(self, host: str, alpn: Alpn = HTTP_1) -> ssl.SSLContext:
        """Return the context with a certificate for ``host``. Raises LookupError if it has none."""
        return self._of(host).context(host, alpn)

    def key_and_chain(self, host: str, *further: str) -> bytes:
        """Return the key and one chain for all the hosts, which are of one part.

        Raises LookupError.
        """
        return self._of(host).key_and_chain(host, *further)

    def _of(self, host: str) -> Certificates:
        is_twin = self.names.is_twin(host) or host == self.names.twin_zone
        chosen = self.twins if is_twin else self.zones
        if chosen is None:
            raise LookupError(host)
        return chosen

    @property
    def ends(self) -> datetime:
        """When the certificate of the zones expires; health pages are about them alone."""
        return self.zones.ends


PEM_BYTES = 256 * 1024
"""The largest file of certificates or of a key."""


class CertificateFiles:
    """A certificate chain and its key in two files, read again when one of them changes.

    Faulty new files, or a chain whose new key is not there yet, leave the old certificate in use;
    ``report`` gets one sentence about them. Raises OSError or ValueError where the first reading
    fails.
    """

    def __init__(self, chain: Path, key: Path, report: Callable[[str], None]) -> None:
        self._paths = (chain, key)
        self._report = report
        self._read_at = self._state()
        self._contexts, self._leaf, self._pem = self._read()

    @property
    def ends(self) -> datetime:
        """When the certificate expires."""
        return self._leaf.not_valid_after_utc

    def context(self, host: str, alpn: Alpn = HTTP_1) -> ssl.SSLContext:
        """Return the context with the current chain; the same for every host."""
        del host
        self.refresh()
        return self._contexts[alpn]

    def key_and_chain(self, host: str, *further: str) -> bytes:
        """Return the current key and chain in PEM form; the same for every host."""
        del host, further
        self.refresh()
        return self._pem

    def refresh(self) -> None:
        """Read the files again if they changed."""
        state = self._state()
        if state == self._read_at:
            return
        self._read_at = state
        try:
            self._contexts, self._leaf, self._pem = self._read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self._report(
                f"the certificate in {self._paths[0]} was not replaced: {reason}; "
                f"the old one stays in use until {self.ends:%Y-%m-%dT%H:%M:%SZ}"
            )
        else:
            self._report(f"new certificate, valid until {self.ends:%Y-%m-%dT%H:%M:%SZ}")

    def uncovered(self, names: ZoneNames) -> list[str]:
        """Return the names that an origin shows pages at and the certificate is not valid for."""
        alternatives = self._leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        valid = {name.lower() for name in alternatives.value.get_values_for_type(x509.DNSName)}
        return [name for name in names.certificate_names if name not in valid]

    def _state(self) -> tuple[object, ...]:
        """Return what changes when a file is written or replaced; empty for a missing file."""
        states: list[object] = []
        for path in self._paths:
            try:
                found = path.stat()
            except OSError:
                states.append(None)
            else:
                states.append((found.st_mtime_ns, found.st_size, found.st_ino))
        return tuple(states)

    def _read(self) -> tuple[dict[Alpn, ssl.SSLContext], x509.Certificate, bytes]:
        chain, key = (read_bounded(path, PEM_BYTES) for path in self._paths)
        leaf = x509.load_pem_x509_certificate(chain)
        try:
            leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            msg = "the certificate names no hosts (it has no subject alternative names)"
            raise ValueError(msg) from None
        pem = key + b"\n" + chain
        contexts = {alpn: context_with(pem, alpn) for alpn in (HTTP_1, HTTP_2_OR_1)}
        return contexts, leaf, pem
