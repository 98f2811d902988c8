"""The DNS probes: ask about an item's host, and note the whole answer, aliases and all.

IPv4 and IPv6 apart: a filter that answers for one may have forgotten the other. HTTPS records
apart as well: some filters hold them back, lest browsers turn to HTTP/3 or hide the host's name.
Where a name of the canary zone gets another address than the origin's, the page at that address
is fetched: a sinkhole blocks only if it does not show the origin's page.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import structs

from harness.model.observation import CONTROL, DnsFacts, WebFacts
from harness.plugins import register
from harness.ports.asking import Attempt, Line, Question, Sighting
from probes.net.address import is_literal, is_loopback, is_unspecified
from probes.web import Web


class _Dns:
    """One question of one type."""

    asks: ClassVar[str] = "ask"
    type: ClassVar[str]

    def __init__(self) -> None:
        self._web = Web()

    async def try_item(self, attempt: Attempt, line: Line) -> Sighting:
        """Ask for the item's host over the line, once."""
        question = Question(name=attempt.item.host, type=self.type, timeout=attempt.timeout)
        answer = await line.ask(question)
        facts = answer.facts
        if _leads_elsewhere(attempt, line, facts):
            aside = structs.replace(attempt, timeout=attempt.timeout / 2)
            page = (await self._web.try_item(aside, line)).facts
            facts = structs.replace(facts, landing=page if isinstance(page, WebFacts) else None)
        return Sighting(timings=answer.timings, facts=facts, failure=answer.failure)


def _leads_elsewhere(attempt: Attempt, line: Line, facts: DnsFacts) -> bool:
    """Whether a name of the canary zone got addresses on the network, none being the origin's.

    Unspecified addresses are a sinkhole in themselves, and never connected to; so are those of
    loopback, unless the origin is there.
    """
    if attempt.marker is None or line.origin is None or attempt.key.line == CONTROL:
        return False
    if "fetch" not in line.carries or line.origin.address in facts.addresses:
        return False
    return any(_is_reachable(address, line.origin.address) for address in facts.addresses)


def _is_reachable(address: str, origin: str) -> bool:
    if not is_literal(address) or is_unspecified(address):
        return False
    return not is_loopback(address) or is_loopback(origin)


@register("probes", "dns")
class Dns(_Dns):
    """One A question."""

    type = "A"


@register("probes", "dns_aaaa")
class DnsAaaa(_Dns):
    """One AAAA question (RFC 3596)."""

    type = "AAAA"


@register("probes", "dns_https")
class DnsHttps(_Dns):
    """One HTTPS question (type 65, RFC 9460)."""

    type = "HTTPS"
