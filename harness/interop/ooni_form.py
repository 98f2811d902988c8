"""The parts of an OONI measurement that are read, in all forms that probes have written.

Everything but the input may be absent or null, in ten years of files. ``ExtraFacts`` holds the
facts that OONI's format has no keys for.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from harness.interop.record import Side
from harness.model.facts import Certificate, Hop, WebFacts
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
"""Texts to search for in ``unknown_failure: ...``, the most specific first."""

UNKNOWN = "http_invalid_response"


def failure_from(name: str, stage: Stage) -> Failure:
    """Return our failure for a name of OONI's, which is kept as the detail."""
    known = name.strip()
    if known in FAILURES:
        return Failure(name=known, stage=stage)
    if known in OLD_NAMES:
        return Failure(name=OLD_NAMES[known], stage=stage, detail=known)
    lower = known.lower()
    found = next((ours for mark, ours in MARKS if mark in lower), UNKNOWN)
    detail = "wrong version" if "first record" in lower else known[:200]
    return Failure(name=found, stage=stage, detail=detail)


class Answer(msgspec.Struct, kw_only=True):
    """One answer of a DNS query (df-002)."""

    answer_type: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    hostname: str | None = None
    asn: int | None = None


class Query(msgspec.Struct, kw_only=True):
    """One DNS query (df-002)."""

    hostname: str | None = None
    engine: str | None = None
    query_type: str | None = None
    failure: str | None = None
    answers: list[Answer] | None = None
    tags: list[str] | None = None


class Request(msgspec.Struct, kw_only=True):
    """The request of an HTTP transaction (df-001)."""

    url: str | None = None


class Response(msgspec.Struct, kw_only=True):
    """The response of an HTTP transaction (df-001)."""

    code: int | None = None
    body: Any = None
    headers: Any = None
    headers_list: Any = None


class Transaction(msgspec.Struct, kw_only=True):
    """One HTTP transaction; lists of them begin with the latest."""

    address: str | None = None
    failure: str | None = None
    request: Request | None = None
    response: Response | None = None
    x_accredit: ExtraFacts | None = None


class Connected(msgspec.Struct, kw_only=True):
    """How a TCP connection went (df-005)."""

    failure: Any = None
    success: bool | None = None
    status: bool | None = None


class Connect(msgspec.Struct, kw_only=True):
    """One TCP connection (df-005)."""

    ip: str | None = None
    port: int | None = None
    status: Connected | None = None


class Handshake(msgspec.Struct, kw_only=True):
    """One TLS handshake (df-006)."""

    server_name: str | None = None
    address: str | None = None
    failure: str | None = None
    no_tls_verify: bool | None = None
    peer_certificates: list[Any] | None = None


class ControlPage(msgspec.Struct, kw_only=True):
    """What the test helper saw of the page; -1 means that there is no value."""

    body_length: int | None = None
    failure: str | None = None
    title: str | None = None
    headers: Any = None
    status_code: int | None = None
    x_accredit: ExtraFacts | None = None


class ControlDns(msgspec.Struct, kw_only=True):
    """What the test helper saw of the name."""

    failure: str | None = None
    addrs: list[str] | None = None


class AddressKnown(msgspec.Struct, kw_only=True):
    """What the test helper knows of an address; see ``VALID`` in ``harness.interop.ooni``."""

    asn: int | None = None
    flags: int | None = None


class Control(msgspec.Struct, kw_only=True):
    """The test helper's answer."""

    dns: ControlDns | None = None
    http_request: ControlPage | None = None
    tcp_connect: dict[str, Connected] | None = None
    tls_handshake: dict[str, Connected] | None = None
    ip_info: dict[str, AddressKnown] | None = None


class Keys(msgspec.Struct, kw_only=True):
    """``test_keys`` of web_connectivity."""

    control: Control | None = None
    control_failure: str | None = None
    queries: list[Query] | None = None
    requests: list[Transaction] | None = None
    tcp_connect: list[Connect] | None = None
    tls_handshakes: list[Handshake] | None = None
    dns_consistency: str | None = None
    dns_experiment_failure: str | None = None
    http_experiment_failure: str | None = None


class Measurement(msgspec.Struct, kw_only=True):
    """The envelope (df-000)."""

    input: str | None = None
    test_name: str = ""
    id: str | int | None = None
    measurement_uid: str | None = None
    report_id: str | None = None
    measurement_start_time: str | None = None
    software_name: str | None = None
    software_version: str | None = None
    test_keys: Keys | None = None


_TOKEN = re.compile(r"ACCREDIT-TOKEN-[0-9A-F]*|(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
"""The form of tokens, also of those in older journals."""


class ExtraFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of one web answer by their names in ``WebFacts``, and where and why it failed.

    ``None``: in one of OONI's own keys, or unknown.
    """

    stage: Stage | None = None
    detail: str = ""
    certificate: Certificate | None = None
    url: str | None = None
    tunnel_status: int | None = None
    hops: tuple[Hop, ...] | None = None
    peer: str | None = None
    title: str | None = None
    text: str | None = None
    frames: tuple[str, ...] | None = None
    body_length: int | None = None
    body_sha256: str | None = None
    truncated: bool | None = None
    choices: tuple[str, ...] | None = None


SERVICE = (
    "tunnel_status", "peer", "title", "text", "frames", "body_length", "body_sha256", "truncated",
    "choices",
)  # fmt: skip
"""Facts that OONI's format has no key for in a transaction, if the body is not written."""


CONTROL = (
    "url", "tunnel_status", "hops", "peer", "text", "frames", "body_sha256", "truncated", "choices",
)  # fmt: skip
"""Facts that OONI's format has no key for in the test helper's answer."""


def extra_facts(side: Side, names: tuple[str, ...]) -> ExtraFacts:
    """Return the facts of one side, by these ``names``, that go beyond OONI's keys."""
    facts, failure = side.facts, side.failure
    web = _without_token(facts) if isinstance(facts, WebFacts) else None
    return ExtraFacts(
        stage=failure.stage if failure is not None else None,
        detail=failure.detail if failure is not None else "",
        certificate=web.certificate if web is not None else None,
        **{name: getattr(web, name) for name in names if web is not None},
    )


def _without_token(web: WebFacts) -> WebFacts:
    return msgspec.structs.replace(
        web, title=_TOKEN.sub("", web.title), text=_TOKEN.sub("", web.text)
    )


def with_extra_facts(side: Side, extra: ExtraFacts | None) -> Side:
    """The side with the facts that go beyond OONI's keys; unchanged if there are none."""
    if extra is None:
        return side
    facts, failure = side.facts, side.failure
    if isinstance(facts, WebFacts):
        named = {name: getattr(extra, name) for name in (*SERVICE, *CONTROL)}
        held = {name: value for name, value in named.items() if value is not None}
        facts = msgspec.structs.replace(facts, certificate=extra.certificate, **held)
    if failure is not None and extra.stage is not None:
        failure = Failure(name=failure.name, stage=extra.stage, detail=extra.detail)
    return Side(facts=facts, failure=failure)
