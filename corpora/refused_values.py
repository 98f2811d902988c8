"""Values that no list may bring: private addresses, and URLs with blanks in them.

Measuring with such a list would send requests into the assessor's own network
(docs/design/dd-012). What a probe makes by itself (kinds ``recipe``
and ``vector``) is no address, and is not looked at.
"""

from __future__ import annotations

import ada_url

from corpora.hostnames import BLANK
from harness.model.private_address import has_blank, is_public, is_public_network

PRIVATE = "private address or name"


def why_refused(kind: str, value: str) -> str:
    """Why a value of a kind of item is refused; empty if it is not.

    What is no value of its kind at all is for others to refuse.
    """
    if kind == "url":
        if has_blank(value):
            return BLANK
        host = _host_of(value)
        return PRIVATE if host and not is_public(host) else ""
    if kind in ("host", "suffix", "ip"):
        return "" if is_public(value) else PRIVATE
    if kind == "cidr":
        return "" if _is_public_network(value) else PRIVATE
    return ""


def _host_of(value: str) -> str:
    """The host of a URL as a browser reads it, also without its scheme; empty if it has none."""
    try:
        return ada_url.URL(value if "://" in value else f"http://{value}").hostname
    except ValueError:
        return ""


def _is_public_network(value: str) -> bool:
    try:
        return is_public_network(value)
    except ValueError:
        return True
