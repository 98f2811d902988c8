"""A TLS 1.3 client whose ClientHello is written byte for byte (RFC 8446).

The server is not authenticated: its chain is recorded, but neither verified nor compared with its
signature, because a page's token proves who sent it. There is no resumption and no second
ClientHello after a HelloRetryRequest.
"""

from __future__ import annotations

import errno
import hmac
import random
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.facts import Certificate
from harness.ports.streams import ByteStream
from probes.net import ech
from probes.net.client_hello import ALPN as ALPN_TYPE
from probes.net.client_hello import (
    HANDSHAKE,
    KEY_SHARE,
    PADDING,
    PSK_MODES,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    ClientHello,
    Extension,
    FieldReader,
    alpn_extension,
    name_extension,
    numbers,
    read_extensions,
    vector,
)
from probes.net.first_flight import FlightShape, send_flight
from probes.net.key_shares import KeyShares
from probes.net.tls13_records import (
    ALERT,
    APPLICATION_DATA,
    CIPHERS,
    COMPATIBLE_CHANGE,
    KeySchedule,
    Record,
    RecordLayer,
    TrafficSecrets,
    alert,
    handshake_message,
    plain_records,
    tls_error,
)
from probes.net.tls_facts import certificate_of

TLS_1_3 = 0x0304
SERVER_HELLO, NEW_SESSION_TICKET, ENCRYPTED_EXTENSIONS = 2, 4, 8
CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, FINISHED = 11, 13, 15, 20
"""Types of handshake messages (section 4)."""

ECH_REQUIRED = 121
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random number of a HelloRetryRequest (section 4.1.3)."""

SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
"""The signature algorithms that browsers offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloPlan:
    """What a ClientHello says. ``names`` are server names as they are sent; none: no extension.

    ``order`` are the types of the extensions that are sent, in order; those that are not known are
    sent empty. Without it all are sent. The message has at least ``least`` bytes, by padding.
    """

    names: tuple[bytes, ...] = ()
    alpn: tuple[str, ...] = ("http/1.1",)
    ciphers: tuple[int, ...] = (0x1301, 0x1302, 0x1303)
    order: tuple[int, ...] = ()
    least: int = 0


def build_hello(
    plan: HelloPlan,
    shares: KeyShares,
    more: Iterable[Extension] = (),
    session_id: bytes = b"",
) -> ClientHello:
    """Return a ClientHello with new random numbers; ``more`` are extensions behind the others."""
    known = [
        *([name_extension(plan.names)] if plan.names else []),
        Extension(SUPPORTED_GROUPS, numbers((*shares.groups, 0x0017, 0x0018), 2)),
        *([alpn_extension(plan.alpn)] if plan.alpn else []),
        Extension(SIGNATURE_ALGORITHMS, numbers(SIGNATURES, 2)),
        Extension(SUPPORTED_VERSIONS, numbers((TLS_1_3,), 1)),
        Extension(PSK_MODES, vector(b"\1", 1)),
        shares.extension(),
        *more,
    ]
    if plan.order:
        by_kind = {each.kind: each for each in known}
        known = [by_kind.get(kind, Extension(kind, b"")) for kind in plan.order]
    hello = ClientHello(
        random=secrets.token_bytes(32),
        session_id=session_id or secrets.token_bytes(32),
        ciphers=plan.ciphers,
        extensions=tuple(known),
    )
    lacking = plan.least - len(hello.message()) - 4
    if lacking < 0:
        return hello
    padding = Extension(PADDING, bytes(lacking))
    return ClientHello(
        random=hello.random,
        session_id=hello.session_id,
        ciphers=hello.ciphers,
        extensions=(*hello.extensions, padding),
    )


class Tls13Client:
    """The client side of one connection, without I/O. Raises ssl.SSLError, ValueError.

    ``inner`` is the ClientHello that is sealed in ``hello`` (ECH), which must then be accepted.
    ``outgoing`` and ``plaintext`` grow with what is to be sent and was received.
    """

    def __init__(
        self, hello: ClientHello, shares: KeyShares, inner: ClientHello | None = None
    ) -> None:
        self._hello, self._shares, self._inner = hello, shares, inner
        self._layer = RecordLayer()
        self._schedule: KeySchedule | None = None
        self._secrets = TrafficSecrets(b"", b"")
        self._expected: tuple[int, ...] = (SERVER_HELLO,)
        self._is_asked_for_certificate = False
        self.outgoing = bytearray()
        self.plaintext = bytearray()
        self.chain: tuple[bytes, ...] = ()
        self.alpn_protocol = ""
        self.is_open = False
        self.has_ended = False

    def first_flight(self) -> bytes:
        """Return the record with the ClientHello."""
        return plain_records(self._hello.message())

    def receive(self, data: bytes) -> None:
        """Process bytes from the server."""
        self._layer.feed(data)
        while not self.has_ended and (record := self._layer.next_record()) is not None:
            self._on_record(record)

    def send(self, data: bytes) -> None:
        """Encrypt application data."""
        self.outgoing += self._layer.sent(APPLICATION_DATA, data)

    def _on_record(self, record: Record) -> None:
        if record.kind == ALERT:
            self.has_ended = True
        elif record.kind == HANDSHAKE:
            for message in self._layer.add(record):
                self._on_message(message)
        elif record.kind == APPLICATION_DATA and self.is_open:
            self.plaintext += record.data
        else:
            raise tls_error("a record of an unexpected type")

    def _on_message(self, message: bytes) -> None:
        kind = message[0]
        if self.is_open and kind == NEW_SESSION_TICKET:
            return
        if kind not in self._expected:
            raise tls_error(f"an unexpected handshake message {kind}")
        body = FieldReader(message[4:])
        if kind == SERVER_HELLO:
            self._on_server_hello(message, body)
            return
        schedule = self._schedule
        assert schedule is not None
        if kind == FINISHED:
            self._on_finished(schedule, message)
            return
        schedule.add(message)
        if kind == ENCRYPTED_EXTENSIONS:
            self._read_alpn(body)
            self._expected = (CERTIFICATE_REQUEST, CERTIFICATE)
        elif kind == CERTIFICATE_REQUEST:
            self._is_asked_for_certificate = True
            self._expected = (CERTIFICATE,)
        elif kind == CERTIFICATE:
            self._read_chain(body)
            self._expected = (CERTIFICATE_VERIFY,)
        else:
            self._expected = (FINISHED,)

    def _on_server_hello(self, message: bytes, body: FieldReader) -> None:
        body.take(2)
        if body.take(32) == RETRY:
            raise tls_error("the server asks for another ClientHello")
        body.vector(1)
        number = body.number(2)
        body.take(1)
        extensions = read_extensions(body.vector(2) if body.remaining else b"")
        found = {each.kind: each.data for each in extensions}
        if found.get(SUPPORTED_VERSIONS) != TLS_1_3.to_bytes(2):
            raise tls_error("the server does not speak TLS 1.3")
        if number not in self._hello.ciphers or number not in CIPHERS:
            raise tls_error(f"the server chose the cipher suite 0x{number:04x}")
        share = FieldReader(found.get(KEY_SHARE, b""))
        secret = self._shares.secret((share.number(2), share.vector(2)))
        cipher = CIPHERS[number]
        self._check_acceptance(cipher.digest, message)
        schedule = self._schedule = KeySchedule(cipher)
        schedule.add((self._inner or self._hello).message())
        schedule.add(message)
        self._secrets = schedule.handshake_secrets(secret)
        self._layer.read_with(cipher, self._secrets.server)
        self._expected = (ENCRYPTED_EXTENSIONS,)

    def _check_acceptance(self, digest: str, message: bytes) -> None:
        """Raise ssl.SSLError if the server did not open the inner ClientHello."""
        if self._inner is None:
            return
        wanted = ech.confirmation(digest, self._inner, message)
        if not hmac.compare_digest(wanted, message[6 + 32 - ech.CONFIRMATION_BYTES : 6 + 32]):
            self.outgoing += self._layer.sent(ALERT, alert(ECH_REQUIRED))
            raise tls_error("the encrypted ClientHello was not accepted (ech_required)")

    def _read_alpn(self, body: FieldReader) -> None:
        for extension in read_extensions(body.vector(2)):
            if extension.kind == ALPN_TYPE:
                protocol = FieldReader(FieldReader(extension.data).vector(2)).vector(1)
                self.alpn_protocol = protocol.decode("latin-1")

    def _read_chain(self, body: FieldReader) -> None:
        body.vector(1)
        listed, chain = FieldReader(body.vector(3)), []
        while listed.remaining:
            chain.append(listed.vector(3))
            listed.vector(2)
        self.chain = tuple(chain)

    def _on_finished(self, schedule: KeySchedule, message: bytes) -> None:
        """Verify the server's Finished, send the client's, and change to application data."""
        if not hmac.compare_digest(schedule.verify_data(self._secrets.server), message[4:]):
            raise tls_error("the server's Finished does not fit the handshake")
        schedule.add(message)
        application = schedule.application_secrets()
        self._layer.write_with(schedule.cipher, self._secrets.client)
        own = b""
        if self._is_asked_for_certificate:
            empty = handshake_message(CERTIFICATE, vector(b"", 1) + vector(b"", 3))
            schedule.add(empty)
            own += empty
        own += handshake_message(FINISHED, schedule.verify_data(self._secrets.client))
        self.outgoing += COMPATIBLE_CHANGE + self._layer.sent(HANDSHAKE, own)
        self._layer.read_with(schedule.cipher, application.server)
        self._layer.write_with(schedule.cipher, application.client)
        self._expected = ()
        self.is_open = True


class Tls13Stream:
    """``Tls13Client`` above a byte stream; itself one once ``handshake`` has returned."""

    version = "TLSv1.3"

    def __init__(self, stream: ByteStream, client: Tls13Client) -> None:
        self._stream, self._client = stream, client

    @property
    def alpn_protocol(self) -> str:
        """The protocol negotiated by ALPN (RFC 7301), or an empty string."""
        return self._client.alpn_protocol

    def certificate(self) -> Certificate | None:
        """The chain that was shown, which was not verified."""
        return certificate_of(self._client.chain, trusted=None)

    async def handshake(self, shape: FlightShape, draw: random.Random) -> bytes:
        """Perform the handshake; return the ClientHello as it was sent. Raises OSError."""
        sent = await send_flight(self._stream, self._client.first_flight(), shape, draw)
        while not self._client.is_open:
            if self._client.has_ended or not await self._receive():
                raise ssl.SSLEOFError(8, "the far end closed during the handshake")
        return sent

    async def write(self, data: bytes) -> None:
        """Send all of the data. Raises OSError."""
        self._client.send(data)
        await self._flush()

    async def read(self) -> bytes:
        """Return received bytes, or b'' if the far end has closed. Raises OSError."""
        client = self._client
        while not client.plaintext and not client.has_ended:
            if not await self._receive():
                break
        data = bytes(client.plaintext)
        client.plaintext.clear()
        return data

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """Raise OSError: ``MemoryTls`` above this stream does that."""
        del trust, host
        raise OSError(errno.EOPNOTSUPP, "this stream is encrypted already")

    def close(self) -> None:
        """Close the stream below, without a word."""
        self._stream.close()

    async def _receive(self) -> bool:
        """Receive and process something; False if the far end has closed."""
        data = await self._stream.read()
        try:
            self._client.receive(data)
        except ValueError as error:
            if isinstance(error, OSError):
                raise
            raise tls_error(str(error)) from None
        finally:
            await self._flush()
        return bool(data)

    async def _flush(self) -> None:
        due = bytes(self._client.outgoing)
        self._client.outgoing.clear()
        if due:
            await self._stream.write(due)
