"""The DNS probes: ask about an item's host, and note the whole answer, aliases and all.

IPv4 and IPv6 apart: a filter that answers for one may have forgotten the other. HTTPS records
apart as well: some filters hold them back, lest browsers turn to HTTP/3 or hide the host's name.
"""

from __future__ import annotations

from typing import ClassVar

from harness.plugins import register
from harness.ports.asking import Attempt, Line, Question, Sighting


class _Dns:
    """One question of one type."""

    asks: ClassVar[str] = "ask"
    type: ClassVar[str]

    async def try_item(self, attempt: Attempt, line: Line) -> Sighting:
        """Ask for the item's host over the line, once."""
        question = Question(name=attempt.item.host, type=self.type, timeout=attempt.timeout)
        answer = await line.ask(question)
        return Sighting(timings=answer.timings, facts=answer.facts, failure=answer.failure)


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
