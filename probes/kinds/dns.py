"""The DNS probes: ask for a record type of an item's host and record the whole answer.

A and AAAA are separate probes, because a filter may handle only one of them; so is HTTPS, because
some filters withhold these records to prevent HTTP/3 and Encrypted ClientHello. If a name of the
canary zone gets another address than the origin's, the page at that address is fetched: a sinkhole
blocks only if it does not show the origin's page.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import structs

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.observation import CONTROL
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.probe import NAME_LAYERS, ProbeDeclaration
from harness.model.query_case import is_query
from harness.model.search_case import lock_targets
from harness.plugins import PROBES
from harness.ports.network import Answer, Attempt, Line, ProbeResult, Question
from probes.kinds.web import Web
from probes.net.route import is_literal, is_loopback, is_unspecified

MOST_LANDINGS = 4
"""Maximum number of addresses of one answer whose pages are fetched."""


ANSWER = ProbeDeclaration(needs="ask", facts="dns", sees=NAME_LAYERS)
"""What every DNS probe declares: a name server sees no path, and nothing of a page."""


class DnsProbe:
    """Asks one question of one type."""

    declares: ClassVar[ProbeDeclaration]
    type: ClassVar[str]

    def __init__(self) -> None:
        self._web = Web()

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Ask for the item's host over the line, once."""
        question = Question(name=attempt.item.host, type=self.type, timeout=attempt.timeout)
        return await self.result(attempt, line, await line.ask(question))

    def fits(self, item: Item) -> bool:
        """Whether the item is asked for plainly; cases of queries are for ``dns_queries``."""
        return not is_query(variant_of(item.stratum))

    async def result(self, attempt: Attempt, line: Line, answer: Answer) -> ProbeResult:
        """Add to an answer what is at the addresses in it, or how a search engine is locked."""
        facts = answer.facts
        if attempt.key.line == CONTROL:
            facts = structs.replace(facts, target_addresses=await self._targets(attempt, line))
        elsewhere = _addresses_elsewhere(attempt, line, facts)
        if elsewhere:
            facts = structs.replace(facts, landing=await self._landing(attempt, line, elsewhere))
        return ProbeResult(timings=answer.timings, facts=facts, failure=answer.failure)

    async def _targets(self, attempt: Attempt, line: Line) -> tuple[str, ...]:
        """Return the addresses of the names that lock the item, if it is a search engine."""
        found: list[str] = []
        for target in lock_targets(variant_of(attempt.item.stratum), attempt.item.host):
            if is_literal(target):
                found.append(target)
                continue
            question = Question(name=target, type=self.type, timeout=attempt.timeout)
            found += (await line.ask(question)).facts.addresses
        return tuple(dict.fromkeys(found))

    async def _landing(
        self, attempt: Attempt, line: Line, addresses: tuple[str, ...]
    ) -> WebFacts | None:
        """Return the origin's page if an address shows it, else the page with most content.

        Each page is fetched from the address in this answer, as the next answer may differ. None
        if an address could not be visited because it is private.
        """
        pages, is_complete = list[WebFacts](), True
        for address in addresses:
            timeout = attempt.timeout / 2 / len(addresses)
            aside = structs.replace(attempt, timeout=timeout, address=address)
            sighting = await self._web.try_item(aside, line)
            page, failure = sighting.facts, sighting.failure
            if failure is not None and failure.name == PRIVATE_ADDRESS:
                is_complete = False
                continue
            if isinstance(page, WebFacts):
                if page.canary == "seen":
                    return page
                pages.append(page)
        return max(pages, key=_content_shown, default=None) if is_complete else None


def _content_shown(page: WebFacts) -> tuple[bool, int, int]:
    """Sort key of a page's content: whether it arrived, text length, number of embedded objects."""
    return page.status is not None, page.text_length, page.embedded


def _addresses_elsewhere(attempt: Attempt, line: Line, facts: DnsFacts) -> tuple[str, ...]:
    """Return the reachable addresses that a name of the canary zone got instead of the origin's.

    Unspecified addresses are sinkholes and never connected to; nor are those of loopback, unless
    the origin is there.
    """
    if attempt.marker is None or line.origin is None or attempt.key.line == CONTROL:
        return ()
    origin = line.origin.address
    if "fetch" not in line.carries or set(line.origin.addresses) & set(facts.addresses):
        return ()
    reachable = (address for address in facts.addresses if _is_reachable(address, origin))
    return tuple(dict.fromkeys(reachable))[:MOST_LANDINGS]


def _is_reachable(address: str, origin: str) -> bool:
    if not is_literal(address) or is_unspecified(address):
        return False
    return not is_loopback(address) or is_loopback(origin)


@PROBES.register("dns")
class Dns(DnsProbe):
    """One A question."""

    declares = structs.replace(ANSWER, has_twins=True)
    type = "A"


@PROBES.register("dns_aaaa")
class DnsAaaa(DnsProbe):
    """One AAAA question (RFC 3596)."""

    declares = structs.replace(ANSWER, over_ipv4="dns")
    type = "AAAA"


@PROBES.register("dns_https")
class DnsHttps(DnsProbe):
    """One HTTPS question (type 65, RFC 9460); a browser does without such records."""

    declares = structs.replace(ANSWER, counts=False)
    type = "HTTPS"
