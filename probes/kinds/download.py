"""The probe ``download``: fetch a file as a client would, and look into it.

Transports that need more than one plain request are those of ``harness.model.file_case``: byte
ranges, HEAD before GET, a form, a WebSocket, a kept connection. A file arrived if the anti-malware
test string, or the content that only the origin knows, is in the bytes that came, after content
codings and containers were undone. Neither is ever recorded: of a file that arrived, facts hold its
length and digest.
"""

from __future__ import annotations

import hashlib
from time import perf_counter
from typing import ClassVar

from msgspec.structs import replace

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.facts import FileSighting, WebFacts
from harness.model.file_case import FIRST_FILE, MARKED, Transport, file_case
from harness.model.observation import Evidence
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, ProbeResult
from probes.kinds.web import OwnSchemeProbe, Visit, leads_on
from probes.net.browser_profiles import Headers
from probes.net.cleaned_facts import body_holds_test_string, without_test_string
from probes.net.delivery import ExpectedMarks, PageMarks
from probes.net.dialled_exchange import FirstOverStream, by_kept_connection, by_websocket
from probes.net.file_contents import AGREED_FILE, contents, eicar
from probes.net.html_text import PageReader
from probes.net.page_result import evidence_of, timings_of
from probes.net.redirects import RedirectChain

PARTIAL = 206
MOST_BYTES, MOST_DIGITS = 1024 * 1024, 20
"""The most bytes of a file that is fetched in ranges, and digits of the size that a server says."""
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@PROBES.register("download")
class Download(OwnSchemeProbe):
    """Downloads files by HTTP and HTTPS, and looks into them; other items as ``web`` does."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="fetch", facts="web")

    def fits(self, item: Item) -> bool:
        """Whether the item is a file, in a transport that is known."""
        case = file_case(variant_of(item.stratum))
        return case is not None and case.transport is not None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Fetch the file over the line, in the transport of its case; its containers are opened."""
        case = file_case(variant_of(attempt.item.stratum))
        if case is None or case.transport is None or not is_file(attempt.item):
            return await super().try_item(attempt, line)
        started = perf_counter()
        expected = ExpectedFile(attempt, line, attempt.item.host)
        visit = FileVisit(attempt, line, expected, self._pages, started + attempt.timeout)
        chain = await visit.fetch(self.address(attempt.item), case.transport)
        timings = timings_of(chain.exchanges, perf_counter() - started)
        facts = visit.facts(chain)
        if leads_on(facts, chain):
            facts = replace(facts, inner=await visit.inner(facts))
        return ProbeResult(
            timings=timings,
            facts=facts,
            failure=chain.failure and without_test_string(chain.failure),
            evidence=_evidence(attempt, chain.last, facts),
        )


def is_file(item: Item) -> bool:
    """Whether an item is a file that is known by what it holds; a page with a marker is none."""
    case = file_case(variant_of(item.stratum))
    return case is not None and case.transport is not None and case.layers != (MARKED,)


class ExpectedFile(ExpectedMarks):
    """What shows that the file of one attempt arrived: what is in it."""

    def __init__(self, attempt: Attempt, line: Line, home: str) -> None:
        super().__init__(attempt, line, home)
        origin = line.origin
        self._words = origin.words(home, "", "host") if origin is not None else ()
        self._sightings: dict[bytes, FileSighting] = {}

    def sighting(self, body: bytes) -> FileSighting:
        """Return what is in the body of a response."""
        if body not in self._sightings:
            self._sightings[body] = look_into(body, self._words)
        return self._sightings[body]

    def marks_in(self, host: str, exchange: Exchange) -> PageMarks:
        """Return whether the file is in a response; no word of a page shows it."""
        del host
        return PageMarks(token=bool(self.sighting(exchange.body)))


def look_into(body: bytes, words: tuple[str, ...]) -> FileSighting:
    """Return what a file holds: the test string, all of ``words``, or that it is the agreed one."""
    if not body:
        return ""
    wanted, known = eicar(), [word.encode() for word in words]
    found: FileSighting = "agreed file" if AGREED_FILE in body else ""
    for data in contents(body):
        if wanted in data:
            return "test string"
        if known and all(word in data for word in known):
            found = "content"
    return found


class FileVisit(Visit):
    """Fetches the file of one attempt and derives its facts."""

    def __init__(
        self,
        attempt: Attempt,
        line: Line,
        expected: ExpectedFile,
        pages: PageReader,
        deadline: float,
    ) -> None:
        super().__init__(attempt, line, expected, pages, deadline)
        self._file = expected

    async def fetch(self, url: str, transport: Transport) -> RedirectChain:
        """Fetch a file in the way that its case says.

        Whatever is answered to HEAD, the file is asked for: a client need not send it.
        """
        home = self._attempt.item.host
        if transport.connection:
            return await self.follow(url, home, over=self._on_stream(transport))
        if transport.with_head:
            await self.follow(url, home, "HEAD")
        if transport.method == "POST":
            return await self.follow(url, home, "POST", b"file=letter", FORM)
        if not transport.ranges:
            return await self.follow(url, home)
        return await self._in_ranges(url, home, transport.ranges)

    def _on_stream(self, transport: Transport) -> FirstOverStream:
        """Return the way to fetch a file on a byte stream of its own."""
        if transport.connection == "websocket":
            return FirstOverStream(self._line, by_websocket())
        pipelined = transport.connection == "pipelined"
        return FirstOverStream(self._line, by_kept_connection(FIRST_FILE, pipelined=pipelined))

    async def _in_ranges(self, url: str, home: str, ranges: tuple[str, ...]) -> RedirectChain:
        """Ask for one range after the other, and join them; a server may send the whole instead."""
        parts = bytearray()
        asked = list(ranges)
        while asked:
            more: Headers = (("Range", f"bytes={asked.pop(0)}"),)
            chain = await self.follow(url, home, more=more)
            if chain.failure is not None or chain.last.status != PARTIAL or not chain.last.body:
                return chain
            parts += chain.last.body
            if not asked and len(parts) < _whole_size(chain.last):
                asked.append(f"{len(parts)}-")
        chain.exchanges[-1] = replace(chain.last, body=bytes(parts))
        return chain

    def facts(self, chain: RedirectChain) -> WebFacts:
        """Return a chain's facts, without any text of a file that arrived.

        Length and digest are those of the file: without content codings that were declared, but
        with its own compression.
        """
        facts = super().facts(chain)
        found = self._file.sighting(chain.last.body)
        facts = replace(facts, file=found, kept=chain.last.kept)
        if sent := chain.last.as_sent:
            digest = hashlib.sha256(sent).hexdigest()
            facts = replace(facts, body_length=len(sent), body_sha256=digest, codings=())
        cleaned = without_test_string(facts)
        if not found and (cleaned.title, cleaned.text) == (facts.title, facts.text):
            return cleaned
        return replace(
            cleaned, title="", text="", text_length=0, frames=(), title_mark="", sketch=()
        )


def _whole_size(last: Exchange) -> int:
    """The size of the file that a range is a part of; 0 if the answer does not say."""
    given = next((value for name, value in last.headers if name == "content-range"), "")
    size = given.rpartition("/")[2]
    is_known = size.isascii() and size.isdecimal() and len(size) <= MOST_DIGITS
    return min(int(size), MOST_BYTES) if is_known else 0


def _evidence(attempt: Attempt, last: Exchange, facts: WebFacts) -> tuple[Evidence, ...]:
    """Return another response than the file as evidence; never one that holds the test string."""
    found = {facts.file, *(one.file for one in facts.inner)}
    holds = bool(found - {""}) or body_holds_test_string(last)
    return () if holds else evidence_of(attempt, last, facts)
