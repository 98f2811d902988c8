"""Words for codes: categories, ways of blocking, states, decision rules, sources of thresholds.

Codes stay in JSON and CSV; the terminal, the HTML report and pytest show these words.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from importlib import resources

from harness.model.decision import Status
from harness.model.scheme import Threshold

SEVERITIES = {"Crit": "critical", "Maj": "major", "Min": "minor", "Obs": "observation"}
PROVENANCE_MEANINGS = {
    "seen": "the number is in a published source that we have read",
    "reported": "the number is widely quoted, and we have not seen the original",
    "proposed": "no source states a number, and Accredit proposes this one",
}
PROVENANCES = {
    "seen": "a published source",
    "reported": "widely reported (we have not seen the original)",
    "proposed": "proposed by this project",
}
SHORT_PROVENANCES = {
    "seen": "published",
    "reported": "widely reported",
    "proposed": "proposed",
}
SOURCES = {
    "ACMA08": "ACMA 2008",
    "AMT": "Anti-Malware.ru",
    "AVC": "AV-Comparatives",
    "BECTA": "Becta",
    "BECTA-GUIDE": "Becta guide",
    "DFE": "Department for Education",
    "ENEX09": "Enex TestLab 2009",
    "IWF-GP": "IWF good practice",
    "METHOD": "Accredit's method",
    "NETALERT05": "NetAlert 2005",
    "UKSIC16": "UK Safer Internet Centre 2016",
    "UKSIC24": "UK Safer Internet Centre 2024",
}
"""Names of sources by their code in the requirement catalogue; other codes stay as they are."""
RULES = {
    "guarded": "decided by confidence bounds",
    "quantile": "decided by confidence bounds",
    "noninferiority": "decided by confidence bounds",
    "survival": "decided by confidence bounds",
    "availability": "decided by confidence bounds",
    "sequential": "decided by a stopping plan",
    "census": "every item counts",
    "functional": "every item counts",
    "grade": "every item counts",
    "gate": "condition of the test",
    "evidence": "stated by two people",
    "report": "for information only",
}
"""How each decision rule decides, in a few words."""

STATUSES: dict[Status, str] = {
    Status.ACCREDITED: "Accredited",
    Status.WITH_ACTION_PLAN: "Accredited with action plan",
    Status.NOT_YET: "Not accredited now",
    Status.UNDER_REVIEW: "Under review",
    Status.SUSPENDED: "Suspended",
    Status.TERMINATED: "Given up by the supplier",
    Status.WITHDRAWN: "Withdrawn",
    Status.EXPIRED: "Expired",
}
"""What an accreditation can be, as people call it."""

SCHEMES = {
    "acma-2008": "ACMA 2008",
    "amt-awards": "Anti-Malware.ru awards",
    "avc-parental": "AV-Comparatives parental control",
    "becta-2008": "Becta 2008",
    "cipa-us": "CIPA (United States)",
    "dfe-2024": "DfE 2024",
    "enex-2009": "Enex 2009",
    "iwf-member": "IWF membership",
    "strict": "strict",
    "surveillance": "surveillance",
    "uksic-2024": "UKSIC 2024",
}
"""Short names of the shipped schemes; another one is called by its id."""

AREAS = {
    "alerting": "Safeguarding alerts",
    "availability": "Availability",
    "blockpage": "Block pages",
    "circumvent": "Ways round the filter",
    "device": "Devices",
    "dns": "Name servers",
    "dynamic": "Content of pages",
    "email": "Mail",
    "harness": "Quality of the test",
    "illegal": "Illegal content",
    "ipv6": "IPv6",
    "logging": "Records",
    "malware": "Viruses",
    "overblock": "Sites that must stay open",
    "perf": "Speed",
    "policy": "Policies",
    "privacy": "Privacy",
    "search": "Search",
    "security": "Security",
    "support": "Support",
    "tls": "Encryption",
    "update": "Updates",
    "upload": "Uploads",
    "url": "Harmful websites",
}
"""Names of the catalogue's areas; another one is called by its code."""

TEST_LISTS = {
    "ILL": "Illegal content (test entries)",
    "ILL.CSAM": "Child sexual abuse list (test entries)",
    "ILL.TERR": "Terrorist content list (test entries)",
}
"""Names of categories whose items are harmless entries of a test list, never of the real list."""

LINE_TYPES = {
    "control": "unfiltered",
    "explicit_proxy": "by proxy",
    "interface": "through a network interface",
    "pac": "by a PAC file",
    "resolver": "by name server",
    "simulated": "simulated",
}
"""How a line leads to the service, by its type."""

MECHANISMS = {
    "none": "not blocked",
    "dns_nxdomain": "the name server said that the name does not exist",
    "dns_nodata": "the name server gave no address for the name",
    "dns_sinkhole": "the name server gave a false address for the name",
    "dns_refused": "the name server refused to answer",
    "dns_servfail": "the name server failed",
    "dns_silent": "the name server did not answer",
    "proxy_refusal": "the proxy refused the connection",
    "block_page": "a block page was shown",
    "http_451": "blocked for legal reasons (status 451)",
    "redirect": "sent to another page",
    "tcp_reset": "the connection was cut off",
    "tcp_refused": "the connection was refused",
    "tcp_eof": "the connection was closed early",
    "icmp_unreachable": "the network reported the address as unreachable",
    "tls_alert": "encryption was refused",
    "tls_intercept_page": "a block page was shown inside the encrypted connection",
    "silent_drop": "no answer came",
    "safe_mode": "the search engine was held in its safe mode",
    "other": "another way",
    "inside_block_page": "it came inside a block page, which was shown in its place",
    "hidden": "it came, but another page was shown",
}
"""Ways of blocking in words for head teachers."""

FAILURES = {
    "address_family_not_supported": "this machine has no address of that kind",
    "connection_aborted": "the connection was cut off",
    "connection_already_in_progress": "a connection was already being opened",
    "connection_refused": "the connection was refused",
    "connection_reset": "the connection was cut off",
    "dns_bogon_error": "the name server gave an address that leads nowhere",
    "dns_no_answer": "the name server gave no address for the name",
    "dns_non_recoverable_failure": "the name server failed",
    "dns_nxdomain_error": "the name server said that the name does not exist",
    "dns_refused_error": "the name server refused to answer",
    "dns_server_misbehaving": "the name server gave no sensible answer",
    "dns_servfail_error": "the name server failed",
    "dns_temporary_failure": "the name server failed for the moment",
    "eof_error": "the connection was closed early",
    "generic_timeout_error": "no answer came in time",
    "host_unreachable": "the network reported the address as unreachable",
    "http_invalid_response": "the answer was not valid HTTP",
    "http_redirect_limit": "the answer led on too many times",
    "instrument_error": "our own equipment failed",
    "instrument_list_program": "the program of the sealed list failed",
    "instrument_local_address": "our own equipment had no free address",
    "instrument_no_descriptors": "our own equipment had too many open connections",
    "instrument_no_memory": "our own equipment had too little memory",
    "instrument_overload": "our own equipment was overloaded",
    "network_down": "the network was down",
    "network_unreachable": "the network could not be reached",
    "not_connected": "there was no connection",
    "operation_canceled": "the attempt was cancelled",
    "permission_denied": "this machine was not permitted to connect",
    "private_address": "the name led to a private address, which was not visited",
    "proxy_authentication_required": "the proxy asked for a name and password",
    "proxy_autoconfig_failed": "the PAC file could not be used",
    "proxy_refused_tunnel": "the proxy refused the connection",
    "ssl_failed_handshake": "the TLS handshake failed",
    "ssl_invalid_certificate": "the certificate was not valid",
    "ssl_invalid_hostname": "the certificate was for another name",
    "ssl_unknown_authority": "the certificate was of an unknown authority",
    "timed_out": "no answer came in time",
    "tls_alert": "encryption was refused",
}
"""Failures in words, by their names in the closed list."""

STAGES = {
    "resolve": "looking the name up",
    "proxy_connect": "connecting to the proxy",
    "tunnel": "asking the proxy for a tunnel",
    "connect": "connecting",
    "tls": "opening TLS",
    "request": "sending the request",
    "response": "reading the answer",
    "instrument": "before anything was sent",
}
"""The stage of an attempt at which it failed, in words."""

STATES = {
    "allowed": "let through",
    "blocked": "blocked",
    "altered": "changed on the way",
    "down": "site down",
    "insufficient": "undecided",
}

_MARK = re.compile(r"\s*\[[SMP](?:/[SMP])*(?:[ ,:][^\]]*)?\]")
_CATEGORY = re.compile(r"\b[A-Z]{3,5}(?:\.[A-Z0-9]+)?\b")
_CODE = re.compile(r"[A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*")


def source_of(limit: Threshold) -> str:
    """Where a threshold comes from: "widely reported (we have not seen the original): Becta"."""
    source = _CODE.sub(lambda code: SOURCES.get(code[0], code[0]), without_marks(limit.source))
    source, provenance = source.removesuffix("."), PROVENANCES[limit.provenance]
    return f"{provenance}: {source}" if source and source != provenance else provenance


def without_marks(text: str) -> str:
    """A text of the catalogue without its marks of provenance, such as ``[S]`` or ``[P]``."""
    parts = (_MARK.sub("", part).strip() for part in text.split("; "))
    return "; ".join(filter(None, parts))


def category_name(code: str, names: Mapping[str, str] | None = None) -> str:
    """The name of a category in ``names``, else in the taxonomy, else the code itself.

    Reads the taxonomy's table as a file, because reports do not import corpora.
    """
    return (names or {}).get(code) or _categories().get(code, code)


def with_names(text: str) -> str:
    """The text with the names of categories in place of their codes."""
    return _CATEGORY.sub(lambda code: category_name(code[0]), text)


def capitalised(text: str) -> str:
    """A text with a capital letter in front."""
    return text[:1].upper() + text[1:]


def framed(text: str, frame: str) -> str:
    """The text with its sampling frame, where items have different weights."""
    return f"{text}, {frame}" if frame else text


def mechanism_name(code: str) -> str:
    """A mechanism in plain words, or the code itself."""
    return MECHANISMS.get(code, code)


@functools.cache
def _categories() -> dict[str, str]:
    try:
        table = resources.files("corpora").joinpath("data", "taxonomy.csv")
        rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
        return {row["code"]: row["name"] for row in rows}
    except (OSError, ModuleNotFoundError, KeyError):
        return {}
