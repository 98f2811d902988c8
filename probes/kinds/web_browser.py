"""The probe ``browser``: visits a page in Chromium and records what a pupil would see.

Scripts run, redirects of any kind are followed, and the error page of a browser is shown where no
page comes. A screenshot of what stands in the page's place is kept as evidence, never for items of
sensitivity S3 or S4.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as replace_page
from hashlib import sha256
from time import perf_counter
from typing import ClassVar

from msgspec.structs import replace

from harness.errors import UsageError
from harness.model.observation import Evidence, Failure, Timings
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, HostsBrowser, Line, ProbeResult
from probes.clients.browser_pool import MOST_PAGES, BusyBrowserError, browser_for
from probes.clients.browser_visit import ShownPage, browser_errors, endpoint_of, visit_page
from probes.clients.chromium import Chromium, NoBrowserError, missing_browser
from probes.clients.marked_visit import (
    HTML,
    MarkedVisit,
    chain_of,
    marked_visit,
    rendered_body,
    rendered_chain,
)
from probes.kinds.web import Visit, WebProbe
from probes.net.delivery import Delivery, ExpectedMarks
from probes.net.html_text import Page, PageReader, read_page
from probes.net.page_result import page_result
from probes.net.redirects import RedirectChain

PNG = "image/png"
TEXT = "text/plain; charset=utf-8"


class ShownVisit(Visit):
    """Derives the facts of a page from what a browser showed."""

    def __init__(
        self,
        attempt: Attempt,
        line: Line,
        expected: ExpectedMarks,
        pages: PageReader,
        deadline: float,
        shown: ShownPage,
    ) -> None:
        super().__init__(attempt, line, expected, pages, deadline)
        self._shown = shown

    def page(self, last: Exchange, digest: str) -> Page:
        """Return what a pupil sees: the text that is laid out, and what else the markup shows."""
        del last, digest
        if not self._shown.frames:
            return Page()
        body = rendered_body(self._shown.frames)
        page = self._pages.read(body, HTML, sha256(body).hexdigest())
        text = "\n".join(each.text for each in self._shown.frames)
        laid_out = read_page(text.encode(), TEXT)
        titled = read_page(self._shown.frames[0].title.encode(), TEXT)
        return replace_page(
            page,
            title=titled.text,
            text=laid_out.text,
            words=laid_out.words,
            length=laid_out.length,
        )

    def as_shown(self, page: Page, last: Exchange) -> Page:
        """Return the page: its text is what was laid out."""
        del last
        return page

    def delivered(self, chain: RedirectChain) -> Delivery:
        """Return what was delivered in what was received, or in what scripts made of it."""
        received = super().delivered(chain)
        if received.canary in ("seen", "not_applicable"):
            return received
        return super().delivered(rendered_chain(chain, self._shown))


_WEB = ProbeDeclaration(needs="dial", facts="web")


@PROBES.register("browser")
class Browser(WebProbe):
    """Visits by HTTP in Chromium."""

    declares: ClassVar[ProbeDeclaration] = replace(_WEB, only_scheme="http")
    scheme: ClassVar[str] = "http"

    def __init__(self) -> None:
        super().__init__()
        self._turns = asyncio.Semaphore(MOST_PAGES)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until another page may be opened."""
        async with self._turns:
            yield

    def missing(self) -> tuple[str, str] | None:
        """Return what is not installed, and how to install it."""
        return missing_browser()

    async def prepare(self, line: Line) -> None:
        """Start the browser of a line. Raises UsageError."""
        if not isinstance(line, HostsBrowser):
            return  # a campaign cannot use the probe there
        try:
            await (await browser_for(line)).chromium()
        except NoBrowserError as error:
            raise UsageError(f"probe 'browser', line {line.name!r}: {error}") from None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Visit the item's page over the line, once."""
        if not attempt.item.value or not isinstance(line, HostsBrowser):
            detail = "the item has no value, or the line opens no connections for a browser"
            return _own_trouble("instrument_error", detail)
        try:
            browser = await browser_for(line)
            async with browser.turn() as chromium:
                return await self._visited(attempt, line, chromium)
        except (BusyBrowserError, TimeoutError) as error:
            return _own_trouble("instrument_overload", f"the browser is too slow: {error}")
        except NoBrowserError as error:
            return _own_trouble("instrument_error", str(error))
        except browser_errors() as error:
            return _own_trouble("instrument_error", f"the browser failed: {error}")

    async def _visited(
        self, attempt: Attempt, line: HostsBrowser, chromium: Chromium
    ) -> ProbeResult:
        started = perf_counter()
        deadline = started + attempt.timeout
        expected = ExpectedMarks(attempt, line, attempt.item.host)
        visit = marked_visit(attempt, line, expected, self.address(attempt.item), deadline)
        shown = await visit_page(chromium, visit.connections, visit.options)
        chain = chain_of(shown, visit.connections)
        facts = ShownVisit(attempt, line, expected, self._pages, deadline, shown).facts(chain)
        facts = replace(facts, browser=f"chromium-{chromium.version}", net_error=shown.net_error)
        total = perf_counter() - started
        result = page_result(attempt, chain, facts, _timings(visit, total))
        is_own = chain.failure is not None and chain.failure.name == PRIVATE_ADDRESS
        if not shown.screenshot or facts.canary == "seen" or is_own:
            return result
        picture = Evidence(media_type=PNG, body=shown.screenshot)
        return replace(result, evidence=(*result.evidence, picture))


@PROBES.register("browser_https")
class BrowserHttps(Browser):
    """Visits by HTTPS in Chromium."""

    declares: ClassVar[ProbeDeclaration] = replace(_WEB, only_scheme="https")
    scheme: ClassVar[str] = "https"


def _timings(visit: MarkedVisit, total: float) -> Timings:
    """Return the phases of the first connection, and the time of the whole visit."""
    first = visit.connections.results.get(endpoint_of(visit.options.url))
    known = first.timings if first is not None else Timings()
    return Timings(resolve=known.resolve, connect=known.connect, total=total)


def _own_trouble(name: str, detail: str) -> ProbeResult:
    failure = Failure(name=name, stage="instrument", detail=detail.partition("\n")[0][:200])
    return ProbeResult(timings=Timings(), failure=failure)
