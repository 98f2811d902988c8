"""The browser backend: a current browser's TLS handshake and HTTP/2, by curl-impersonate.

The portable backend opens the connection, talks to the proxy, and carries plain HTTP, where the
request headers are all that identifies a browser. Over TLS, curl_cffi uses the profile of the
browser named by the request's User-Agent (its profiles follow released versions). It reports
whether the certificate is trusted, but not the certificate itself.

Holds ``BrowserBackend``, and ``Relay``, which passes an open connection to curl by a Unix socket.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from harness.errors import UsageError
from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dialling import Stream, open_stream
from probes.net.dns_server import DnsServer
from probes.net.exchange_recorder import ExchangeRecorder, Head, header_text, write_head
from probes.net.portable.portable_backend import PortableBackend
from probes.net.route import Route
from probes.net.url_target import UrlTarget, parse_url_target

if TYPE_CHECKING:
    from curl_cffi import Curl


READ_BYTES = 65536


class Relay:
    """Relays one open connection to one local client over a Unix socket; a context manager.

    ``path`` is the socket's path. ``close_reason`` is why the peer's connection ended: an OSError,
    an EOFError, or None while it is open.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._folder = Path(tempfile.mkdtemp(prefix="accredit-"))
        self.path = self._folder / "s"
        self._listening = socket.socket(socket.AF_UNIX)
        self.close_reason: Exception | None = None

    async def __aenter__(self) -> Self:
        try:
            self._listening.settimeout(0)
            self._listening.bind(str(self.path))
            self._listening.listen(1)
        except BaseException:
            self._close()
            raise
        self._serving = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._close()

    def _close(self) -> None:
        self._listening.close()
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self) -> None:
        """Relay bytes in both directions for the first client; refuse any other."""
        await _readable(self._listening)
        client, _ = self._listening.accept()
        self._listening.close()
        with client:
            client.settimeout(0)
            await asyncio.gather(self._forward_out(client), self._forward_in(client))

    async def _forward_out(self, client: socket.socket) -> None:
        with suppress(OSError):
            while data := await asyncio.get_running_loop().sock_recv(client, READ_BYTES):
                await self._stream.write(data)

    async def _forward_in(self, client: socket.socket) -> None:
        try:
            while data := await self._stream.read():
                await asyncio.get_running_loop().sock_sendall(client, data)
            self.close_reason = EOFError("the connection was closed")
        except OSError as error:
            self.close_reason = error
        finally:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


async def _readable(listening: socket.socket) -> None:
    """Wait for a client without accepting it, so that a cancelled wait cannot leak its socket."""
    loop, is_readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, is_readable.set)
    try:
        await is_readable.wait()
    finally:
        loop.remove_reader(listening)


BROWSERS = {"Firefox/": "firefox155", "Version/": "safari270"}
"""curl_cffi profile by a part of the User-Agent; any other User-Agent gets Chromium's."""

CHROMIUM = "chrome152"

TIMED_OUT, BAD_CERTIFICATE, WRITE_ENDED, HANDSHAKE = 28, 60, 23, 35
CONNECTION_BROKEN = frozenset({18, 52, 55, 56})
"""Error numbers of libcurl (``libcurl-errors(3)``); CONNECTION_BROKEN: the connection was lost."""

WRONG_HOST, UNKNOWN_AUTHORITY = 62, 20
"""OpenSSL's ``X509_V_ERR_HOSTNAME_MISMATCH`` and ``_UNABLE_TO_GET_ISSUER_CERT_LOCALLY``."""

OMITTED = frozenset({"host", "proxy-connection"})


class HandshakeError(ssl.SSLError):
    """A TLS handshake that failed; ``reason`` follows OpenSSL's naming."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.reason = f"TLSV1_{message}" if "alert" in message.lower() else message


@dataclass(slots=True, kw_only=True)
class _CurlResponse:
    """Collects one response from curl's callbacks."""

    recorder: ExchangeRecorder
    lines: list[bytes] = field(default_factory=list)

    def header(self, line: bytes) -> int:
        """Add a line of the head; a new status line discards an interim response."""
        if line.startswith(b"HTTP/"):
            self.lines.clear()
        self.lines.append(line.rstrip(b"\r\n"))
        return len(line)

    def write(self, data: bytes) -> int:
        """Add a part of the body, up to the limit."""
        if len(self.recorder.body) > self.recorder.limit:
            return 0
        self.recorder.body += data
        return len(data)

    def head(self) -> Head | None:
        """Return the head of the response, or None if there was none."""
        if not self.lines:
            return None
        status = self.lines[0].split(b" ")
        if len(status) < 2 or not status[1].isdigit():  # noqa: PLR2004 - version and status
            return None
        pairs = (line.partition(b":") for line in self.lines[1:] if b":" in line)
        headers = tuple(
            (header_text(name.strip()).lower(), header_text(value.strip()))
            for name, _, value in pairs
        )
        return Head(status=int(status[1]), headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TransferResult:
    """The result of a transfer: libcurl's error number (0 for none), its message, and durations."""

    number: int
    message: str
    tls: float | None
    first_byte: float | None


class BrowserBackend:
    """Sends requests as a browser does; needs curl_cffi and Unix sockets."""

    def __init__(self) -> None:
        if not can_browse():
            raise UsageError(
                "lane 'browser' needs curl_cffi and Unix sockets, which this machine does not have"
            )
        self._portable = PortableBackend()
        self._servers: dict[int, tuple[DnsServer, DnsServer]] = {}
        self._trusted: dict[int, tuple[ssl.SSLContext, bytes]] = {}

    async def __aenter__(self) -> Self:
        await self._portable.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._portable.__aexit__(*exc)
        self._forget_authorities()

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Ask one question without EDNS, as pupils' devices do."""
        cached = self._servers.get(id(server))
        if cached is None:
            cached = self._servers[id(server)] = (server, replace(server, edns=False))
        return await self._portable.ask(question, cached[1])

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Send one request; failures are in the Exchange, never raised."""
        try:
            target = parse_url_target(request.url)
        except ValueError:
            return await self._portable.exchange(request, route)
        if target.scheme != "https":
            return await self._portable.exchange(request, route)
        recorder = ExchangeRecorder(request.body_bytes)
        try:
            async with asyncio.timeout(request.timeout):
                await self._run(request, target, route, recorder, verified=True)
                if recorder.failure is not None and recorder.failure.name.startswith("ssl_"):
                    # Behind a certificate that does not verify there may still be a block page.
                    await self._run(request, target, route, recorder, verified=False)
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the exchange
            recorder.fail(error)
        return recorder.exchange()

    async def _run(
        self,
        request: Request,
        target: UrlTarget,
        route: Route,
        recorder: ExchangeRecorder,
        *,
        verified: bool,
    ) -> None:
        current = recorder if verified else ExchangeRecorder(recorder.limit)
        stream = await open_stream(current, route, "https", target.endpoint, request.tunnel_headers)
        response = _CurlResponse(recorder=recorder)
        recorder.stage = "tls"
        async with Relay(stream) as relay:
            curl = self._make_curl(request, route, relay.path, response, verified=verified)
            done = await asyncio.to_thread(_perform, curl)
            _record_progress(done, recorder)
            recorder.head = response.head()
            if done.number:
                _fail(recorder, done.number, done.message, relay.close_reason)

    def _make_curl(
        self, request: Request, route: Route, path: Path, response: _CurlResponse, *, verified: bool
    ) -> Curl:
        from curl_cffi import Curl, CurlOpt  # noqa: PLC0415 - loaded only for plain twins

        lines = header_lines(request)
        curl = Curl(cacert="")
        curl.impersonate(browser_of(request), default_headers=False)
        for option, value in (
            (CurlOpt.URL, request.url.encode()),
            (CurlOpt.CUSTOMREQUEST, request.method.encode()),
            (CurlOpt.UNIX_SOCKET_PATH, os.fsencode(path)),
            (CurlOpt.HTTPHEADER, lines),
            (CurlOpt.HTTPHEADER_ORDER, header_order(lines)),
            (CurlOpt.TIMEOUT_MS, max(1, int(request.timeout * 1000))),
            (CurlOpt.SSL_VERIFYPEER, int(verified)),
            (CurlOpt.SSL_VERIFYHOST, 2 * verified),
            (CurlOpt.HTTP_CONTENT_DECODING, 0),
            (CurlOpt.PROXY, b""),
            (CurlOpt.HEADERFUNCTION, response.header),
            (CurlOpt.WRITEFUNCTION, response.write),
        ):
            curl.setopt(option, value)
        if request.method == "HEAD":
            curl.setopt(CurlOpt.NOBODY, 1)
        elif request.body:
            curl.setopt(CurlOpt.POSTFIELDSIZE, len(request.body))
            curl.setopt(CurlOpt.COPYPOSTFIELDS, request.body)
        if verified:
            curl.setopt(CurlOpt.CAINFO, self._authorities(route.trust))
        return curl

    def _authorities(self, trust: ssl.SSLContext) -> bytes:
        """Return the path of a PEM file with a context's authorities; deleted on close."""
        cached = self._trusted.get(id(trust))
        if cached is None:
            authorities = trust.get_ca_certs(binary_form=True)
            with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
                file.writelines(map(ssl.DER_cert_to_PEM_cert, authorities))
            cached = self._trusted[id(trust)] = (trust, os.fsencode(file.name))
        return cached[1]

    def _forget_authorities(self) -> None:
        for _, file in self._trusted.values():
            Path(os.fsdecode(file)).unlink(missing_ok=True)
        self._trusted.clear()


def can_browse() -> bool:
    """Whether the browser backend can run on this machine."""
    from importlib.util import find_spec  # noqa: PLC0415 - rarely needed

    return find_spec("curl_cffi") is not None and hasattr(asyncio, "start_unix_server")


def browser_of(request: Request) -> str:
    """Return the curl_cffi profile for the request's User-Agent."""
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), "")
    return next((name for part, name in BROWSERS.items() if part in agent), CHROMIUM)


def header_lines(request: Request) -> list[bytes]:
    """Return the header lines in order, without Host; over HTTP/2 curl omits Connection."""
    chosen = [pair for pair in request.headers if pair[0].lower() not in OMITTED]
    write_head(request.method, "/", chosen)  # raises ValueError for a line break
    return [f"{name}: {value}".encode("latin-1") for name, value in chosen]


def header_order(lines: list[bytes]) -> bytes:
    """Return the order of the headers for curl: Host first, as in browsers."""
    return b",".join([b"Host", *(line.partition(b":")[0] for line in lines)])


def _perform(curl: Curl) -> _TransferResult:
    """Run the transfer and close curl, as the awaiting task may have been cancelled meanwhile."""
    from curl_cffi import CurlError, CurlInfo  # noqa: PLC0415 - loaded only for plain twins

    number, message = 0, ""
    try:
        try:
            curl.perform()
        except CurlError as error:
            number, message = int(error.code), str(error)
        times = (
            CurlInfo.CONNECT_TIME,
            CurlInfo.APPCONNECT_TIME,
            CurlInfo.PRETRANSFER_TIME,
            CurlInfo.STARTTRANSFER_TIME,
        )
        connect, secured, pretransfer, first = (
            float(cast("float", curl.getinfo(metric))) for metric in times
        )
    finally:
        curl.close()
    return _TransferResult(
        number=number,
        message=message,
        tls=max(0.0, secured - connect) if secured > 0 else None,
        first_byte=max(0.0, first - pretransfer) if first > 0 else None,
    )


def _record_progress(done: _TransferResult, recorder: ExchangeRecorder) -> None:
    """Record the stage that was reached, and the durations of TLS and of the first byte."""
    if done.tls is not None:
        recorder.stage = "response"
        recorder.phases["tls"] = done.tls
    if done.first_byte is not None:
        recorder.phases["first_byte"] = done.first_byte


def _fail(
    recorder: ExchangeRecorder, number: int, message: str, close_reason: Exception | None
) -> None:
    """Record the failure for a libcurl error. Stopping at the body limit is not a failure."""
    if number == WRITE_ENDED and len(recorder.body) > recorder.limit:
        return
    if number == TIMED_OUT:
        recorder.fail(TimeoutError(message))
    elif number == BAD_CERTIFICATE:
        recorder.fail(_untrusted(message))
    elif number == HANDSHAKE and "alert" in message.lower():
        recorder.fail(HandshakeError(message))
    elif close_reason is not None and (number in CONNECTION_BROKEN or number == HANDSHAKE):
        recorder.fail(close_reason)
    elif number == HANDSHAKE:
        recorder.fail(HandshakeError(message))
    elif number in CONNECTION_BROKEN:
        recorder.fail(EOFError(message))
    else:
        recorder.fail_as("http_invalid_response", message)


def _untrusted(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(message)
    # libcurl's message when it compares host names itself (lib/vtls/openssl.c, ossl_verifyhost).
    error.verify_code = WRONG_HOST if "subject name" in message else UNKNOWN_AUTHORITY
    error.verify_message = message
    return error
