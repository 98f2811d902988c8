"""Names that a name server of an origin answers for techniques (``probes.techniques``).

- ``<labels>.t.<zone>``: tunnels, whose answers hold pieces of a page (``probes.net.dns_tunnel``).
- ``<labels>.alias.<zone>``: an alias (CNAME) of the host that the labels stand for.
- ``<labels>.svcb.<zone>``: a name whose HTTPS record leads to that host (RFC 9460).
- ``_dns.resolver.arpa``: the origin as a designated resolver (RFC 9462, RFC 9461).
- Names of signals (``harness.model.network_signal``), with addresses: the signal is not given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from harness.model.network_signal import DESIGNATED, signal_name
from probes.net.dns_tunnel import RECORD_KINDS, answer_bytes, read_name, shown_name, write_record
from probes.range.tunnel_pages import TunnelPages
from probes.range.zone import ZoneNames, normalise

ALIAS, SVCB = "alias", "svcb"
RESOLVER = "dns"
"""The first label of the host that is designated."""

SINKS = {4: "192.31.196.1", 6: "2001:4:112::1"}
"""Addresses that are public and lead to no page (AS112, RFC 7535 section 3.4), by version."""

_LEADING = frozenset({dns.rdatatype.CNAME, dns.rdatatype.HTTPS})
_VERSIONS = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}


class Record(NamedTuple):
    """A record: its owner (empty: the name that was asked for), type and data."""

    owner: str
    type: dns.rdatatype.RdataType
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueNames:
    """The records of these names.

    ``addresses_of`` gives a host's addresses of IPv4 (4) or IPv6 (6). Without ``tunnel`` there
    are no tunnels.
    """

    names: ZoneNames
    addresses_of: Callable[[str, int], list[str]]
    tunnel: TunnelPages | None = None

    def records(self, host: str, rdtype: dns.rdatatype.RdataType) -> list[Record] | None:
        """Return the records of a name; None for a name that is no such one."""
        if self.names.served == "twins":
            return None
        zone = self.names.zone_of(host)
        if zone is not None:
            return self._in_zone(host, zone.zone, rdtype)
        first = self.names.zones[0].zone
        if host == DESIGNATED:
            is_asked = rdtype is dns.rdatatype.SVCB
            return [Record("", rdtype, text) for text in self._designated(first) if is_asked]
        return self._elsewhere(rdtype) if signal_name(host) else None

    def rrsets(self, query: dns.message.Message, ttl: int) -> list[dns.rrset.RRset] | None:
        """Return the record sets that answer a question; None if its name is no such one."""
        records = self.asked_in(query)
        if records is None:
            return None
        texts: dict[tuple[str, dns.rdatatype.RdataType], list[str]] = {}
        for record in records:
            texts.setdefault((record.owner, record.type), []).append(record.text)
        name = query.question[0].name
        return [
            dns.rrset.from_text_list(owner or name, ttl, dns.rdataclass.IN, rdtype, each)
            for (owner, rdtype), each in texts.items()
        ]

    def targets(self, query: dns.message.Message) -> list[str]:
        """Return the hosts that the name in a question leads to."""
        records = replace(self, tunnel=None).asked_in(query) or []
        words = (each.text.split() for each in records if each.type in _LEADING)
        return [normalise(each[-1] if len(each) == 1 else each[1]) for each in words]

    def asked_in(self, query: dns.message.Message) -> list[Record] | None:
        """Return the records that answer a question; None if its name is no such one."""
        if len(query.question) != 1:
            return None
        question = query.question[0]
        return self.records(normalise(question.name.to_text()), question.rdtype)

    def _in_zone(
        self, host: str, zone: str, rdtype: dns.rdatatype.RdataType
    ) -> list[Record] | None:
        if (asked := read_name(host, zone)) is not None:
            return self._tunnelled(asked, zone, rdtype)
        if target := self._target(host, f".{ALIAS}.{zone}"):
            alias = Record("", dns.rdatatype.CNAME, f"{target}.")
            return [alias, *self._addresses(target, rdtype, f"{target}.")]
        if target := self._target(host, f".{SVCB}.{zone}"):
            if rdtype is not dns.rdatatype.HTTPS:
                return None
            hint = ",".join(self.addresses_of(target, 4))
            return [
                Record("", rdtype, f'1 {target}. ipv4hint="{hint}"' if hint else f"0 {target}.")
            ]
        return None

    def _target(self, host: str, suffix: str) -> str:
        """Return the host that the labels before a suffix stand for; empty if there is none."""
        labels = host.removesuffix(suffix)
        target = shown_name(labels) if labels != host else ""
        return target if target and self.names.exists(target) else ""

    def _tunnelled(
        self, asked: bytes, zone: str, rdtype: dns.rdatatype.RdataType
    ) -> list[Record] | None:
        kind = next((each for each in RECORD_KINDS if each == dns.rdatatype.to_text(rdtype)), None)
        if kind is None or self.tunnel is None:
            return None
        answer = self.tunnel.answer(asked, "dns", f"{kind} tunnel", answer_bytes(kind, zone))
        return [Record("", rdtype, write_record(kind, answer, zone))] if answer else None

    def _addresses(
        self, host: str, rdtype: dns.rdatatype.RdataType, owner: str = ""
    ) -> list[Record]:
        version = _VERSIONS.get(rdtype)
        addresses = self.addresses_of(host, version) if version else []
        return [Record(owner, rdtype, address) for address in addresses]

    def _elsewhere(self, rdtype: dns.rdatatype.RdataType) -> list[Record]:
        """Return an address that no rule takes for that of a filter, as the agreed names have."""
        version = _VERSIONS.get(rdtype)
        return [Record("", rdtype, SINKS[version])] if version else []

    def _designated(self, zone: str) -> tuple[str, ...]:
        """Return the data of the SVCB records: over HTTPS, and over TLS. key7 is ``dohpath``."""
        host = f"{RESOLVER}.{zone}"
        hint = ",".join(self.addresses_of(host, 4))
        at = f' ipv4hint="{hint}"' if hint else ""
        return (
            f'1 {host}. alpn="http/1.1" port="443"{at} key7="/dns-query{{?dns}}"',
            f'2 {host}. alpn="dot" port="853"{at}',
        )
