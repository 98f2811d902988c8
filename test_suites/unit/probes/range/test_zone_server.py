"""Names of the zone resolve, those that are gone do not, and others are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from dns.rdtypes.svcbbase import ParamKey

from harness.model.plain_twin import twin_of
from probes.net.ech import read_configs
from probes.range.arrival_log import ArrivalLog
from probes.range.ech_server import OriginEch
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.resolver import ZoneServer, question_name
from probes.range.testbed import RangeTestbed
from probes.range.zone import TWIN_ADDRESS, TWIN_ZONE, ZONE

HOST = "gamb-001.canary.accredit.test"


@pytest.fixture
def names() -> ZoneServer:
    return ZoneServer(log=ArrivalLog(), faults=Faults())


def asked(names: ZoneServer, host: str, rdtype: str = "A") -> dns.message.Message:
    return names.answer(dns.message.make_query(host, rdtype, use_edns=0))


def soa(answer: dns.message.Message) -> bool:
    return any(rrset.rdtype == dns.rdatatype.SOA for rrset in answer.authority)


def test_every_name_of_the_zone_has_the_one_address(names: ZoneServer) -> None:
    answer = asked(names, HOST)

    assert [str(record) for record in answer.answer[0]] == ["127.0.0.1"]
    assert answer.flags & dns.flags.AA
    assert answer.flags & dns.flags.RA
    assert not answer.authority


@pytest.mark.parametrize("rdtype", ["AAAA", "TXT"])
def test_there_is_no_record_of_another_type_and_the_soa_says_so(
    names: ZoneServer, rdtype: str
) -> None:
    answer = asked(names, HOST, rdtype)

    assert answer.rcode() == dns.rcode.NOERROR
    assert not answer.answer
    assert soa(answer)


def test_a_name_has_an_https_record_unless_it_is_taken_away(names: ZoneServer) -> None:
    answer = asked(names, HOST, "HTTPS")
    assert [str(record) for record in answer.answer[0]] == ['1 . alpn="http/1.1"']

    names.faults.add(Fault(kind=FaultKind.NO_HTTPS, service="names"))
    without = asked(names, HOST, "HTTPS")
    assert (without.rcode(), without.answer) == (dns.rcode.NOERROR, [])
    assert soa(without)


def test_only_hosts_of_techniques_have_keys_for_ech(names: ZoneServer) -> None:
    keyed = replace(names, ech=OriginEch.of(b"the key of the markers"))
    host = "cv-001.ways.accredit.test"

    assert ['1 . alpn="http/1.1"'] == [str(one) for one in asked(keyed, HOST, "HTTPS").answer[0]]
    (record,) = asked(keyed, host, "HTTPS").answer[0]
    assert read_configs(record.params[ParamKey.ECH].ech)[0].public_name == f"open.ways.{ZONE}"
    assert ['1 . alpn="http/1.1"'] == [str(one) for one in asked(names, host, "HTTPS").answer[0]]


def test_where_the_range_speaks_ipv6_its_names_say_so(names: ZoneServer) -> None:
    both = replace(names, dual_stack=True)

    assert [["127.0.0.1"], ["::1"]] == [
        [str(record) for record in asked(both, HOST, rdtype).answer[0]] for rdtype in ("A", "AAAA")
    ]
    assert soa(asked(both, "gone-001.special.accredit.test", "AAAA"))


def test_a_gone_name_does_not_exist(names: ZoneServer) -> None:
    answer = asked(names, "gone-001.special.accredit.test")

    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert soa(answer)


def test_any_name_can_be_made_gone(names: ZoneServer) -> None:
    names.faults.add(Fault(kind=FaultKind.GONE, hosts=frozenset({HOST})))

    assert not names.has(HOST)
    assert asked(names, HOST).rcode() == dns.rcode.NXDOMAIN
    assert names.has("gamb-002.canary.accredit.test")


def test_names_outside_the_zone_are_refused(names: ZoneServer) -> None:
    assert asked(names, "example.org").rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("rdtype", ["SOA", "NS"])
def test_the_apex_has_the_records_of_a_zone(names: ZoneServer, rdtype: str) -> None:
    assert dns.rdatatype.to_text(asked(names, "accredit.test", rdtype).answer[0].rdtype) == rdtype


def test_the_log_holds_the_question(names: ZoneServer) -> None:
    asked(names, HOST, "AAAA")

    (arrival,) = names.log.arrivals()
    assert (arrival.over, arrival.host, arrival.method) == ("dns", HOST, "AAAA")


def test_a_message_without_a_question_is_refused(names: ZoneServer) -> None:
    query = dns.message.QueryMessage()

    assert question_name(query) == ""
    assert names.answer(query).rcode() == dns.rcode.REFUSED


def test_the_server_answers_over_udp_and_tcp(
    world: RangeTestbed, ask: Callable[..., dns.message.Message]
) -> None:
    for tcp in (False, True):
        answer = ask(HOST, server=world.origin.resolver, tcp=tcp)
        assert [str(record) for record in answer.answer[0]] == ["127.0.0.1"]


def test_plain_twins_are_at_another_address() -> None:
    twin = twin_of(HOST, ZONE, TWIN_ZONE)
    names = ZoneServer(log=ArrivalLog(), dual_stack=True)

    assert names.address_of(twin) == TWIN_ADDRESS != names.address_of(HOST)
    assert TWIN_ADDRESS in asked(names, twin).answer[0].to_text()
    assert not asked(names, twin, "AAAA").answer
    gone = ZoneServer(
        log=ArrivalLog(), faults=Faults(Fault(kind=FaultKind.GONE, hosts=frozenset({HOST})))
    )
    assert asked(gone, twin).rcode() is dns.rcode.NXDOMAIN
