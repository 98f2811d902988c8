"""Record one HTTP exchange: its stage, timing phases, response and failure.

Backends fill in an ``ExchangeRecorder``; whatever ends the exchange, the facts recorded until then
are kept. Also holds what every backend needs for that: the names of failures (``failure_of``), and
reading and writing HTTP/1.1 heads (``read_head``, ``write_head``).
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from time import perf_counter

import msgspec

from harness.model.facts import Certificate
from harness.model.observation import FALSE_CERTIFICATES, Failure, Stage, Timings
from harness.ports.network import Exchange, Request
from probes.net.content_coding import decode

ERRNO_NAMES = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: "connection_reset",
    errno.EPIPE: "connection_reset",
    errno.ECONNABORTED: "connection_aborted",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.ENETUNREACH: "network_unreachable",
    errno.ENETDOWN: "network_down",
    errno.ETIMEDOUT: "timed_out",
    errno.EPERM: "permission_denied",
    errno.EACCES: "permission_denied",
    errno.EAFNOSUPPORT: "address_family_not_supported",
    errno.EALREADY: "connection_already_in_progress",
    errno.ENOTCONN: "not_connected",
    errno.ECANCELED: "operation_canceled",
    errno.EMFILE: "instrument_no_descriptors",
    errno.ENFILE: "instrument_no_descriptors",
    errno.ENOMEM: "instrument_no_memory",
    errno.ENOBUFS: "instrument_no_memory",
    errno.EADDRNOTAVAIL: "instrument_local_address",
    errno.EADDRINUSE: "instrument_local_address",
}
"""Failure name of each errno; ECONNRESET and the like are caused by the peer."""

RESOLVER_NAMES = {
    socket.EAI_NONAME: "dns_nxdomain_error",
    socket.EAI_AGAIN: "dns_temporary_failure",
    socket.EAI_FAIL: "dns_non_recoverable_failure",
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): "dns_no_answer",
}
"""Failure name of each ``getaddrinfo`` error (RFC 3493 section 6.1)."""

RCODE_NAMES = {
    "NXDOMAIN": "dns_nxdomain_error",
    "SERVFAIL": "dns_servfail_error",
    "REFUSED": "dns_refused_error",
    "NOERROR": "dns_no_answer",
}
"""Failure name by RCODE, for a fetch whose name has no address."""

ALERT_REASONS = ("SSLV3_ALERT_", "TLSV1_", "TLSV13_ALERT_")
"""Prefixes of OpenSSL's reasons for alerts that the peer sent (``openssl/sslerr.h``)."""

# OpenSSL's X509_V_ERR_*: hostname and IP address mismatch; issuer unknown or self-signed.
WRONG_HOST_CODES = frozenset({62, 63, 64})
UNKNOWN_AUTHORITY_CODES = frozenset({2, 18, 19, 20, 21})


def failure_of(error: BaseException, stage: Stage) -> Failure:
    """Return the failure for an exception raised at ``stage``."""
    name = _name_of(error)
    if name.startswith("instrument_"):
        stage = "instrument"
    return Failure(name=name, stage=stage, detail=_detail_of(error))


def resolve_failure(rcode: str, detail: str = "") -> Failure:
    """Return the failure of a fetch whose name server answered, but without an address."""
    name = RCODE_NAMES.get(rcode, "dns_server_misbehaving")
    return Failure(name=name, stage="resolve", detail=detail or rcode)


def _name_of(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return _tls_name(error)
    if isinstance(error, socket.gaierror):
        return RESOLVER_NAMES.get(error.errno or 0, "dns_non_recoverable_failure")
    if isinstance(error, OSError) and error.errno is not None:
        return ERRNO_NAMES.get(error.errno, "instrument_error")
    if isinstance(error, TimeoutError):
        return "generic_timeout_error"
    if isinstance(error, (EOFError, ConnectionError)):
        # asyncio raises ConnectionResetError without an errno when the peer closed in order.
        return "eof_error"
    return "instrument_no_memory" if isinstance(error, MemoryError) else "instrument_error"


def _tls_name(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in WRONG_HOST_CODES:
            return "ssl_invalid_hostname"
        unknown = error.verify_code in UNKNOWN_AUTHORITY_CODES
        return "ssl_unknown_authority" if unknown else "ssl_invalid_certificate"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "eof_error"
    reason = getattr(error, "reason", None) or ""
    return "tls_alert" if reason.startswith(ALERT_REASONS) else "ssl_failed_handshake"


def _detail_of(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        # An SSLError not raised by OpenSSL has no attribute ``reason``.
        return (getattr(error, "reason", None) or str(error)).lower()
    if isinstance(error, OSError) and error.errno is not None:
        code = errno.errorcode.get(error.errno, str(error.errno))
        # The wire backend knows the ICMP message; a RST and a 3/3 both give ECONNREFUSED. So does
        # a QUIC client know the peer's error code.
        is_known = (error.strerror or "").startswith(("icmp", "quic"))
        return f"{code} {error.strerror}" if is_known else code
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:300]


HEAD_BYTES = 65536
"""Maximum size of a response head."""

END_OF_HEAD = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?")

Headers = tuple[tuple[str, str], ...]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The status and headers of a response; names in lower case."""

    status: int
    headers: Headers

    def header(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""

    def all(self, name: str) -> list[str]:
        """Return all values of a header, in order."""
        return [value for key, value in self.headers if key == name]


def read_head(head: bytes) -> Head:
    """Parse a response head without its final empty line. Raises ValueError."""
    status_line, *lines = head.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise ValueError(f"no HTTP/1.1 status line: {status_line[:80]!r}")
    pairs = (line.partition(b":") for line in lines if b":" in line)
    headers = tuple(
        (header_text(name.strip()).lower(), header_text(value.strip())) for name, _, value in pairs
    )
    return Head(status=int(match[1]), headers=headers)


def header_text(value: bytes) -> str:
    """Decode a header as UTF-8; invalid bytes are replaced, as the journal holds text only."""
    return value.decode("utf-8", "replace")


def request_headers(request: Request, *, absolute_form: bool) -> list[tuple[str, str]]:
    """Return a request's headers in order, without Host; ``absolute_form``: it goes to a proxy.

    Adds ``Connection: close`` to a request that has no connection header.
    """
    chosen = list((absolute_form and request.proxied_headers) or request.headers)
    if not any(name.lower() in ("connection", "proxy-connection") for name, _ in chosen):
        chosen.append(("Connection", "close"))
    return chosen


def write_head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return a request head. Raises ValueError for a line break, which could inject a header."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines) + "\r\n\r\n"
    if not head.count("\r") == head.count("\n") == len(lines) + 1:
        raise ValueError("a line break inside a request head")
    return head.encode("latin-1")


Clock = Callable[[], float]


class Phase:
    """Context manager that adds the duration of one phase, unless an exception ended it."""

    __slots__ = ("_begun", "_clock", "_name", "_phases")

    def __init__(self, phases: dict[str, float], name: str, clock: Clock) -> None:
        self._phases, self._name, self._clock = phases, name, clock

    def __enter__(self) -> None:
        self._begun = self._clock()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            took = self._clock() - self._begun
            self._phases[self._name] = self._phases.get(self._name, 0.0) + took


class ExchangeRecorder:
    """Collects the facts of one Exchange. ``stage`` is the stage of a failure that happens now."""

    def __init__(self, limit: int, clock: Clock = perf_counter) -> None:
        self.limit = limit
        self.stage: Stage = "connect"
        self.head: Head | None = None
        self.tunnel: Head | None = None
        self.body = bytearray()
        self.peer = ""
        self.certificate: Certificate | None = None
        self.failure: Failure | None = None
        self.phases: dict[str, float] = {}
        self._clock = clock
        self._started = clock()

    def phase(self, name: str, stage: Stage) -> Phase:
        """Enter ``stage``, and record the duration of the phase if it is completed."""
        self.stage = stage
        return Phase(self.phases, name, self._clock)

    def fail(self, error: BaseException) -> None:
        """Record the failure for an exception.

        The first failure is kept, except that a timeout replaces a certificate failure as long as
        no answer came: what stands behind the certificate was not seen in time.
        """
        unread = self.failure is not None and self.failure.name in FALSE_CERTIFICATES
        unread &= self.head is None and isinstance(error, TimeoutError)
        if self.failure is not None and not unread:
            return
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            answered = self.stage in ("tunnel", "response")
            self.fail_as("http_invalid_response" if answered else "instrument_error", str(error))
        else:
            self.failure = failure_of(error, self.stage)

    def fail_as(self, name: str, detail: str = "") -> None:
        """Record a failure by name, such as a protocol violation found by a parser."""
        stage: Stage = "instrument" if name.startswith("instrument_") else self.stage
        self.failure = Failure(name=name, stage=stage, detail=detail[:300])

    def exchange(self) -> Exchange:
        """Return the finished Exchange, with the body decoded."""
        head = self.head or self.tunnel
        declared = ", ".join(head.all("content-encoding")) if head else ""
        decoded = decode(bytes(self.body), declared, self.limit)
        truncated = decoded.truncated or len(self.body) > self.limit
        if decoded.incomplete and self.failure is None and not truncated:
            self.fail_as("eof_error", "the compressed body ends too early")
        return Exchange(
            timings=Timings(**self.phases, total=self._clock() - self._started),
            status=self.head.status if self.head else None,
            tunnel_status=self.tunnel.status if self.tunnel else None,
            headers=head.headers if head else (),
            body=decoded.body,
            truncated=truncated,
            peer=self.peer,
            certificate=self.certificate,
            failure=self.failure,
            codings=decoded.codings,
            undecoded=decoded.undecoded,
            as_sent=bytes(self.body) if decoded.codings and not declared else b"",
        )
