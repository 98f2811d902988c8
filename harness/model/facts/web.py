"""What an attempt over HTTP saw."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.model.facts.base import FactsBase


class Hop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer on the way to the last page (RFC 9110 section 15.4)."""

    url: str
    status: int
    location: str = ""


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The chain that the line showed: SHA-256 of each certificate (leaf first), names."""

    chain: tuple[str, ...]
    issuer: str = ""
    subject: str = ""
    trusted: bool | None = None


class WebFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="web"):
    """What an HTTP attempt saw. ``tunnel_status`` is the proxy's reply to CONNECT.

    ``peer`` is the address that was tried, of the family that was taken, reached or not.
    ``headers`` are the chosen ones (see ``probes.kinds.web``), names in lower case.
    ``text`` is the start of the visible text, white space folded. Of S3 and S4 items, title and
    text are empty, ``frames`` and ``url`` hosts only; ``title_mark`` and ``sketch`` stand for them.
    ``frames`` are the addresses that the page frames or forwards to (frame, meta refresh,
    script). ``choices`` are those of a PAC file that were tried for the item's own URL (``PROXY
    cache.school.example:3128``, ``DIRECT``), the one that carried it last.

    ``words`` are the delivery words (``harness.model.marker``) that came where the token did
    not; of an item that is judged by its content, those of the piece that carries the marker,
    and ``page_words`` is the number of words that came from the rest of that page. ``asked``:
    a header shows that the origin was asked. ``codings`` are the content codings that were
    undone, outermost first; ``undecoded`` could not be. ``embedded`` counts what may show content
    without text (``probes.net.html_text``), ``text_length`` the characters of the visible text.
    ``inner`` are the pages that ``frames`` lead to, one level; without a status, not reached.
    ``browser`` is the profile whose requests were sent (``probes.net.browser_profiles``).
    ``sketch`` is that of all visible text, on the control line and where the page did not come.
    """

    url: str
    status: int | None = None
    tunnel_status: int | None = None
    hops: tuple[Hop, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    peer: str = ""
    certificate: Certificate | None = None
    title: str = ""
    text: str = ""
    frames: tuple[str, ...] = ()
    body_length: int | None = None
    body_sha256: str = ""
    truncated: bool = False
    canary: CanarySighting = "not_applicable"
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    page_words: int = 0
    asked: bool = False
    codings: tuple[str, ...] = ()
    undecoded: str = ""
    embedded: int = 0
    text_length: int = 0
    title_mark: str = ""
    sketch: tuple[int, ...] = ()
    browser: str = ""
    inner: tuple[WebFacts, ...] = ()


CanarySighting = Literal["seen", "elsewhere", "absent", "not_applicable"]
"""Whether the origin's token or a delivery word came. ``elsewhere``: that of the last page's own
host came, but an answer on the way to it did not come from the origin."""
