"""Encrypted name servers that a network's own name server designates (DDR, RFC 9462).

They stand in SVCB records (RFC 9460, RFC 9461) of the name ``_dns.resolver.arpa``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.IN.SVCB
from dns.rdtypes.svcbbase import ALPNParam, GenericParam, ParamKey, PortParam

from harness.model.facts import DnsRecord
from probes.net.foreign_dns import hints_of

DOHPATH = 7
"""The key of the path for HTTPS (RFC 9461 section 5)."""

OVER_HTTPS = (b"h2", b"http/1.1")
OVER_TLS = b"dot"


Transport = Literal["https", "tls"]


class Designated(NamedTuple):
    """A name server: its transport, name, port, path for HTTPS, and addresses if they are given."""

    over: Transport
    host: str
    port: int
    path: str = ""
    addresses: tuple[str, ...] = ()


def designated_in(records: Iterable[DnsRecord]) -> tuple[Designated, ...]:
    """Return the name servers in some records, in order of their priority; odd ones are left."""
    read = (_read(each.data) for each in records if each.type == "SVCB")
    usable = [each for each in read if each is not None and each.priority]
    usable.sort(key=lambda record: record.priority)
    return tuple(server for each in usable for server in _servers(each))


def _read(data: str) -> dns.rdtypes.IN.SVCB.SVCB | None:
    try:
        record = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.SVCB, data)
    except (dns.exception.DNSException, ValueError):
        return None
    return record if isinstance(record, dns.rdtypes.IN.SVCB.SVCB) else None


def _servers(record: dns.rdtypes.IN.SVCB.SVCB) -> Iterator[Designated]:
    offered = record.params.get(ParamKey.ALPN)
    protocols = offered.ids if isinstance(offered, ALPNParam) else ()
    named = record.params.get(ParamKey.PORT)
    port = named.port if isinstance(named, PortParam) else 0
    host = record.target.to_text(omit_final_dot=True)
    addresses = tuple(hints_of(record))
    path = record.params.get(ParamKey.make(DOHPATH))
    if isinstance(path, GenericParam) and set(protocols) & set(OVER_HTTPS):
        before = path.value.decode("utf-8", "replace").partition("{")[0]
        yield Designated("https", host, port or 443, before, addresses)
    if OVER_TLS in protocols:
        yield Designated("tls", host, port or 853, "", addresses)
