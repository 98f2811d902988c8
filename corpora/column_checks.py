"""What a cell of an item table must be, column by column and kind by kind."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import get_args

from corpora import hostnames
from harness.errors import known
from harness.model.campaign import PHASES
from harness.model.corpus import ItemKind, Layer, Sensitivity

Says = Callable[[str], object]
"""Whether a cell that is not empty is right: true or false in the wide sense."""


def _is_among(allowed: Sequence[str]) -> tuple[Says, str]:
    return frozenset(allowed).__contains__, known(allowed)


def _is_like(pattern: str, wanted: str) -> tuple[Says, str]:
    return re.compile(pattern).fullmatch, wanted


def _is_between(low: float, high: float, wanted: str) -> tuple[Says, str]:
    def says(text: str) -> bool:
        try:
            number = float(text)
        except ValueError:
            return False
        return math.isfinite(number) and low <= number <= high

    return says, wanted


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


CHECKS: dict[str, tuple[Says, str]] = {
    "id": _is_like(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", "letters, digits and . _ : -"),
    "value_hmac": _is_like(
        r"hmac-sha256:[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}", "hmac-sha256:<key id>:<64 hex digits>"
    ),
    "kind": _is_among(get_args(ItemKind)),
    "label_confidence": _is_between(0, 1, "a number from 0 to 1"),
    "phases": (lambda text: text == "*" or set(text.split("|")) <= set(PHASES), known(PHASES)),
    "applies_to": _is_among(get_args(Layer)),
    "weight": _is_between(math.ulp(0), 1e12, "a positive number"),
    "lang": _is_like(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "a BCP 47 tag such as en-GB"),
    "country": _is_like(r"[A-Z]{2}", "an ISO 3166 code such as GB"),
    "first_seen": (_is_date, "a date such as 2026-11-24"),
    "last_verified": (_is_date, "a date such as 2026-11-24"),
    "verify_status": _is_among(("alive", "dead", "parked", "moved", "changed", "unchecked")),
    "content_hash": _is_like(r"(sha256:)?[0-9a-f]{64}", "a SHA-256 in hexadecimal digits"),
    "sensitivity": _is_among(get_args(Sensitivity)),
}
"""What a cell that is not empty must be, column by column, and how to say so."""


def _is_url(text: str) -> bool:
    try:
        hostnames.to_address(text)
    except hostnames.BadName:
        return False
    return True


VALUES: dict[str, tuple[Says, str]] = {
    "url": (_is_url, "an http or https URL without blanks"),
    "host": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "suffix": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "ip": (hostnames.is_address, "an IPv4 or IPv6 address"),
    "cidr": (hostnames.is_network, "a network such as 192.0.2.0/24"),
}
"""What a value must be, kind by kind; a recipe or vector is a name of our own."""
