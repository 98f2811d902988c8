"""Names of failures as OONI's probes have written them over the years, as ours.

Modern probes follow df-007-errors, whose names we share; the Python probe (until 2020) and the
test helper wrote others. A name that is not known stays a failure that tells nothing.
"""

from __future__ import annotations

from harness.model.observation import FAILURES, Failure, Stage

OLD_NAMES = {
    "address_family_not_supported_error": "address_family_not_supported",
    "android_dns_cache_no_data": "dns_no_answer",
    "connect_error": "host_unreachable",
    "connection_lost_error": "eof_error",
    "connection_refused_error": "connection_refused",
    "connection_reset_error": "connection_reset",
    "deferred_timeout_error": "generic_timeout_error",
    "dns_lookup_error": "dns_nxdomain_error",
    "dns_name_error": "dns_nxdomain_error",
    "dns_nodata_error": "dns_no_answer",
    "dns_server_failure": "dns_servfail_error",
    "dns_timeout_error": "generic_timeout_error",
    "host_unreachable_error": "host_unreachable",
    "interrupted": "operation_canceled",
    "network_unreachable_error": "network_unreachable",
    "no_answer": "dns_no_answer",
    "operation_timed_out": "timed_out",
    "response_never_received": "eof_error",
    "ssl_error": "ssl_failed_handshake",
    "ssl_handshake_failed": "ssl_failed_handshake",
    "tcp_timed_out_error": "generic_timeout_error",
    "timeout": "generic_timeout_error",
    "timeout_error": "generic_timeout_error",
    "tls_handshake_error": "ssl_failed_handshake",
    "user_timeout_error": "generic_timeout_error",
}

MARKS = (
    ("connection reset", "connection_reset"),
    ("reset by peer", "connection_reset"),
    ("connection refused", "connection_refused"),
    ("no such host", "dns_nxdomain_error"),
    ("no route to host", "host_unreachable"),
    ("network is unreachable", "network_unreachable"),
    ("unrecognized name", "tls_alert"),
    ("remote error: tls", "tls_alert"),
    ("tls: alert", "tls_alert"),
    ("first record does not look like a tls handshake", "ssl_failed_handshake"),
    ("wrong version number", "ssl_failed_handshake"),
    ("handshake failure", "tls_alert"),
    ("unknown authority", "ssl_unknown_authority"),
    ("certificate is valid for", "ssl_invalid_hostname"),
    ("certificate has expired", "ssl_invalid_certificate"),
    ("x509", "ssl_invalid_certificate"),
    ("timed out", "generic_timeout_error"),
    ("timeout", "generic_timeout_error"),
    ("eof", "eof_error"),
    ("stopped after 10 redirects", "http_redirect_limit"),
)
"""What to look for in ``unknown_failure: ...``, most telling first."""

UNKNOWN = "http_invalid_response"


def failure_from(name: str, stage: Stage) -> Failure:
    """Our failure for somebody's name of one; the name itself is kept as the detail."""
    known = name.strip()
    if known in FAILURES:
        return Failure(name=known, stage=stage)
    if known in OLD_NAMES:
        return Failure(name=OLD_NAMES[known], stage=stage, detail=known)
    lower = known.lower()
    found = next((ours for mark, ours in MARKS if mark in lower), UNKNOWN)
    detail = "wrong version" if "first record" in lower else known[:200]
    return Failure(name=found, stage=stage, detail=detail)
