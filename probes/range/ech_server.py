"""TLS of an origin that also opens encrypted ClientHellos (ECH, RFC 9849).

``TlsWithEch`` reads the ClientHello first. One that was sealed for the origin's key is answered by
``Tls13Server``, a small TLS 1.3 server, since OpenSSL 3 has no ECH; all others by OpenSSL, as if
ECH was unknown. A second ClientHello is never asked for.
"""

from __future__ import annotations

import hmac
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from harness.model.technique_host import ALLOWED, PART
from probes.net import ech
from probes.net.client_hello import (
    ALPN,
    HANDSHAKE,
    KEY_SHARE,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    ClientHello,
    Extension,
    FieldReader,
    alpn_extension,
    hello_body,
    read_hello,
    vector,
)
from probes.net.key_shares import answer_shares, shares_in
from probes.net.tls13 import (
    CERTIFICATE,
    CERTIFICATE_VERIFY,
    ENCRYPTED_EXTENSIONS,
    FINISHED,
    SERVER_HELLO,
    TLS_1_3,
)
from probes.net.tls13_records import (
    ALERT,
    APPLICATION_DATA,
    CIPHERS,
    CLOSE_NOTIFY,
    COMPATIBLE_CHANGE,
    WARNING,
    KeySchedule,
    Record,
    RecordLayer,
    TrafficSecrets,
    alert,
    handshake_message,
    tls_error,
)
from probes.net.tls_facts import is_complete
from probes.range.authority import Certificates
from probes.range.server_tls import ServerTls, Tls
from probes.range.zone import RANGE, ZoneNames, normalise

HANDSHAKE_FAILURE = 40
"""An alert."""

SIGNED = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
"""What precedes the digest that a server signs (RFC 8446 section 4.4.3)."""


@dataclass(frozen=True)
class OriginEch:
    """The ECH of an origin: its key, and a configuration for the hosts of techniques in a zone."""

    key: ech.EchKey
    names: ZoneNames = RANGE

    @classmethod
    def of(cls, marker_key: bytes, names: ZoneNames = RANGE) -> Self:
        """Return that of the origin that has the key of markers."""
        return cls(ech.EchKey.of_origin(marker_key), names)

    @cached_property
    def configs(self) -> dict[str, ech.EchConfig]:
        """The configurations, by what follows the first label of the hosts that have them."""
        parents = (f"{PART}.{zone.zone}" for zone in self.names.zones)
        return {parent: self.key.config(f"{ALLOWED}.{parent}") for parent in parents}

    def config_list(self, host: str) -> bytes:
        """Return the list for the HTTPS record of a host; empty for hosts without ECH."""
        config = self.configs.get(normalise(host).partition(".")[2])
        return ech.config_list([config]) if config is not None else b""

    def inner_hello(self, records: bytes) -> ClientHello | None:
        """Return what was sealed for this origin in the records of a ClientHello; else None.

        Raises ssl.SSLError for a sealed one that breaks the rules.
        """
        try:
            outer = read_hello(hello_body(records))
        except ValueError:
            return None
        try:
            return ech.open_inner(self.key, self.configs.values(), outer)
        except ValueError as error:
            raise tls_error(str(error)) from None


class TlsWithEch:
    """The server side of one connection, without I/O, as ``Tls``. Raises ssl.SSLError.

    ``context`` is the server context of OpenSSL for all other clients, ``alpn`` are the protocols
    that are spoken inside, the preferred one first.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        offer: OriginEch,
        certificates: Certificates,
        alpn: tuple[str, ...] = ("http/1.1",),
    ) -> None:
        self._context, self._offer, self._certificates = context, offer, certificates
        self._alpn = alpn
        self._received = b""
        self._chosen: ServerTls | None = None

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""
        if self._chosen is not None:
            return self._chosen.receive(data)
        self._received += data
        if not is_complete(self._received):
            return b""
        inner = self._offer.inner_hello(self._received)
        if inner is None:
            self._chosen = Tls(self._context)
            return self._chosen.receive(self._received)
        server = Tls13Server(inner, self._key_and_chain, self._alpn)
        self._chosen = server
        server.answer_hello()
        return b""

    def _key_and_chain(self, name: str) -> bytes:
        return self._certificates.key_and_chain(self._offer.names.certified_host(name))

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""
        if self._chosen is not None:
            self._chosen.send(data)

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""
        if self._chosen is not None:
            self._chosen.close()

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""
        return self._chosen.outgoing() if self._chosen is not None else b""


class Tls13Server:
    """The server side of one connection of TLS 1.3 with an inner ClientHello, without I/O.

    ``key_and_chain`` gives the key and the chain of a host in PEM, or raises LookupError. All
    methods raise ssl.SSLError.
    """

    def __init__(
        self, hello: ClientHello, key_and_chain: Callable[[str], bytes], alpn: tuple[str, ...]
    ) -> None:
        self._hello, self._key_and_chain, self._alpn = hello, key_and_chain, alpn
        self._layer = RecordLayer()
        self._outgoing = bytearray()
        self._secrets = TrafficSecrets(b"", b"")
        self._application = TrafficSecrets(b"", b"")
        self._schedule: KeySchedule
        self._is_open = self._has_ended = False

    def answer_hello(self) -> None:
        """Write the server's flight, or an alert."""
        try:
            self._write_flight()
        except (ValueError, LookupError) as error:
            self._outgoing += self._layer.sent(ALERT, alert(HANDSHAKE_FAILURE))
            raise tls_error(str(error)) from None

    def _write_flight(self) -> None:
        hello = self._hello
        number = next((each for each in hello.ciphers if each in CIPHERS), None)
        if number is None:
            raise ValueError("the client offers no cipher suite of TLS 1.3")
        schedule = self._schedule = KeySchedule(CIPHERS[number])
        share, secret = answer_shares(shares_in(hello.extension(KEY_SHARE) or b""))
        schedule.add(hello.message())
        answer = self._server_hello(number, share)
        schedule.add(answer)
        self._outgoing += self._layer.sent(HANDSHAKE, answer) + COMPATIBLE_CHANGE
        self._secrets = schedule.handshake_secrets(secret)
        self._layer.write_with(schedule.cipher, self._secrets.server)
        self._layer.read_with(schedule.cipher, self._secrets.client)
        name = b"".join(hello.server_names[:1]).decode("ascii", "replace")
        flight = self._authenticated(self._key_and_chain(name))
        self._outgoing += self._layer.sent(HANDSHAKE, flight)
        self._application = schedule.application_secrets()
        self._layer.write_with(schedule.cipher, self._application.server)

    def _server_hello(self, cipher: int, share: tuple[int, bytes]) -> bytes:
        """Return a ServerHello that says that the inner ClientHello was accepted."""
        extensions = (
            Extension(SUPPORTED_VERSIONS, TLS_1_3.to_bytes(2)),
            Extension(KEY_SHARE, share[0].to_bytes(2) + vector(share[1], 2)),
        )

        def message(random: bytes) -> bytes:
            body = b"\3\3" + random + vector(self._hello.session_id, 1) + cipher.to_bytes(2)
            return handshake_message(SERVER_HELLO, body + b"\0" + _written(extensions))

        random = secrets.token_bytes(32)
        accepted = ech.confirmation(CIPHERS[cipher].digest, self._hello, message(random))
        return message(random[: -len(accepted)] + accepted)

    def _authenticated(self, pem: bytes) -> bytes:
        """Return the messages from EncryptedExtensions to Finished, and add them."""
        chain = x509.load_pem_x509_certificates(pem)
        listed = b"".join(
            vector(each.public_bytes(Encoding.DER), 3) + vector(b"", 2) for each in chain
        )
        return (
            self._added(ENCRYPTED_EXTENSIONS, _written(self._chosen_protocol()))
            + self._added(CERTIFICATE, vector(b"", 1) + vector(listed, 3))
            + self._added(CERTIFICATE_VERIFY, self._signature(pem))
            + self._added(FINISHED, self._schedule.verify_data(self._secrets.server))
        )

    def _added(self, kind: int, content: bytes) -> bytes:
        """Return a handshake message, and add it to the transcript."""
        message = handshake_message(kind, content)
        self._schedule.add(message)
        return message

    def _chosen_protocol(self) -> tuple[Extension, ...]:
        data = self._hello.extension(ALPN)
        listed, offered = FieldReader(FieldReader(data).vector(2) if data else b""), []
        while listed.remaining:
            offered.append(listed.vector(1).decode("latin-1"))
        chosen = next((each for each in self._alpn if each in offered), None)
        return (alpn_extension([chosen]),) if chosen is not None else ()

    def _signature(self, pem: bytes) -> bytes:
        """Return the content of CertificateVerify. Raises ValueError."""
        key = load_pem_private_key(pem, None)
        signed = SIGNED + self._schedule.digest
        match key:
            case ec.EllipticCurvePrivateKey() if key.curve.key_size == 256:  # noqa: PLR2004 - P-256
                scheme, signature = 0x0403, key.sign(signed, ec.ECDSA(hashes.SHA256()))
            case ec.EllipticCurvePrivateKey():
                scheme, signature = 0x0503, key.sign(signed, ec.ECDSA(hashes.SHA384()))
            case rsa.RSAPrivateKey():
                salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
                scheme, signature = 0x0804, key.sign(signed, salted, hashes.SHA256())
            case ed25519.Ed25519PrivateKey():
                scheme, signature = 0x0807, key.sign(signed)
            case _:
                raise ValueError("a key of this kind cannot sign")
        offered = self._hello.extension(SIGNATURE_ALGORITHMS) or b""
        if scheme not in FieldReader(offered).numbers(2):
            raise ValueError("the client does not know the server's signature algorithm")
        return scheme.to_bytes(2) + vector(signature, 2)

    def receive(self, data: bytes) -> bytes:
        """Process bytes from the socket; return the decrypted data."""
        self._layer.feed(data)
        plaintext = b""
        while not self._has_ended and (record := self._layer.next_record()) is not None:
            plaintext += self._on_record(record)
        return plaintext

    def _on_record(self, record: Record) -> bytes:
        if record.kind == ALERT:
            self._has_ended = True
        elif record.kind == HANDSHAKE and not self._is_open:
            for message in self._layer.add(record):
                self._on_finished(message)
        elif record.kind == APPLICATION_DATA and self._is_open:
            return record.data
        else:
            raise tls_error("a record of an unexpected type")
        return b""

    def _on_finished(self, message: bytes) -> None:
        # The transcript has ended with the server's Finished, since no certificate is asked for.
        wanted = handshake_message(FINISHED, self._schedule.verify_data(self._secrets.client))
        if self._is_open or not hmac.compare_digest(wanted, message):
            raise tls_error("the client's Finished does not fit the handshake")
        self._layer.read_with(self._schedule.cipher, self._application.client)
        self._is_open = True

    def send(self, data: bytes) -> None:
        """Encrypt data for sending."""
        self._outgoing += self._layer.sent(APPLICATION_DATA, data)

    def close(self) -> None:
        """Send close_notify without waiting for the peer's."""
        self._outgoing += self._layer.sent(ALERT, alert(CLOSE_NOTIFY, WARNING))

    def outgoing(self) -> bytes:
        """Return the bytes to write to the socket."""
        due = bytes(self._outgoing)
        self._outgoing.clear()
        return due


def _written(extensions: tuple[Extension, ...]) -> bytes:
    return vector(b"".join(each.kind.to_bytes(2) + vector(each.data, 2) for each in extensions), 2)
