"""Names what went wrong on the network, and folds nothing together.

Refused, reset, closed without an answer, alert, timeout and unreachable are different facts,
and trouble of our own machine (no descriptors, no memory, no local port) is named
``instrument_*`` so that it is never held against a service. Names follow OONI df-007-errors;
error numbers follow POSIX and Linux ``connect(2)``, ``socket(2)``.
"""

from __future__ import annotations

import errno
import socket
import ssl

from harness.model.observation import Failure, Stage

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
