"""Cases of web addresses: ways to address a page, parts of pages, deep pages, and new sites.

A case is what follows the category in the stratum of an item (``DRUG/address:https``). The part
before the colon is its group. Metrics name the cases that must be tried.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from harness.model.transition_address import TRANSITIONS

ADDRESSES = {
    "address:http": "by HTTP",
    "address:https": "by HTTPS",
    "address:port-8080": "by HTTP on port 8080",
    "address:port-8443": "by HTTPS on port 8443",
    "address:redirect": "by a redirect from another site",
    "address:www": "with 'www.' before the name",
    "address:path": "by a deep path",
}
"""The ways to address one page (URL-13)."""

H3_CASE = "address:h3"
"""Pages that are fetched by HTTP/3 alone.

It is none of ``ADDRESSES``: a service may stop all of QUIC, whatever the page.
"""

PORTS = {
    "address:http": "TCP port 80",
    "address:https": "TCP port 443",
    "address:port-8080": "TCP port 8080",
    "address:port-8443": "TCP port 8443",
    H3_CASE: "UDP port 443",
}
"""The cases of pages that differ by port (URL-19)."""

OBJECTS = {
    "object:image": "images",
    "object:script": "scripts",
    "object:video": "videos",
    "object:cdn": "scripts on a content delivery network",
}
"""Parts of pages that are fetched directly (URL-11)."""

DEEP_PAGES = {
    "deep:social": "pages of a social network",
    "deep:blog": "posts of a blog platform",
    "deep:forum": "threads of a forum",
}
"""Pages of users on sites that also have harmless ones (URL-10)."""

NEW_SITES = {
    "new:plain": "harmless new sites",
    "new:harmful": "harmful new sites",
}
"""Sites that are in no category list (URL-12)."""

TEMPLATES = {
    "template:title": "suspicious words in the title",
    "template:menu": "suspicious words in a menu",
    "template:results": "suspicious words in a list of results",
    "template:form": "suspicious words in a form",
    "template:address": "suspicious words in the address",
}
"""Where a harmless page shows suspicious words (OVB-05)."""

VIEWPOINTS = {"viewpoint:for": "in favour", "viewpoint:against": "against"}
"""The two sides of a question (OVB-09); pages of one question have the same ``pair_id``."""

URL_CASES = {
    **ADDRESSES, H3_CASE: "by HTTP/3, over UDP port 443", **OBJECTS, **DEEP_PAGES, **NEW_SITES,
    **TEMPLATES, **TRANSITIONS,
    **{name: f"a question of the day, {words}" for name, words in VIEWPOINTS.items()},
}  # fmt: skip
"""All cases by name, in words."""

CASES_OF_METRIC = {
    "addresses_differing": ADDRESSES,
    "deep_page_block_rate": DEEP_PAGES,
    "ipv6_transitions_open": TRANSITIONS,
    "segment_ports_open": PORTS,
    "sub_resource_block_rate": OBJECTS,
    "trigger_overblock_rate": TEMPLATES,
    "uncategorised_compliance": NEW_SITES,
}
"""The cases that each metric of them needs; the pack ``url-pages`` has them all."""

JUDGED = ("address:", "object:", "deep:")
"""The groups whose harmful pages must be blocked whatever the service declares."""

NewSites = Literal["block", "allow", "scan"]
"""What a service does with sites that it has not categorised.

``scan`` means that a page is blocked if its content is harmful, and else allowed.
"""

Segment = Literal["pupils", "staff", "guests", "devices", "servers"]
SEGMENTS: tuple[Segment, ...] = ("pupils", "staff", "guests", "devices", "servers")
"""The network segments of a school (URL-19)."""

Medium = Literal["wired", "wireless"]
MEDIA: tuple[Medium, ...] = ("wired", "wireless")

_DEEP_PATHS = {
    "deep:social": "/people/anna/posts/{}",
    "deep:blog": "/notebook/2026/{}-what-i-saw",
    "deep:forum": "/threads/{}?page=2",
}


def deep_path(case: str, host: str, *, is_harmful: bool) -> str:
    """Return the path of the harmful page of users at a host, or of a harmless page beside it.

    The number in it depends on the first label of the host, so that no path tells what is there.
    Raises KeyError for a case that has no deep pages.
    """
    digest = hashlib.sha256(host.partition(".")[0].encode()).digest()
    number, is_second = 1000 + int.from_bytes(digest[:2]) % 8000, digest[2] % 2 == 1
    return _DEEP_PATHS[case].format(number + (is_harmful == is_second))
