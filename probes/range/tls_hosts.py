"""How an origin answers TLS at hosts of ``harness.model.tls_check``: their chains and parameters.

``TlsHosts`` gives the server context of such a host, and ``TlsByHost`` is the server side of a
connection that selects it. OpenSSL fixes the version before it calls back with the server name, so
the ClientHello is read first.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from harness.model.tls_check import CASES, REVOCATIONS_PATH, case_of_host
from harness.model.tls_view import TlsOffer
from probes.net.client_hello import hello_body, read_hello
from probes.net.client_identity import client_authority
from probes.net.tls13_records import ALERT, RecordLayer, alert, tls_error
from probes.net.tls_facts import is_complete
from probes.net.tls_offer import read_offer
from probes.range.authority import (
    CIPHERS,
    HTTP_1,
    HTTP_2_OR_1,
    LIFETIME,
    Alpn,
    Authority,
    Certificates,
    SeparateCertificates,
    context_with,
)
from probes.range.server_tls import ServerTls, Tls
from probes.range.signer import SEQUENCE, Key, Signer, element, key_pem
from probes.range.zone import ZoneNames, normalise

NO_APPLICATION_PROTOCOL = 120
"""An alert (RFC 7301 section 3.2)."""

MODULUS_1024 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
"""The second Oakley group, of 1,024 bits (RFC 2409 section 6.2)."""

UNKNOWN_AUTHORITIES = {
    "untrusted": "Meadow Lane Certificates",
    "superfish": "Superfish, Inc.",
    "edellroot": "eDellRoot",
}
"""The names of roots that no client trusts, by case; the keys are the origin's own."""

ONLY_TLS_1_2 = frozenset({"dh1024", "static-rsa", "null"})
WEAK_CIPHERS = {
    "dh1024": "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-SHA:@SECLEVEL=0",
    "static-rsa": "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0",
    "null": "NULL-SHA256:NULL-SHA:ECDHE-RSA-NULL-SHA:@SECLEVEL=0",
}
VERSIONS = {
    "tls10": ssl.TLSVersion.TLSv1,
    "tls11": ssl.TLSVersion.TLSv1_1,
    "tls13-only": ssl.TLSVersion.TLSv1_3,
}
"""The only version of some cases."""

ALPN_OF: dict[str, Alpn] = {"h2-only": ("h2",), "websocket": HTTP_1}
MOST_CONTEXTS = 1024


class TlsHosts:
    """The server contexts of hosts for checks of TLS. ``key`` is the origin's key of markers.

    Certificates are issued by the authority of ``certificates``. An origin whose chain is read from
    files has none: it shows faulty certificates of an authority of its own, which are untrusted as
    well, and no cases that need a good certificate of another kind.
    """

    def __init__(
        self,
        certificates: Certificates,
        names: ZoneNames,
        key: bytes,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._certificates, self._names, self._key, self._now = certificates, names, key, now
        self._contexts: dict[str, tuple[ssl.SSLContext, datetime]] = {}
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    def case_of(self, host: str) -> str:
        """Return the case of a host; empty for all other hosts."""
        return case_of_host(normalise(host), (zone.zone for zone in self._names.zones))

    def context(self, host: str) -> ssl.SSLContext:
        """Return the server context of a host with a case. Raises LookupError if it has none."""
        now = self._now()
        context, until = self._contexts.get(host, (None, now))
        if context is None or until <= now:
            context, until = self._new_context(host), now + LIFETIME / 2
            if len(self._contexts) >= MOST_CONTEXTS:
                self._contexts.clear()
            self._contexts[host] = context, until
        return context

    def revocations(self, host: str, path: str) -> bytes:
        """Return the list of revoked certificates that a URL of a host leads to; else nothing."""
        is_listed = path == REVOCATIONS_PATH and self.case_of(host) == "revoked"
        return self._root.revocations(normalise(host), self._now()) if is_listed else b""

    def _new_context(self, host: str) -> ssl.SSLContext:
        case = self.case_of(host)
        context = context_with(self._chain(case, host), ALPN_OF.get(case, HTTP_2_OR_1))
        context.set_ciphers(WEAK_CIPHERS.get(case, CIPHERS))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # versions 1.0 and 1.1
            if case in VERSIONS:
                context.minimum_version = context.maximum_version = VERSIONS[case]
            elif case in ONLY_TLS_1_2:
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
            elif CASES[case].group != "service":
                context.minimum_version = ssl.TLSVersion.TLSv1
        if case == "dh1024":
            _load_parameters(context)
        if case == "client-certificate":
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_authority(self._key).decode())
        return context

    @cached_property
    def _authority(self) -> Authority | None:
        """The authority that issues; None if the chain is read from files."""
        found = self._certificates
        if isinstance(found, SeparateCertificates):
            found = found.zones
        return found if isinstance(found, Authority) else None

    @cached_property
    def _unknown(self) -> dict[str, Signer]:
        return {
            case: Signer.self_signed(name, self._now())
            for case, name in UNKNOWN_AUTHORITIES.items()
        }

    @cached_property
    def _intermediates(self) -> tuple[Signer, ...]:
        """Three authorities, each below the one before it."""
        signer, found = self._root, list[Signer]()
        for name in ("Northgate Issuing CA 1", "Northgate Issuing CA 2", "Northgate Issuing CA 3"):
            signer = signer.intermediate(name, self._now())
            found.append(signer)
        return tuple(found)

    @property
    def _root(self) -> Signer:
        return self._authority.signer if self._authority else self._unknown["untrusted"]

    @cached_property
    def _rsa_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def _chain(self, case: str, host: str) -> bytes:
        """Return the key and the chain of a host in PEM form. Raises LookupError."""
        if case == "self-signed":
            own = Signer.self_signed(host, self._now(), host)
            return key_pem(own.key) + own.pem
        shown = self._faulty_chain(case, host)
        return key_pem(self._leaf_key) + shown if shown else self._trusted_chain(case, host)

    def _faulty_chain(self, case: str, host: str) -> bytes:
        """Return a chain of the case without its key; empty for a case with a good one."""
        now, root, key = self._now(), self._root, self._leaf_key
        match case:
            case "expired":
                return _pem(root.leaf(host, key, now, -timedelta(hours=1))) + root.pem
            case "wrong-host":
                other = f"library.{host.partition('.')[2]}"
                return _pem(root.leaf(other, key, now)) + root.pem
            case "incomplete":
                return _pem(self._intermediates[0].leaf(host, key, now))
            case "sha1":
                return root.with_sha1(root.leaf(host, key, now)) + root.pem
            case _ if case in UNKNOWN_AUTHORITIES:
                unknown = self._unknown[case]
                return _pem(unknown.leaf(host, key, now)) + unknown.pem
        return b""

    def _trusted_chain(self, case: str, host: str) -> bytes:
        """Return a key and a chain that clients trust. Raises LookupError."""
        needs_own = case in WEAK_CIPHERS or case in ("ecdsa", "long-chain", "revoked")
        if not needs_own:
            return self._certificates.key_and_chain(host)
        if self._authority is None:
            raise LookupError(host)
        now, root = self._now(), self._root
        if case == "long-chain":
            first, second, third = self._intermediates
            leaf = third.leaf(host, self._leaf_key, now)
            whole = (third.pem, second.pem, first.pem, root.pem)
            return key_pem(self._leaf_key) + _pem(leaf) + b"".join(whole)
        if case == "revoked":
            leaf = root.leaf(
                host, self._leaf_key, now, revocations=f"http://{host}{REVOCATIONS_PATH}"
            )
            return key_pem(self._leaf_key) + _pem(leaf) + root.pem
        key: Key = ec.generate_private_key(ec.SECP384R1()) if case == "ecdsa" else self._rsa_key
        return key_pem(key) + _pem(root.leaf(host, key, now)) + root.pem


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _load_parameters(context: ssl.SSLContext) -> None:
    """Give a context Diffie-Hellman parameters of 1,024 bits (PKCS #3); ssl reads them from files.

    They are written here, because the package cryptography gives such parameters up.
    """
    prime, generator = element(2, b"\0" + MODULUS_1024.to_bytes(128)), element(2, b"\2")
    body = base64.encodebytes(element(SEQUENCE, prime + generator))
    pem = b"-----BEGIN DH PARAMETERS-----\n" + body + b"-----END DH PARAMETERS-----\n"
    with tempfile.TemporaryDirectory(prefix="accredit-") as directory:
        path = Path(directory, "dh.pem")
        path.write_bytes(pem)
        context.load_dh_params(os.fspath(path))


class TlsByHost:
    """The server side of one connection, without I/O, as ``Tls``. Raises ssl.SSLError.

    Connections to hosts with a case are answered as ``hosts`` says, all others by ``otherwise``.
    """

    def __init__(self, hosts: TlsHosts, otherwise: ServerTls) -> None:
        self._hosts = hosts
        self._chosen: ServerTls = otherwise
        self._received: bytes | None = b""
        self._refusal = b""
        self.offer: TlsOffer | None = None

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""
        if self._received is None:
            return self._chosen.receive(data)
        self._received += data
        if not is_complete(self._received):
            return b""
        received, self._received = self._received, None
        try:
            names = read_hello(hello_body(received)).server_names
            host = normalise(b"".join(names[:1]).decode("ascii", "replace"))
            case = self._hosts.case_of(host)
            offer = read_offer(received) if case else None
        except ValueError:
            case, offer = "", None
        if offer is not None:
            self.offer = offer
            if case == "h2-only" and "h2" not in offer.alpn:
                self._refusal = RecordLayer().sent(ALERT, alert(NO_APPLICATION_PROTOCOL))
                raise tls_error("the client offers no HTTP/2")
            try:
                self._chosen = Tls(self._hosts.context(host))
            except LookupError:
                raise tls_error("the origin has no certificate for this host") from None
        return self._chosen.receive(received)

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""
        self._chosen.send(data)

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""
        self._chosen.close()

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""
        due, self._refusal = self._refusal, b""
        return due + self._chosen.outgoing()
