"""Hosts of an origin that show how a service handles TLS: ``CASE-NUMBER.tls.ZONE``.

The first label names the case; the origin answers as the case says. An item names it in its stratum
as well (``CTRL/tls:expired``). All pages are harmless and on no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from harness.model.content_form import variant_of

PART = "tls"
"""The label below a zone that these hosts are in."""

CASE = "tls:"
"""What precedes the name of a case in a stratum."""

REVOCATIONS_PATH = "/revoked.crl"
"""Where a host with a revoked certificate shows its authority's list (RFC 5280 section 5)."""

PROBE = "tls_checks"
"""The probe that tries these hosts."""

TlsGroup = Literal["certificate", "parameters", "good", "service", "undecrypted", "revocation"]


class TlsCase(NamedTuple):
    """A case: its group, and what the origin shows, in words."""

    group: TlsGroup
    words: str


CASES: dict[str, TlsCase] = {
    "expired": TlsCase("certificate", "a certificate that has expired"),
    "wrong-host": TlsCase("certificate", "a certificate of another host"),
    "self-signed": TlsCase("certificate", "a self-signed certificate"),
    "untrusted": TlsCase("certificate", "a certificate of an unknown authority"),
    "incomplete": TlsCase("certificate", "a chain without its intermediate certificate"),
    "superfish": TlsCase("certificate", "a certificate of an authority named as Superfish's"),
    "edellroot": TlsCase("certificate", "a certificate of an authority named as eDellRoot"),
    "sha1": TlsCase("certificate", "a certificate signed with SHA-1"),
    "revoked": TlsCase("revocation", "a certificate that its authority has revoked"),
    "tls10": TlsCase("parameters", "TLS 1.0"),
    "tls11": TlsCase("parameters", "TLS 1.1"),
    "dh1024": TlsCase("parameters", "a Diffie-Hellman key of 1,024 bits"),
    "static-rsa": TlsCase("parameters", "key exchange by static RSA"),
    "null": TlsCase("parameters", "no encryption (NULL)"),
    "good": TlsCase("good", "a good certificate and strong encryption"),
    "bank": TlsCase("undecrypted", "a bank"),
    "health": TlsCase("undecrypted", "a health service"),
    "client-certificate": TlsCase("service", "a server that asks for the client's certificate"),
    "pinned": TlsCase("service", "a client that trusts only the site's own authority"),
    "ecdsa": TlsCase("service", "a certificate for ECDSA on P-384"),
    "tls13-only": TlsCase("service", "a server of TLS 1.3 alone"),
    "h2-only": TlsCase("service", "a server of HTTP/2 alone"),
    "websocket": TlsCase("service", "a WebSocket"),
    "long-chain": TlsCase("service", "a chain of five certificates"),
}
"""Every case. One of the group ``good`` shows that the service carries such hosts at all."""

CASES_OF_METRIC: dict[str, tuple[TlsGroup, ...]] = {
    "bad_certificates_accepted": ("certificate", "good"),  # revoked ones are reported alone
    "certificate_errors_conveyed": ("certificate", "good"),
    "weak_crypto_accepted": ("parameters", "good"),
    "tls_downgrades": ("good",),
    "interception_grade": ("certificate", "parameters", "good"),
    "no_decrypt_compliance": ("undecrypted",),
    "interception_failures": ("service", "good"),
}
"""The groups of cases that each metric needs; ``tls_downgrades`` also needs a WebSocket."""


def cases_needed(metric: str) -> dict[str, str]:
    """Return the cases that a metric needs, in words, by what follows the category in a stratum."""
    groups = CASES_OF_METRIC.get(metric, ())
    needed = {name for group in groups for name in cases_of(group)}
    needed |= {"websocket"} if metric == "tls_downgrades" else set()
    return {f"{CASE}{name}": CASES[name].words for name in CASES if name in needed}


_LABEL = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)-\d+")


def cases_of(group: TlsGroup) -> dict[str, str]:
    """Return the cases of a group, with their words."""
    return {name: case.words for name, case in CASES.items() if case.group == group}


def tls_case(stratum: str) -> str:
    """Return the case that a stratum names; empty for others."""
    variant = variant_of(stratum)
    name = variant.removeprefix(CASE)
    return name if variant.startswith(CASE) and name in CASES else ""


def case_of_host(host: str, zones: Iterable[str]) -> str:
    """Return the case of a normalised host of an origin with these zones; empty for others."""
    for zone in zones:
        label = host.removesuffix(f".{PART}.{zone}")
        found = _LABEL.fullmatch(label) if label != host else None
        if found is not None and found[1] in CASES:
            return found[1]
    return ""
