"""What a DNS question brought back."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.model.facts.base import FactsBase
from harness.model.facts.web import WebFacts

ADDRESS_TYPES = frozenset({"A", "AAAA"})


class DnsFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="dns"):
    """What a DNS question brought back. ``addresses`` are the A and AAAA data, in order.

    ``case_lost``: the server did not repeat the mixed case of the question, so it was asked
    once more as the name is written (draft-vixie-dnsext-dns0x20). ``landing`` is the page that
    stands at an address which is not the origin's, for a name of the canary zone.
    """

    name: str
    type: str
    server: str
    transport: Literal["udp", "tcp", "tls", "https"] = "udp"
    rcode: str = ""
    flags: str = ""
    records: tuple[DnsRecord, ...] = ()
    addresses: tuple[str, ...] = ()
    has_soa: bool = False
    extended_errors: tuple[ExtendedError, ...] = ()
    case_lost: bool = False
    landing: WebFacts | None = None

    @property
    def answers(self) -> frozenset[str]:
        """What was asked for: the addresses, or of another type the data of its records."""
        if self.type in ADDRESS_TYPES:
            return frozenset(self.addresses)
        return frozenset(each.data.lower() for each in self.records if each.type == self.type)

    @property
    def chain(self) -> tuple[str, ...]:
        """The names that the question's name is an alias of, one after the other (CNAME)."""
        aliases = {each.name: each.data for each in self.records if each.type == "CNAME"}
        names: list[str] = []
        name = self.name
        while target := aliases.pop(name.rstrip(".").lower(), ""):
            name = target.rstrip(".").lower()
            names.append(name)
        return tuple(names)

    @property
    def has_alias_loop(self) -> bool:
        """Whether the aliases lead back to one of them, so that nobody can follow them."""
        chain = self.chain
        return len({self.name.rstrip(".").lower(), *chain}) <= len(chain)


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One resource record of an answer (RFC 1035 section 3.2)."""

    name: str
    type: str
    ttl: int
    data: str


class ExtendedError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An extended DNS error (RFC 8914)."""

    code: int
    text: str = ""
