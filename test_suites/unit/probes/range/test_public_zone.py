"""A public zone answers for itself alone, with its own name servers, and never with much."""

from __future__ import annotations

from dataclasses import replace

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.update
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.model.origin_zone import OriginZone
from harness.model.plain_twin import twin_of
from probes.range.arrival_log import ArrivalLog
from probes.range.name_server import Reply, answer
from probes.range.resolver import ZoneServer
from probes.range.zone import RANGE, PageKind, ZoneNames

ZONE, TWINS = "canary.example.org", "fair-orchard.example.net"
SECOND = "meadow.example.com"
ADDRESSES = ("192.0.2.10", "2001:db8::10")
NAMES = ZoneNames(
    zones=(
        OriginZone(zone=ZONE, addresses=ADDRESSES, nameservers=(f"ns1.{ZONE}", "ns2.example.com")),
        OriginZone(zone=SECOND, addresses=("192.0.2.20",), nameservers=(f"ns1.{SECOND}",)),
    ),
    twins=OriginZone(zone=TWINS, addresses=("198.51.100.10",), nameservers=(f"ns1.{TWINS}",)),
    challenge_alias="challenges.example.com",
)
HOST = f"porn-nude-017.canary.{ZONE}"


@pytest.fixture
def server() -> ZoneServer:
    return ZoneServer(log=ArrivalLog(), names=NAMES, is_resolver=False)


def asked(server: ZoneServer, host: str, rdtype: str = "A") -> dns.message.Message:
    return server.answer(dns.message.make_query(host, rdtype, use_edns=0))


def records(answered: dns.message.Message) -> list[str]:
    return [str(record) for rrset in answered.answer for record in rrset]


def test_names_of_another_zone_have_their_kinds_too() -> None:
    assert (PageKind.CATEGORY, "PORN.NUDE") == (NAMES.kind_of(HOST), NAMES.code_of(HOST))
    assert PageKind.SLOW is NAMES.kind_of(f"slow-1.special.{ZONE}")
    assert not NAMES.is_within("gamb-001.canary.accredit.test")
    twin = twin_of(HOST, ZONE, TWINS)
    assert (HOST, True) == (NAMES.original_host(twin), NAMES.exists(twin))
    assert not replace(NAMES, twins=None).is_within(twin)


def test_names_have_the_published_addresses_and_nobody_is_promised_recursion(
    server: ZoneServer,
) -> None:
    answered = asked(server, HOST)

    assert ["192.0.2.10"] == records(answered)
    assert ["2001:db8::10"] == records(asked(server, HOST, "AAAA"))
    assert answered.flags & dns.flags.AA
    assert not answered.flags & dns.flags.RA
    twin = twin_of(HOST, ZONE, TWINS)
    assert ["198.51.100.10"] == records(asked(server, twin))
    assert [] == records(asked(server, twin, "AAAA"))


def test_the_zone_names_its_servers_with_the_addresses_of_its_own(server: ZoneServer) -> None:
    answered = asked(server, ZONE, "NS")

    assert [f"ns1.{ZONE}.", "ns2.example.com."] == records(answered)
    glue = {(str(each.name), str(each[0])) for each in answered.additional}
    assert {(f"ns1.{ZONE}.", "192.0.2.10"), (f"ns1.{ZONE}.", "2001:db8::10")} == glue
    assert ["192.0.2.10"] == records(asked(server, f"ns1.{ZONE}"))


def test_the_twins_zone_is_a_zone_of_its_own(server: ZoneServer) -> None:
    assert [f"ns1.{TWINS}."] == records(asked(server, TWINS, "NS"))
    assert ["198.51.100.10"] == records(asked(server, f"ns1.{TWINS}"))
    (soa,) = records(asked(server, TWINS, "SOA"))
    assert soa.startswith(f"ns1.{TWINS}. hostmaster.{TWINS}. ")
    bare = asked(server, TWINS)
    assert (dns.rcode.NOERROR, []) == (bare.rcode(), records(bare))
    missing = asked(server, f"zz.{TWINS}")
    assert dns.rcode.NXDOMAIN is missing.rcode()
    assert f"{TWINS}." == str(missing.authority[0].name)


@pytest.mark.parametrize("host", ["example.com", "example.org", "accredit.test", "org", "."])
def test_other_names_are_refused_with_an_answer_that_is_no_longer(
    server: ZoneServer, host: str
) -> None:
    query = dns.message.make_query(host, "A")
    answered = server.answer(query)

    assert dns.rcode.REFUSED is answered.rcode()
    assert not answered.flags & (dns.flags.RA | dns.flags.AA)
    assert len(answered.to_wire()) <= len(query.to_wire())


@pytest.mark.parametrize(
    "labels",
    [
        (b"x.canary", b"example", b"org"),
        (b"canary.example.org",),
        (b"www", b"canary", b"example", b"org:80", b"example", b"com"),
        (b"porn-001", b"canary.canary", b"example", b"org"),
    ],
)
def test_a_label_that_only_looks_like_the_zone_is_another_name(
    server: ZoneServer, labels: tuple[bytes, ...]
) -> None:
    query = dns.message.make_query(dns.name.Name((*labels, b"")), "A")

    assert dns.rcode.REFUSED is server.answer(query).rcode()


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
def test_the_zone_is_not_transferred(server: ZoneServer, rdtype: str) -> None:
    query = dns.message.make_query(ZONE, dns.rdatatype.from_text(rdtype))

    assert dns.rcode.REFUSED is server.answer(query).rcode()


def test_any_is_answered_with_next_to_nothing(server: ZoneServer) -> None:
    answered = asked(server, ZONE, "ANY")

    assert ([], dns.rcode.NOERROR) == (records(answered), answered.rcode())
    assert len(answered.to_wire()) < 160


def test_other_classes_updates_and_versions_are_refused(server: ZoneServer) -> None:
    chaos = dns.message.make_query("version.bind", "TXT", dns.rdataclass.CH)
    update = dns.update.UpdateMessage(ZONE)
    update.add("x", 60, "A", "192.0.2.1")
    notify = dns.message.make_query(ZONE, "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    newer = dns.message.make_query(HOST, "A")
    newer.use_edns(1)

    assert dns.rcode.REFUSED is server.answer(chaos).rcode()
    assert dns.rcode.NOTIMP is server.answer(update).rcode()
    assert dns.rcode.NOTIMP is server.answer(notify).rcode()
    assert dns.rcode.BADVERS is server.answer(newer).rcode()


def test_a_challenge_is_looked_for_elsewhere(server: ZoneServer) -> None:
    for host in (f"_acme-challenge.{ZONE}", f"_acme-challenge.canary.{ZONE}"):
        answered = asked(server, host, "TXT")
        assert ["challenges.example.com."] == records(answered)
        assert dns.rdatatype.CNAME is answered.answer[0].rdtype


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "NS", "SOA", "TXT", "HTTPS", "ANY", "DNSKEY"])
@pytest.mark.parametrize("host", [ZONE, HOST, f"{'x' * 60}.{ZONE}", TWINS, f"gone-1.{ZONE}"])
def test_no_answer_is_much_longer_than_its_question(
    server: ZoneServer, host: str, rdtype: str
) -> None:
    query = dns.message.make_query(host, rdtype)
    sent: list[bytes] = []
    answer(
        lambda asked: _reply(server, asked), query.to_wire(), sent.append, most=1232, over_udp=True
    )

    assert len(sent[0]) <= 512
    assert len(sent[0]) <= 5 * len(query.to_wire())


def test_what_does_not_fit_is_cut_off_and_says_so() -> None:
    many = tuple(f"ns.{'long-' * 8}{number}.{ZONE}" for number in range(12))
    server = ZoneServer(
        log=ArrivalLog(),
        names=ZoneNames(zones=(OriginZone(zone=ZONE, addresses=ADDRESSES, nameservers=many),)),
        is_resolver=False,
    )
    sent: list[bytes] = []
    wire = dns.message.make_query(ZONE, "NS").to_wire()
    answer(lambda asked: _reply(server, asked), wire, sent.append, most=1232, over_udp=True)
    answer(lambda asked: _reply(server, asked), wire, sent.append)

    cut, whole = map(dns.message.from_wire, sent)
    assert len(sent[0]) <= 512 < len(sent[1])
    assert (True, 12) == (bool(cut.flags & dns.flags.TC), len(whole.answer[0]))


def _reply(server: ZoneServer, query: dns.message.Message) -> Reply:
    return Reply(message=server.answer(query))


def zone_reply(query: dns.message.Message) -> Reply:
    server = ZoneServer(log=ArrivalLog(max_kept=0), names=RANGE, is_resolver=False)
    return Reply(message=server.answer(query))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.binary(max_size=300)
    | st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=6), st.integers(0, 60)).map(
        lambda change: _damaged(*change)
    )
)
def test_what_is_no_question_is_never_an_error(wire: bytes) -> None:
    sent: list[bytes] = []
    answer(zone_reply, wire, sent.append, most=1232, over_udp=True)

    assert len(sent) <= 1
    assert all(len(each) <= max(512, 1232) for each in sent)


def _damaged(start: int, content: bytes, cut: int) -> bytes:
    wire = bytearray(dns.message.make_query("a.accredit.test", "A", use_edns=0).to_wire())
    wire[start : start + len(content)] = content
    return bytes(wire[: len(wire) - cut] if cut % 3 == 0 else wire)


def test_an_answer_is_not_answered() -> None:
    response = dns.message.make_response(dns.message.make_query("a.accredit.test", "A"))
    sent: list[bytes] = []
    answer(zone_reply, response.to_wire(), sent.append)

    assert [] == sent
