"""``TlsLook``: connects to one host over a line as a strict or a lenient client, and records it.

The handshake is OpenSSL's. What is requested depends on the host's case: its page by HTTP/1.1, by
HTTP/2 alone, or as a message of a WebSocket.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import ssl
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.model.tls_view import ClientKind, TlsOffer, TlsView
from harness.ports.network import Attempt, Exchange, Line, authorities_of
from harness.ports.streams import ByteStream, DialRequest, DialsStreams
from probes.net.browser_profiles import profile_for
from probes.net.client_identity import client_certificate
from probes.net.delivery import ExpectedMarks
from probes.net.dialled_exchange import refused_exchange
from probes.net.exchange_recorder import ExchangeRecorder, write_head
from probes.net.first_flight import FlightShape
from probes.net.html_text import Page, PageReader
from probes.net.memory_tls import MemoryTls
from probes.net.raw_http1 import SWITCHING, read_answer
from probes.net.raw_http2 import Http2Client
from probes.net.route import client_tls_context, shared_tls_context, unverified_tls_context
from probes.net.tls_offer import read_offer
from probes.net.websocket import VERSION, accept_of, new_key
from probes.net.websocket_stream import WebSocketStream

HTTPS_PORT = 443
STRICT_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
"""Suites of TLS 1.2 that current browsers prefer; all of them have forward secrecy."""
LENIENT_CIPHERS = "ALL:eNULL:@SECLEVEL=0"
HTTP_1, BOTH, HTTP_2 = ("http/1.1",), ("h2", "http/1.1"), ("h2",)
TEXT_CHARACTERS = 400


class TlsLook:
    """One attempt at a host, from which several clients connect."""

    def __init__(self, attempt: Attempt, line: Line, case: str, expected: ExpectedMarks) -> None:
        self._attempt, self._line, self._case = attempt, line, case
        self._expected = expected
        self._host = attempt.item.host
        self._pages = PageReader()

    async def connect(self, client: ClientKind, patience: float) -> tuple[TlsView, Exchange]:
        """Connect as a client, within ``patience`` seconds; return what was seen."""
        recorder = ExchangeRecorder(self._attempt.limits.body_bytes)
        view, context = TlsView(client=client), self._context(client)
        started = perf_counter()
        if not isinstance(self._line, DialsStreams):
            recorder.fail_as("instrument_error", f"line {self._line.name!r} opens no byte streams")
            return _failed(view, recorder.exchange()), recorder.exchange()
        dialled = await self._line.dial(
            DialRequest(
                host=self._host, port=HTTPS_PORT, timeout=patience, address=self._attempt.address
            )
        )
        recorder.peer = dialled.peer
        if dialled.opened is None:
            exchange = refused_exchange(dialled)
            return self._with_page(_failed(view, exchange), exchange), exchange
        tls = MemoryTls(dialled.opened, context, self._host)
        try:
            async with asyncio.timeout(max(patience - (perf_counter() - started), 0.001)):
                await self._shake_hands(tls, recorder)
                view = _of_connection(tls, client)
                await self._request(tls, client, recorder)
        except Exception as error:  # noqa: BLE001 - recorded as the failure
            recorder.fail(error)
        finally:
            tls.close()
        exchange = recorder.exchange()
        timings = msgspec.structs.replace(
            dialled.timings,
            tls=exchange.timings.tls,
            first_byte=exchange.timings.first_byte,
            total=perf_counter() - started,
        )
        exchange = msgspec.structs.replace(
            exchange, timings=timings, tunnel_status=dialled.tunnel_status
        )
        view = msgspec.structs.replace(view, offer=_offer(tls))
        return self._with_page(_failed(view, exchange), exchange), exchange

    def _context(self, client: ClientKind) -> ssl.SSLContext:
        """Return the TLS context of a client. Raises UsageError for a missing authority."""
        authorities, protocols = self._authorities(), self._protocols(client)
        is_identified = self._case == "client-certificate" and self._line.origin is not None
        if client == "lenient":
            context = unverified_tls_context(protocols)
            context.set_ciphers(LENIENT_CIPHERS)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # versions 1.0 and 1.1
                context.minimum_version = ssl.TLSVersion.TLSv1
        elif not is_identified:
            return shared_tls_context(*authorities, alpn=protocols, ciphers=STRICT_CIPHERS)
        else:
            context = client_tls_context(*authorities, alpn=protocols)
            context.set_ciphers(STRICT_CIPHERS)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        if is_identified and self._line.origin is not None:
            _load_identity(context, self._line.origin.key)
        return context

    def _authorities(self) -> tuple[str, ...]:
        """The files of authorities that are trusted; a client that pins trusts the site's alone."""
        origin = self._line.origin
        if self._case == "pinned" and origin is not None:
            return (origin.authority,)
        return authorities_of(self._line)

    def _protocols(self, client: ClientKind) -> tuple[str, ...]:
        if self._case == "h2-only":
            return HTTP_2
        return BOTH if client == "protocols" else HTTP_1

    async def _shake_hands(self, tls: MemoryTls, recorder: ExchangeRecorder) -> None:
        """Perform the handshake. Raises OSError."""
        draw = random.Random(self._attempt.browser)  # noqa: S311 - variety, no secret
        with recorder.phase("tls", "tls"):
            await tls.handshake(FlightShape(), draw)
        recorder.certificate = tls.certificate()

    async def _request(
        self, tls: MemoryTls, client: ClientKind, recorder: ExchangeRecorder
    ) -> None:
        """Request the page as the case says. Raises OSError, EOFError, ValueError."""
        if client == "protocols":
            return
        recorder.stage = "request"
        if self._case == "h2-only":
            await self._request_http2(tls, recorder)
        elif self._case == "websocket":
            await self._open_websocket(tls, recorder)
        else:
            headers = [("Host", self._host), *self._headers, ("Connection", "close")]
            await tls.write(write_head("GET", "/", headers))
            recorder.stage = "response"
            await read_answer(tls, recorder)

    @property
    def _headers(self) -> list[tuple[str, str]]:
        marks = self._expected.request_marks(self._host)
        profile = profile_for(self._attempt.browser)
        sent = profile.headers("https", marks.cookie, marks.headers)
        return [one for one in sent.direct if one[0].lower() not in ("host", "connection")]

    async def _request_http2(self, tls: ByteStream, recorder: ExchangeRecorder) -> None:
        client = Http2Client(tls)
        await client.begin()
        fields = [
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", self._host.encode()),
            (b":path", b"/"),
            *((name.lower().encode(), value.encode()) for name, value in self._headers),
        ]
        number = await client.request(fields)
        recorder.stage = "response"
        await client.read_answer(number, recorder)

    async def _open_websocket(self, tls: ByteStream, recorder: ExchangeRecorder) -> None:
        """Ask for a WebSocket; its first message is the page. Raises ValueError, EOFError."""
        key = new_key()
        skipped = ("accept", "upgrade-insecure-requests", "sec-", "priority")
        headers = [
            ("Host", self._host),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Origin", f"https://{self._host}"),
            ("Sec-WebSocket-Version", VERSION),
            ("Sec-WebSocket-Key", key),
            *(one for one in self._headers if not one[0].lower().startswith(skipped)),
        ]
        await tls.write(write_head("GET", "/", headers))
        recorder.stage = "response"
        unread = await read_answer(tls, recorder)
        if recorder.head is None or recorder.head.status != SWITCHING:
            return
        if recorder.head.header("sec-websocket-accept") != accept_of(key):
            raise ValueError("the WebSocket was accepted with a wrong key")
        recorder.body += await WebSocketStream(tls, recorder.limit, unread).read()
        if not recorder.body:
            raise EOFError("the WebSocket was closed without a message")

    def _with_page(self, view: TlsView, exchange: Exchange) -> TlsView:
        """Add what is known of a page: whether it is the origin's, else its title and text."""
        if exchange.status is None and exchange.tunnel_status is None:
            return view
        is_whole = self._case != "websocket" or exchange.status == SWITCHING
        if is_whole and self._expected.marks_in(self._host, exchange).is_shown:
            return msgspec.structs.replace(view, status=exchange.status, has_token=True)
        page = Page()
        if exchange.body:
            kind = next((value for name, value in exchange.headers if name == "content-type"), "")
            page = self._pages.read(exchange.body, kind, "")
        return msgspec.structs.replace(
            view, status=exchange.status, title=page.title, text=page.text[:TEXT_CHARACTERS]
        )


def _failed(view: TlsView, exchange: Exchange) -> TlsView:
    """Add the failure of an exchange, if it has one."""
    failure = exchange.failure
    if failure is None:
        return view
    return msgspec.structs.replace(
        view, failure=failure.name, stage=failure.stage, detail=failure.detail
    )


def _offer(tls: MemoryTls) -> TlsOffer | None:
    with suppress(ValueError):
        return read_offer(tls.hello)
    return None


def _of_connection(tls: MemoryTls, client: ClientKind) -> TlsView:
    """Return what a connection has negotiated. OpenSSL forgets it if a fatal alert comes later."""
    shown = tls.certificate()
    return TlsView(
        client=client,
        key=_digest_of_key(tls.leaf),
        chain=len(shown.chain) if shown else 0,
        issuer=shown.issuer if shown else "",
        subject=shown.subject if shown else "",
        version=tls.version,
        cipher=tls.cipher,
        alpn=tls.alpn_protocol,
    )


def _digest_of_key(leaf: bytes) -> str:
    """Return the SHA-256 of a certificate's public key; of all of it if it cannot be read."""
    try:
        key = x509.load_der_x509_certificate(leaf).public_key()
        leaf = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        pass
    return hashlib.sha256(leaf).hexdigest() if leaf else ""


def _load_identity(context: ssl.SSLContext, key: bytes) -> None:
    """Give a context the client's certificate. The ssl module reads keys only from files."""
    with tempfile.TemporaryDirectory(prefix="accredit-") as directory:
        path = Path(directory, "client.pem")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(client_certificate(key))
        context.load_cert_chain(path)
