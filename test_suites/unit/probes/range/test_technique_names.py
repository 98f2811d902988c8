"""Names that the zone server answers for techniques, and what a careful resolver says to them."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from harness.model.network_signal import DESIGNATED, SIGNALS
from harness.model.origin_zone import OriginZone
from probes.net.dns_tunnel import hidden_name
from probes.range.arrival_log import ArrivalLog
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.resolver import FilteringResolver, ZoneServer
from probes.range.technique_names import SINKS
from probes.range.zone import ZoneNames

HOST, ZONE = "x-1.ways.accredit.test", "accredit.test"
ALIAS, SVCB = f"{hidden_name(HOST)}.alias.{ZONE}", f"{hidden_name(HOST)}.svcb.{ZONE}"
POLICY = FilterPolicy(categories={HOST: "DRUG"})


def ask(name: str, type_: str = "A", server: ZoneServer | None = None) -> dns.message.Message:
    zones = server or ZoneServer(log=ArrivalLog(), dual_stack=True)
    return zones.answer(dns.message.make_query(name, type_))


def texts(message: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in message.answer for record in rrset]


@pytest.mark.parametrize("name", SIGNALS)
def test_names_of_signals_have_addresses(name: str) -> None:
    assert texts(ask(name)) == [SINKS[4]]
    assert texts(ask(name.upper(), "AAAA")) == [SINKS[6]]
    nothing = ask(name, "TXT")
    assert (nothing.rcode(), nothing.answer, nothing.authority) == (dns.rcode.NOERROR, [], [])


@pytest.mark.parametrize("name", ["icloud.com", f"www.{DESIGNATED}", "x.mask.icloud.com"])
def test_names_beside_them_are_refused(name: str) -> None:
    assert ask(name).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("name", [DESIGNATED, *SIGNALS])
def test_no_zone_of_them_is_transferred(name: str) -> None:
    assert ask(name, "AXFR").rcode() == dns.rcode.REFUSED


def test_the_origin_designates_itself() -> None:
    https, tls = texts(ask(DESIGNATED, "SVCB"))

    assert https.startswith(f"1 dns.{ZONE}. ")
    assert "127.0.0.1" in https
    assert 'alpn="dot"' in tls
    assert texts(ask(DESIGNATED)) == []


def test_an_alias_leads_to_the_host_that_it_hides() -> None:
    alias = ask(ALIAS)

    assert texts(alias) == [f"{HOST}.", "127.0.0.1"]
    assert alias.flags & dns.flags.AA
    assert alias.answer[1].name.to_text() == f"{HOST}."
    assert texts(ask(ALIAS, "CNAME")) == [f"{HOST}."]
    assert texts(ask(f"{hidden_name('gone-1.' + HOST)}.alias.{ZONE}")) == ["127.0.0.1"]


def test_an_https_record_leads_to_the_host_that_it_hides() -> None:
    assert texts(ask(SVCB, "HTTPS")) == [f'1 {HOST}. ipv4hint="127.0.0.1"']
    assert texts(ask(SVCB)) == ["127.0.0.1"]


def test_a_host_that_is_only_reached_by_ipv6_has_no_hint() -> None:
    names = ZoneNames(zones=(OriginZone(zone=ZONE, addresses=("::1",), nameservers=("ns.a",)),))
    server = ZoneServer(log=ArrivalLog(), names=names)

    assert texts(ask(SVCB, "HTTPS", server)) == [f"0 {HOST}."]
    assert "hint" not in " ".join(texts(ask(DESIGNATED, "SVCB", server)))


def test_the_server_of_the_plain_twins_knows_none_of_them() -> None:
    twins = OriginZone(zone="twins.test", addresses=("127.0.0.8",), nameservers=("ns.b",))
    zones = (OriginZone(zone=ZONE, addresses=("127.0.0.1",), nameservers=("ns.a",)),)
    names = ZoneNames(zones=zones, twins=twins, served="twins")
    server = ZoneServer(log=ArrivalLog(), names=names)

    for name in (DESIGNATED, *SIGNALS, ALIAS):
        assert ask(name, "A", server).rcode() == dns.rcode.REFUSED


def careful(*faults: Fault) -> FilteringResolver:
    zones = ZoneServer(log=ArrivalLog())
    reference = ReferenceFilter(policy=POLICY, faults=Faults(*faults))
    return FilteringResolver(zone_server=zones, filter=reference, profile="ks2")


def reply(resolver: FilteringResolver, name: str, type_: str = "A") -> dns.message.Message:
    message = resolver.reply(dns.message.make_query(name, type_)).message
    assert message is not None
    return message


@pytest.mark.parametrize("name", [*SIGNALS, ALIAS])
def test_a_careful_resolver_gives_signals_and_follows_aliases(name: str) -> None:
    assert reply(careful(), name).rcode() == dns.rcode.NXDOMAIN
    for kind in (FaultKind.OFF, FaultKind.MISS):
        assert reply(careful(Fault(kind=kind, hosts=frozenset({name}))), name).answer


def test_a_careful_resolver_designates_no_other() -> None:
    answer = reply(careful(), DESIGNATED, "SVCB")

    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


def test_a_careful_resolver_follows_https_records() -> None:
    other = f"{hidden_name('y-1.ways.accredit.test')}.svcb.{ZONE}"

    assert reply(careful(), SVCB, "HTTPS").rcode() == dns.rcode.NXDOMAIN
    assert reply(careful(), SVCB).answer, "its address is no record that leads elsewhere"
    assert reply(careful(), other, "HTTPS").answer


@pytest.mark.parametrize("type_", ["TXT", "NULL", "CNAME"])
def test_a_careful_resolver_passes_on_no_texts_of_long_names(type_: str) -> None:
    long = f"{'a' * 60}.{'b' * 20}.{ZONE}"

    assert reply(careful(), long, type_).rcode() == dns.rcode.NXDOMAIN
    assert reply(careful(), f"_dmarc.{ZONE}", type_).rcode() == dns.rcode.NOERROR
    assert reply(careful(), long).answer
