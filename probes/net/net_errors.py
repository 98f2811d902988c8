"""Errors of Chromium by name (``net::ERR_...``), and the failures that stand for them.

The names are those of ``net/base/net_error_list.h``. Where the connection was opened by us, we know
more than the browser, which sees a proxy alone: then the failure says which error a browser
without that proxy would show (``shown_error``).
"""

from __future__ import annotations

import re

from harness.model.observation import Failure, Stage

_NAME = re.compile(r"net::(ERR_[A-Z0-9_]+)")

CERTIFICATE, TLS = "ERR_CERT_", "ERR_SSL_"

_FAILURES: dict[str, tuple[str, Stage]] = {
    "ERR_CERT_AUTHORITY_INVALID": ("ssl_unknown_authority", "tls"),
    "ERR_CERT_COMMON_NAME_INVALID": ("ssl_invalid_hostname", "tls"),
    "ERR_BAD_SSL_CLIENT_AUTH_CERT": ("tls_alert", "tls"),
    "ERR_SSL_CLIENT_AUTH_CERT_NEEDED": ("tls_alert", "tls"),
    "ERR_SSL_UNRECOGNIZED_NAME_ALERT": ("tls_alert", "tls"),
    "ERR_SSL_VERSION_OR_CIPHER_MISMATCH": ("tls_alert", "tls"),
    "ERR_CONNECTION_REFUSED": ("connection_refused", "connect"),
    "ERR_CONNECTION_RESET": ("connection_reset", "response"),
    "ERR_CONNECTION_CLOSED": ("eof_error", "response"),
    "ERR_EMPTY_RESPONSE": ("eof_error", "response"),
    "ERR_CONTENT_LENGTH_MISMATCH": ("eof_error", "response"),
    "ERR_INCOMPLETE_CHUNKED_ENCODING": ("eof_error", "response"),
    "ERR_CONTENT_DECODING_FAILED": ("http_invalid_response", "response"),
    "ERR_INVALID_HTTP_RESPONSE": ("http_invalid_response", "response"),
    "ERR_INVALID_CHUNKED_ENCODING": ("http_invalid_response", "response"),
    "ERR_INVALID_REDIRECT": ("http_invalid_response", "response"),
    "ERR_UNSAFE_REDIRECT": ("http_invalid_response", "response"),
    "ERR_INVALID_RESPONSE": ("http_invalid_response", "response"),
    "ERR_RESPONSE_HEADERS_TOO_BIG": ("http_invalid_response", "response"),
    "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH": ("http_invalid_response", "response"),
    "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION": ("http_invalid_response", "response"),
    "ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION": ("http_invalid_response", "response"),
    "ERR_HTTP2_PROTOCOL_ERROR": ("http_invalid_response", "response"),
    "ERR_TOO_MANY_REDIRECTS": ("http_redirect_limit", "response"),
    "ERR_TIMED_OUT": ("generic_timeout_error", "response"),
    "ERR_CONNECTION_TIMED_OUT": ("generic_timeout_error", "connect"),
}

_SHOWN: dict[str, tuple[str, str]] = {
    "connection_refused": ("ERR_CONNECTION_REFUSED", "ConnectionRefused"),
    "connection_reset": ("ERR_CONNECTION_RESET", "ConnectionReset"),
    "connection_aborted": ("ERR_CONNECTION_ABORTED", "ConnectionAborted"),
    "eof_error": ("ERR_CONNECTION_CLOSED", "ConnectionClosed"),
    "generic_timeout_error": ("ERR_TIMED_OUT", "TimedOut"),
    "timed_out": ("ERR_TIMED_OUT", "TimedOut"),
    "host_unreachable": ("ERR_ADDRESS_UNREACHABLE", "AddressUnreachable"),
    "network_unreachable": ("ERR_ADDRESS_UNREACHABLE", "AddressUnreachable"),
    "network_down": ("ERR_INTERNET_DISCONNECTED", "InternetDisconnected"),
}
_NOT_RESOLVED = ("ERR_NAME_NOT_RESOLVED", "NameNotResolved")


def error_in(text: str) -> str:
    """Return the name of the error in a message of the browser, such as ``ERR_EMPTY_RESPONSE``."""
    found = _NAME.search(text)
    return found[1] if found else ""


def failure_for(error: str) -> Failure:
    """Return the failure for an error of the browser; one of the instrument for those unknown."""
    stage: Stage
    name, stage = _FAILURES.get(error, ("", "response"))
    if not name and error.startswith(CERTIFICATE):
        name, stage = "ssl_invalid_certificate", "tls"
    elif not name and error.startswith((TLS, "ERR_ECH_")):
        name, stage = "ssl_failed_handshake", "tls"
    elif not name:
        name, stage = "instrument_error", "instrument"
    return Failure(name=name, stage=stage, detail=error)


def shown_error(failure: Failure) -> tuple[str, str] | None:
    """Return the error that a browser would show for a connection that was not opened.

    With the reason by which the DevTools protocol calls it (``Network.ErrorReason``). None for a
    proxy's refusal, and for what has no page of its own.
    """
    if failure.stage in ("tunnel", "proxy_connect", "instrument"):
        return None
    if failure.stage == "resolve":
        return _NOT_RESOLVED
    return _SHOWN.get(failure.name)
