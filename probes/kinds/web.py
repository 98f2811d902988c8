"""The web probes: fetch an item's page with a browser's headers and record the response.

One class per scheme and URL variant (as given, ``www.``, apex). Redirects are followed one by one,
so that each hop is a fact; frames, meta refreshes and script redirects are followed one level deep
if the item's own page was not delivered. On the canary zone the request carries the attempt's
nonce, and the response is searched for the origin's token and words (``probes.net.delivery``).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace as replace_page
from time import perf_counter
from typing import ClassVar

from msgspec.structs import replace

from harness.model.content_form import variant_of
from harness.model.corpus import NAMED, VECTOR, Item
from harness.model.facts import PageDetails, WebFacts
from harness.model.observation import CONTROL, Failure, Timings
from harness.model.probe import ProbeDeclaration
from harness.model.search_case import cookie_of
from harness.model.sketch import BARE, Sketch, mark_of, title_mark
from harness.plugins import PROBES
from harness.ports.network import (
    Attempt,
    Exchange,
    Fetches,
    Line,
    ProbeResult,
    trusts_supplier,
)
from probes.clients.browser_check import BrowserChecks
from probes.net.browser_profiles import BrowserProfile, Headers, SentHeaders, profile_for
from probes.net.delivery import Delivery, ExpectedMarks
from probes.net.html_text import Page, PageReader, read_page, refresh_target
from probes.net.page_details import MARKED_PATH, page_details, shown_text
from probes.net.page_result import page_result, timings_of
from probes.net.plain_page import has_plain_page
from probes.net.redirects import RedirectChain, follow_redirects, url_host, web_address
from probes.net.url_target import UrlVariant, variant_host, variant_url

HEADER_CHARACTERS = 300
PART_OF_TIMEOUT = 0.8
"""Part of an attempt's time after which it no longer waits for a browser."""

MOST_PARTS = 16
"""Pictures and style sheets of a page that become facts; a page with more is not known by them."""
NOTICE = 4000
"""Characters up to which a page of other people's data is looked at in detail."""

CHOSEN_HEADERS = frozenset(
    {
        "cf-mitigated",
        "content-length",
        "content-type",
        "link",
        "location",
        "proxy-authenticate",
        "proxy-status",
        "refresh",
        "retry-after",
        "server",
        "via",
        "x-blocked-by",
        "x-cache",
        "x-powered-by",
        "x-squid-error",
        "x-proxy-error",
    }
)
"""Headers that become facts: who responded, redirect targets, and names of filters."""


PAGE = ProbeDeclaration(needs="fetch", facts="web")
"""What every web probe declares: it fetches pages, and sees all of an item."""

HIDING = (b"hidden", b"style", b"<details", b"<dialog")
"""What stands in the markup of a page that hides a part of its text."""

PLAIN_FORM = NAMED | {VECTOR}
"""Kinds of items whose page ``web`` and ``web_https`` fetch; of techniques, in the plain form."""


class WebProbe:
    """Fetches the root page of a host, or an item's own URL, by one scheme, in one variant."""

    declares: ClassVar[ProbeDeclaration]
    scheme: ClassVar[str]
    variant: ClassVar[UrlVariant] = "as_given"

    def __init__(self) -> None:
        self._pages = PageReader()

    def fits(self, item: Item) -> bool:
        """Whether the item has this variant; a sentinel without one is fetched as given.

        A technique has a plain form alone.
        """
        if not has_plain_page(item, self.scheme):
            return False
        if item.kind == VECTOR or self.variant == "as_given":
            return True
        return bool(variant_host(item, self.variant))

    def address(self, item: Item) -> str:
        """Return the URL that is fetched for an item."""
        return variant_url(item, self.scheme, self.variant)

    def _address_of(self, attempt: Attempt, line: Line) -> str:
        """Return the URL that is fetched in an attempt over a line."""
        del line
        return self.address(attempt.item)

    def _way(self, attempt: Attempt, line: Line) -> Fetches | None:
        """Return another way to use the line for an item; None: as it fetches by itself."""
        del attempt, line
        return None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Fetch the item over the line, once, following redirects."""
        if not attempt.item.value:
            detail = "the item has no value that could be fetched"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return ProbeResult(timings=Timings(), failure=failure)
        started = perf_counter()
        home = variant_host(attempt.item, self.variant) or attempt.item.host
        expected = ExpectedMarks(attempt, line, home)
        visit = Visit(attempt, line, expected, self._pages, started + attempt.timeout)
        way = self._way(attempt, line)
        chain = await visit.follow(self._address_of(attempt, line), home, over=way)
        timings = timings_of(chain.exchanges, perf_counter() - started)
        facts = visit.facts(chain)
        if leads_on(facts, chain) and not attempt.item.is_sensitive:
            facts = replace(facts, inner=await visit.inner(facts))
        return page_result(attempt, chain, facts, timings)


class OwnSchemeProbe(WebProbe):
    """Fetches an item's own URL, by the item's own scheme; by http if it names none."""

    scheme = "http"

    def address(self, item: Item) -> str:
        """Return the URL of the item, with its own scheme."""
        return item.url(item.scheme or self.scheme)


@PROBES.register("web")
class Web(WebProbe):
    """Fetches by HTTP without TLS."""

    declares = replace(PAGE, only_scheme="http", has_twins=True, kinds=PLAIN_FORM)
    scheme = "http"


@PROBES.register("web_https")
class WebHttps(WebProbe):
    """Fetches by HTTPS."""

    declares = replace(PAGE, only_scheme="https", has_twins=True, kinds=PLAIN_FORM)
    scheme = "https"


class Visit:
    """Fetches the pages of one attempt and derives their facts."""

    def __init__(
        self,
        attempt: Attempt,
        line: Line,
        expected: ExpectedMarks,
        pages: PageReader,
        deadline: float,
        browser: BrowserProfile | None = None,
    ) -> None:
        self._attempt, self._line, self._expected = attempt, line, expected
        self._pages, self._deadline = pages, deadline
        self._browser = browser or profile_for(attempt.browser)

    async def follow(
        self,
        url: str,
        home: str,
        method: str = "GET",
        body: bytes = b"",
        more: Headers = (),
        over: Fetches | None = None,
    ) -> RedirectChain:
        """Fetch a URL and follow its redirects; ``more`` are headers beside a browser's own.

        ``over`` is another way to use the line.
        """
        limits = self._attempt.limits
        return await follow_redirects(
            over or self._line,
            url,
            home,
            lambda url, host: _with_more(self._headers(url, host), more),
            deadline=self._deadline,
            most=limits.redirects,
            body_bytes=limits.body_bytes,
            address=self._attempt.address if home == self._attempt.item.host else "",
            may_lead=self._attempt.may_lead,
            method=method,
            body=body,
        )

    async def inner(self, facts: WebFacts) -> tuple[WebFacts, ...]:
        """Fetch the pages that a page frames or forwards to, each once."""
        targets = dict.fromkeys(web_address(facts.url, frame) for frame in facts.frames)
        return tuple(
            [
                self.facts(await self.follow(target, url_host(target)))
                for target in targets
                if target not in ("", facts.url)
            ]
        )

    def page(self, last: Exchange, digest: str) -> Page:
        """Return what a person sees of an answer; ``digest`` is that of its body."""
        if last.status is None and last.tunnel_status is None:
            return Page()
        return self._pages.read(last.body, dict(last.headers).get("content-type", ""), digest)

    def as_shown(self, page: Page, last: Exchange) -> Page:
        """Return a page with the origin's marks, with the text that a person sees alone."""
        kind, lowered = dict(last.headers).get("content-type", ""), last.body.lower()
        if "text/plain" in kind or not any(mark in lowered for mark in HIDING):
            return page
        seen = read_page(shown_text(last.body, kind).encode(), "text/plain; charset=utf-8")
        return replace_page(seen, title=page.title, frames=page.frames, embedded=page.embedded)

    def delivered(self, chain: RedirectChain) -> Delivery:
        """Return what a chain delivered of the item's own page."""
        return self._expected.delivered(chain)

    def facts(self, chain: RedirectChain) -> WebFacts:
        """Return a chain's facts: the last page's, with peer, certificate, choices of the first."""
        last, first = chain.last, chain.exchanges[0]
        answered = last.status is not None or last.tunnel_status is not None
        headers = _chosen(last.headers)
        digest = hashlib.sha256(last.body).hexdigest() if last.body else ""
        page = self.page(last, digest)
        delivered = self.delivered(chain)
        if delivered.canary == "seen" and self._attempt.key.line != CONTROL:
            page = self.as_shown(page, last)
        mark, sketch = self._fingerprint(page, chain, delivered)
        frames = (*page.frames, *refresh_target(dict(headers).get("refresh", "")))
        if self._attempt.item.is_sensitive:
            page, frames = replace_page(page, title="", text=""), _hosts_only(chain.url, frames)
        return WebFacts(
            url=chain.url,
            status=last.status,
            tunnel_status=last.tunnel_status,
            hops=tuple(chain.hops),
            headers=headers,
            peer=first.peer,
            certificate=first.certificate,
            title=page.title,
            text=page.text,
            frames=frames,
            body_length=len(last.body) if answered else None,
            body_sha256=digest,
            truncated=last.truncated or page.is_cut,
            canary=delivered.canary,
            browser=self._browser.name,
            choices=first.choices,
            words=delivered.words,
            page_words=delivered.page_words,
            locked=delivered.locked,
            asked=delivered.asked,
            codings=last.codings,
            undecoded=last.undecoded,
            embedded=page.embedded,
            text_length=page.length,
            title_mark=mark,
            sketch=sketch,
            details=self._details(page, chain, delivered) if answered else None,
            parts=self._parts(page, delivered),
        )

    def _details(self, page: Page, chain: RedirectChain, delivered: Delivery) -> PageDetails | None:
        """Return the details of a page that may be a block page; of other people's, if short."""
        item, is_control = self._attempt.item, self._attempt.key.line == CONTROL
        if is_control or delivered.canary == "seen" or item.is_sensitive:
            return None
        if delivered.canary == "not_applicable" and page.length > NOTICE:
            return None  # an undecided page, if it is a block page
        requested = chain.hops[0].url if chain.hops else chain.url
        return page_details(chain, requested, managed=trusts_supplier(self._line))

    def _parts(self, page: Page, delivered: Delivery) -> tuple[int, ...]:
        if delivered.canary not in ("absent", "elsewhere") or self._attempt.key.line == CONTROL:
            return ()
        return tuple(mark_of(each, self._attempt.sketch_key) for each in page.parts[:MOST_PARTS])

    def _fingerprint(
        self, page: Page, chain: RedirectChain, delivered: Delivery
    ) -> tuple[str, Sketch]:
        """Return title mark and sketch of a page; one with the origin's marks has no title mark."""
        key = self._attempt.sketch_key
        if delivered.canary == "seen" and self._attempt.key.line != CONTROL:
            return "", page.sketch(key)
        return title_mark(page.title, chain.hosts[-1], key), page.sketch(key)

    def _headers(self, url: str, host: str) -> SentHeaders:
        request_marks = self._expected.request_marks(host)
        item = self._attempt.item
        own = cookie_of(variant_of(item.stratum)) if host == item.host else ""
        cookie = "; ".join(filter(None, (own, request_marks.cookie)))
        return self._browser.headers(url.partition(":")[0], cookie, request_marks.headers)


def _chosen(headers: Headers) -> Headers:
    """Return the headers that become facts."""
    return tuple(
        (name, value[:HEADER_CHARACTERS]) for name, value in headers if name in CHOSEN_HEADERS
    )


def _with_more(sent: SentHeaders, more: Headers) -> SentHeaders:
    if not more:
        return sent
    proxied = (*sent.proxied, *more) if sent.proxied else ()
    return replace_page(sent, direct=(*sent.direct, *more), proxied=proxied)


def leads_on(facts: WebFacts, chain: RedirectChain) -> bool:
    """Whether the item's page may be behind a frame or a redirect inside the page.

    Pages of other sites often contain frames; there, only a page with hardly any text is followed.
    """
    if chain.failure is not None or not facts.frames or facts.canary == "seen":
        return False
    return facts.canary != "not_applicable" or len(facts.text) <= BARE


def _hosts_only(base: str, frames: tuple[str, ...]) -> tuple[str, ...]:
    """Return frame addresses without their paths, which could reveal sensitive content."""
    targets = (web_address(base, frame) for frame in frames)
    return tuple(dict.fromkeys(f"http://{url_host(target)}/" for target in targets if target))


@PROBES.register("web_www")
class WebWww(Web):
    """Fetches the ``www.`` host of a domain by HTTP."""

    declares = PAGE
    variant = "www"


@PROBES.register("web_apex")
class WebApex(Web):
    """Fetches the domain of a ``www.`` host by HTTP."""

    declares = PAGE
    variant = "apex"


@PROBES.register("web_https_www")
class WebHttpsWww(WebHttps):
    """Fetches the ``www.`` host of a domain by HTTPS."""

    declares = PAGE
    variant = "www"


@PROBES.register("web_https_apex")
class WebHttpsApex(WebHttps):
    """Fetches the domain of a ``www.`` host by HTTPS."""

    declares = PAGE
    variant = "apex"


@PROBES.register("web_markup")
class WebMarkup(Web):
    """Fetches a host by HTTP, with markup in path and query, which a block page must escape.

    Markup is sent to hosts of our own origin alone; of others the root page is fetched.
    """

    declares = replace(PAGE, only_scheme="http")

    def fits(self, item: Item) -> bool:
        """Whether the item is a whole host: an entry for one page says nothing of others."""
        is_whole = item.url(self.scheme) == f"{self.scheme}://{item.host}/"
        return is_whole and super().fits(item)

    def _address_of(self, attempt: Attempt, line: Line) -> str:
        """Return the URL with markup, if the host is our own origin's."""
        del line
        address = self.address(attempt.item)
        return address + MARKED_PATH if attempt.marker is not None else address


@PROBES.register("web_accessibility")
class WebAccessibility(Web):
    """Fetches by HTTP, and checks a page other than the origin's for accessibility in Chromium."""

    declares = replace(PAGE, only_scheme="http")

    def __init__(self) -> None:
        super().__init__()
        self._checks = BrowserChecks()

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Fetch the item; check the page within what is left of the attempt's time."""
        began = perf_counter()
        result = await super().try_item(attempt, line)
        facts = result.facts
        if not isinstance(facts, WebFacts) or facts.details is None or not result.evidence:
            return result
        left = attempt.timeout * PART_OF_TIMEOUT - (perf_counter() - began)
        found = await self._checks.check(result.evidence[0], left)
        return replace(result, facts=replace(facts, details=replace(facts.details, browser=found)))
