"""One request by curl-impersonate over a byte stream that is open already.

What makes it look like a certain browser is set by ``Dress``; the result goes to an
``ExchangeRecorder``. Certificates are verified by curl, which does not report the chain.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.ports.network import Request
from harness.ports.streams import ByteStream
from probes.net.exchange_recorder import ExchangeRecorder, Head, header_text, write_head
from probes.net.stream_relay import Relay

if TYPE_CHECKING:
    from curl_cffi import Curl

Dress = Callable[["Curl"], None]
"""Sets the options of curl that make it look like a browser."""


def dress_as(profile: str, curl: Curl) -> None:
    """Make curl look like the browser of a profile of curl_cffi; no header is added."""
    curl.impersonate(profile, default_headers=False)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CurlTransfer:
    """One request. ``authorities`` is a PEM file of those trusted; None: nothing is verified."""

    request: Request
    dress: Dress
    authorities: bytes | None

    async def over(self, stream: ByteStream, recorder: ExchangeRecorder) -> None:
        """Send the request over a stream, which is closed at the end, and record the result."""
        response = _CurlResponse(recorder=recorder)
        recorder.stage = "tls"
        async with Relay(stream) as relay:
            curl = self._make_curl(relay.path, response)
            done = await asyncio.to_thread(_perform, curl)
            _record_progress(done, recorder)
            recorder.head = response.head()
            if done.number:
                _fail(recorder, done.number, done.message, relay.close_reason)

    def _make_curl(self, path: Path, response: _CurlResponse) -> Curl:
        from curl_cffi import Curl, CurlOpt  # noqa: PLC0415 - loaded only where it is used

        request, lines = self.request, header_lines(self.request)
        is_verified = self.authorities is not None
        curl = Curl(cacert="")
        self.dress(curl)
        for option, value in (
            (CurlOpt.URL, request.url.encode()),
            (CurlOpt.CUSTOMREQUEST, request.method.encode()),
            (CurlOpt.UNIX_SOCKET_PATH, os.fsencode(path)),
            (CurlOpt.HTTPHEADER, lines),
            (CurlOpt.HTTPHEADER_ORDER, header_order(lines)),
            (CurlOpt.TIMEOUT_MS, max(1, int(request.timeout * 1000))),
            (CurlOpt.SSL_VERIFYPEER, int(is_verified)),
            (CurlOpt.SSL_VERIFYHOST, 2 * is_verified),
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
        if self.authorities is not None:
            curl.setopt(CurlOpt.CAINFO, self.authorities)
        return curl


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
