"""Errors of Chromium become the failures that all probes use, and back where we know more."""

from __future__ import annotations

import pytest

from harness.model.observation import Failure, Stage
from probes.net.net_errors import error_in, failure_for, shown_error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Page.goto: net::ERR_EMPTY_RESPONSE at http://a/", "ERR_EMPTY_RESPONSE"),
        ("net::ERR_HTTP2_PROTOCOL_ERROR", "ERR_HTTP2_PROTOCOL_ERROR"),
        ("Download is starting", ""),
    ],
)
def test_the_error_is_found_in_a_message(message: str, error: str) -> None:
    assert error_in(message) == error


@pytest.mark.parametrize(
    ("error", "name", "stage"),
    [
        ("ERR_CERT_AUTHORITY_INVALID", "ssl_unknown_authority", "tls"),
        ("ERR_CERT_COMMON_NAME_INVALID", "ssl_invalid_hostname", "tls"),
        ("ERR_CERT_DATE_INVALID", "ssl_invalid_certificate", "tls"),
        ("ERR_SSL_PROTOCOL_ERROR", "ssl_failed_handshake", "tls"),
        ("ERR_ECH_FALLBACK_CERTIFICATE_INVALID", "ssl_failed_handshake", "tls"),
        ("ERR_SSL_VERSION_OR_CIPHER_MISMATCH", "tls_alert", "tls"),
        ("ERR_CONNECTION_RESET", "connection_reset", "response"),
        ("ERR_EMPTY_RESPONSE", "eof_error", "response"),
        ("ERR_TOO_MANY_REDIRECTS", "http_redirect_limit", "response"),
        ("ERR_INSUFFICIENT_RESOURCES", "instrument_error", "instrument"),
        ("", "instrument_error", "instrument"),
    ],
)
def test_an_error_is_a_failure_with_its_name(error: str, name: str, stage: Stage) -> None:
    assert failure_for(error) == Failure(name=name, stage=stage, detail=error)


@pytest.mark.parametrize(
    ("name", "stage", "shown"),
    [
        ("dns_nxdomain_error", "resolve", "ERR_NAME_NOT_RESOLVED"),
        ("generic_timeout_error", "resolve", "ERR_NAME_NOT_RESOLVED"),
        ("generic_timeout_error", "connect", "ERR_TIMED_OUT"),
        ("connection_refused", "connect", "ERR_CONNECTION_REFUSED"),
        ("connection_refused", "proxy_connect", None),
        ("proxy_refused_tunnel", "tunnel", None),
        ("private_address", "connect", None),
        ("instrument_error", "instrument", None),
    ],
)
def test_a_browser_shows_an_error_of_its_own_for_what_is_not_reached(
    name: str, stage: Stage, shown: str | None
) -> None:
    found = shown_error(Failure(name=name, stage=stage))

    assert (found and found[0]) == shown
