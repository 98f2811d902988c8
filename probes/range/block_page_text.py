"""The reference filter's block page: what it states, and how each part can be left out or broken.

It states reason, category, policy, reference and appeal, escapes the address that it shows, and
loads nothing. ``PageFlaw`` names what a fault can break.
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Collection
from typing import Literal, get_args
from urllib.parse import unquote

from probes.range.zone import BLOCK_HOST

PageFlaw = Literal[
    "reason", "category", "policy", "reference", "appeal",
    "cacheable", "unescaped", "tracker", "wording", "help", "language",
]  # fmt: skip
PAGE_FLAWS: tuple[str, ...] = get_args(PageFlaw)
"""What a fault can leave out of the block page, or break in it."""

TITLE = "Access to this page is blocked"
TRACKER = "counter.analytics.test"
"""The host of a third party that the page contacts if it is broken so."""
ILLEGAL = "ILL.CSAM"
REUSE = (("Cache-Control", "public, max-age=86400"),)

_ABUSE = (
    "This page may contain indecent images of children, which are illegal, as identified by the "
    "Internet Watch Foundation."
)
_HELP = (
    "If you are worried about what you or somebody else looks at, you can get "
    '<a href="https://www.stopitnow.org.uk/">confidential help from Stop It Now</a>.'
)


def block_document(
    host: str, category: str, policy: str = "", path: str = "/", flaws: Collection[str] = ()
) -> bytes:
    """Return the HTML of the block page for a host and path (with its query, as sent)."""
    shown = unquote(f"http://{host}{path}")
    reference = zlib.crc32(f"{host} {category}".encode())
    lines = {
        "": f"Access to {html.escape(host)} has been denied by the internet filter.",
        "reason": "Reason: your school's policy does not allow it.",
        "category": f"Category: {html.escape(category or 'local list')}.",
        "policy": f"Policy in force: {html.escape(policy or 'school')}.",
        "reference": f"Reference: {reference}.",
    }
    if path != "/":
        address = shown if "unescaped" in flaws else html.escape(shown)
        lines["address"] = f"Address: {address}"
    if category.startswith(ILLEGAL):
        lines |= {"wording": _ABUSE, "help": _HELP}
    lines["appeal"] = (
        "If this is wrong, tell your teacher, or "
        f'<a href="http://{BLOCK_HOST}/appeal?reference={reference}">appeal</a>.'
    )
    parts = "\n".join(f"<p>{line}</p>" for name, line in lines.items() if name not in flaws)
    if "tracker" in flaws:
        parts += f'\n<script async src="https://{TRACKER}/count.js"></script>'
    language = "" if "language" in flaws else ' lang="en-GB"'
    return (
        f'<!DOCTYPE html>\n<html{language}>\n<head><meta charset="utf-8">'
        f"<title>{TITLE}</title></head>\n<body>\n<main>\n<h1>{TITLE}</h1>\n{parts}\n</main>\n"
        "</body>\n</html>\n"
    ).encode()
