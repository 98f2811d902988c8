"""Failure names, and the sets of failures and codes that measuring and judging tell apart.

The names follow OONI df-007-errors; failures of our own equipment are named ``instrument_*``.
"""

from __future__ import annotations

FAILURES = frozenset(
    {
        "address_family_not_supported",
        "connection_already_in_progress",
        "connection_aborted",
        "connection_refused",
        "connection_reset",
        "dns_bogon_error",
        "dns_no_answer",
        "dns_non_recoverable_failure",
        "dns_nxdomain_error",
        "dns_refused_error",
        "dns_server_misbehaving",
        "dns_servfail_error",
        "dns_temporary_failure",
        "eof_error",
        "generic_timeout_error",
        "host_unreachable",
        "http_invalid_response",
        "http_redirect_limit",
        "network_down",
        "network_unreachable",
        "not_connected",
        "operation_canceled",
        "permission_denied",
        "private_address",
        "proxy_authentication_required",
        "proxy_autoconfig_failed",
        "proxy_refused_tunnel",
        "ssl_failed_handshake",
        "ssl_invalid_certificate",
        "ssl_invalid_hostname",
        "ssl_unknown_authority",
        "tls_alert",
        "timed_out",
        "instrument_no_descriptors",
        "instrument_no_memory",
        "instrument_overload",
        "instrument_local_address",
        "instrument_error",
    }
)
"""The closed list of failure names (OONI df-007-errors, extended; never reuse a name)."""

TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
"""No answer came within the timeout of an attempt."""

ABRUPT = frozenset(
    {
        "connection_aborted",
        "connection_refused",
        "connection_reset",
        "eof_error",
        "host_unreachable",
        "network_unreachable",
        "ssl_failed_handshake",
        "tls_alert",
    }
)
"""A reset, an end of the stream, an ICMP error, a TLS handshake that was broken off."""

DNS_FAILED = frozenset(
    {
        "dns_non_recoverable_failure",
        "dns_server_misbehaving",
        "dns_servfail_error",
        "dns_temporary_failure",
    }
)
"""The resolver could not find an answer (SERVFAIL; RFC 1035 section 4.1.1)."""

RESOLVER_TROUBLE = DNS_FAILED | {"dns_refused_error"}
"""Resolver failures (SERVFAIL, REFUSED; RFC 1035 section 4.1.1), also used for rate limiting."""

OTHER_CERTIFICATES = frozenset({"ssl_invalid_hostname", "ssl_unknown_authority"})
"""Failures that show another party's certificate."""

FALSE_CERTIFICATES = OTHER_CERTIFICATES | {"ssl_invalid_certificate"}
"""Certificate failures after which the page is read nevertheless."""

LOCAL_TROUBLE = frozenset(
    {
        "address_family_not_supported",
        "connection_already_in_progress",
        "network_down",
        "not_connected",
        "operation_canceled",
        "permission_denied",
    }
)
"""Failures of the client's own network, which say nothing about the service."""

BUSY = frozenset({429, 502, 503, 504})
"""Answers of a gateway that may be overloaded (RFC 9110 section 15.6, RFC 6585 section 4)."""

BLOCK_CODES = {15: "blocked", 16: "censored", 17: "filtered", 18: "prohibited"}
"""Extended DNS errors by which a resolver says that it blocks (RFC 8914 sections 4.16 to 4.19)."""
