"""A passage is one exchange under way: where it stands, and what it has met so far.

It is what the lanes fill in; whatever ends it, the facts gathered until then are kept.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from time import perf_counter

import msgspec

from harness.model.observation import Certificate, Failure, Stage, Timings
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
"""What each error number is called; ECONNRESET and the like come from the far end."""

RESOLVER_NAMES = {
    socket.EAI_NONAME: "dns_nxdomain_error",
    socket.EAI_AGAIN: "dns_temporary_failure",
    socket.EAI_FAIL: "dns_non_recoverable_failure",
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): "dns_no_answer",
}
"""What the system's ``getaddrinfo`` errors are called (RFC 3493 section 6.1)."""

RCODE_NAMES = {
    "NXDOMAIN": "dns_nxdomain_error",
    "SERVFAIL": "dns_servfail_error",
    "REFUSED": "dns_refused_error",
    "NOERROR": "dns_no_answer",
}
"""What a DNS answer without an address is called when an address was needed."""

ALERT_REASONS = ("SSLV3_ALERT_", "TLSV1_", "TLSV13_ALERT_")
"""How OpenSSL starts the reasons of alerts that the far end sent (``openssl/sslerr.h``)."""

# OpenSSL's X509_V_ERR_*: hostname and IP address mismatch; issuer unknown or self-signed.
WRONG_HOST_CODES = frozenset({62, 63, 64})
UNKNOWN_AUTHORITY_CODES = frozenset({2, 18, 19, 20, 21})


def failure_of(error: BaseException, stage: Stage) -> Failure:
    """The failure that an exception stands for, when it came up at ``stage``."""
    name = _name_of(error)
    if name.startswith("instrument_"):
        stage = "instrument"
    return Failure(name=name, stage=stage, detail=_detail_of(error))


def resolve_failure(rcode: str, detail: str = "") -> Failure:
    """The failure of a fetch whose name got an answer, but no address, from the resolver."""
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
        # asyncio says ConnectionResetError without a number when the far end merely closed.
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
        # An SSLError that OpenSSL did not make has no attribute ``reason`` at all.
        return (getattr(error, "reason", None) or str(error)).lower()
    if isinstance(error, OSError) and error.errno is not None:
        code = errno.errorcode.get(error.errno, str(error.errno))
        # The wire lane knows which ICMP message it was; a reset and a 3/3 both say refused.
        return f"{code} {error.strerror}" if (error.strerror or "").startswith("icmp") else code
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:300]


HEAD_BYTES = 65536
"""A head larger than this is not one."""

END_OF_HEAD = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?")

Headers = tuple[tuple[str, str], ...]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The status and headers of a response; names in lower case."""

    status: int
    headers: Headers

    def header(self, name: str) -> str:
        """The first value of a header, or the empty text."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""

    def all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key == name]


def read_head(head: bytes) -> Head:
    """Read a response head without its last empty line; raises ValueError if it is none."""
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
    """A header as text: UTF-8 where it is, for a journal holds nothing that is no text."""
    return value.decode("utf-8", "replace")


def request_headers(request: Request, *, absolute_form: bool) -> list[tuple[str, str]]:
    """The headers of a request but for Host, in order; ``absolute_form``: to a proxy, whole.

    A request that says nothing of its connection has it closed after the answer.
    """
    chosen = list((absolute_form and request.proxied_headers) or request.headers)
    if not any(name.lower() in ("connection", "proxy-connection") for name, _ in chosen):
        chosen.append(("Connection", "close"))
    return chosen


def write_head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A request head; raises ValueError for a line break, which would smuggle a header."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines) + "\r\n\r\n"
    if not head.count("\r") == head.count("\n") == len(lines) + 1:
        raise ValueError("a line break inside a request head")
    return head.encode("latin-1")


Clock = Callable[[], float]


class Phase:
    """A part of a passage, entered and left; adds how long it took unless it broke."""

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
    """The mutable side of an Exchange. ``stage`` is where a failure would have happened."""

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
        """Stand at ``stage``, and note how long it took if it was passed."""
        self.stage = stage
        return Phase(self.phases, name, self._clock)

    def fail(self, error: BaseException) -> None:
        """End here, for the reason that an exception gives; the first reason stands."""
        if self.failure is not None:
            return
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            answered = self.stage in ("tunnel", "response")
            self.end("http_invalid_response" if answered else "instrument_error", str(error))
        else:
            self.failure = failure_of(error, self.stage)

    def end(self, name: str, detail: str = "") -> None:
        """End here, for a reason of our own reading."""
        stage: Stage = "instrument" if name.startswith("instrument_") else self.stage
        self.failure = Failure(name=name, stage=stage, detail=detail[:300])

    def exchange(self) -> Exchange:
        """What came of it."""
        head = self.head or self.tunnel
        declared = ", ".join(head.all("content-encoding")) if head else ""
        decoded = decode(bytes(self.body), declared, self.limit)
        truncated = decoded.truncated or len(self.body) > self.limit
        if decoded.incomplete and self.failure is None and not truncated:
            self.end("eof_error", "the compressed body ends too early")
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
        )
