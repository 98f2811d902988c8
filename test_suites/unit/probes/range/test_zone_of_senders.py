"""The origin's name server answers for domains of senders of mail: SPF, DKIM, DMARC and MX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from harness.campaign.origin_file import read_origin
from harness.model.plain_twin import twin_of
from probes.mail.sender_domains import public_key_of
from probes.mail.signature import signing_key as signing_key_of
from probes.net.route import parse_address
from probes.range.arrival_log import ArrivalLog
from probes.range.name_server import NameServer, Reply, answer
from probes.range.resolver import ZoneServer
from probes.range.testbed import RangeTestbed, range_mail_key
from probes.range.zone import RANGE, TWIN_ZONE, ZONE, PageKind
from test_suites.kit.networks.mail_writing import signing_key
from test_suites.kit.networks.public_origin import TWINS as PUBLIC_TWINS
from test_suites.kit.networks.public_origin import ZONE as PUBLIC_ZONE
from test_suites.kit.networks.public_origin import origin_in

LABEL = "office-7f000001"
HOSTS = (f"{LABEL}.{ZONE}", f"{LABEL}.canary.{ZONE}", f"{LABEL}.{TWIN_ZONE}")
KEY = public_key_of(signing_key())


@pytest.fixture
def server() -> ZoneServer:
    return ZoneServer(log=ArrivalLog(), mail_key=KEY)


def asked(server: ZoneServer, host: str, rdtype: str) -> dns.message.Message:
    return server.answer(dns.message.make_query(host, rdtype, use_edns=0))


def texts(answered: dns.message.Message) -> list[str]:
    """The texts of TXT records as a receiver joins them (RFC 7208 section 3.3)."""
    return [
        b"".join(record.strings).decode() for rrset in answered.answer for record in rrset
    ]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_domain_of_senders_has_its_records(server: ZoneServer, host: str) -> None:
    assert ["v=spf1 ip4:127.0.0.1 -all"] == texts(asked(server, host, "TXT"))
    assert ["v=DMARC1; p=reject; adkim=s; aspf=s"] == texts(asked(server, f"_dmarc.{host}", "TXT"))
    assert [f"v=DKIM1; k=rsa; p={KEY}"] == texts(asked(server, f"k1._domainkey.{host}", "TXT"))
    (mx,) = asked(server, host, "MX").answer[0]
    assert f"10 {host}." == str(mx)
    assert asked(server, host, "TXT").flags & dns.flags.AA
    assert f"{LABEL.upper()}.{host.partition('.')[2]}" not in host
    assert ["v=spf1 ip4:127.0.0.1 -all"] == texts(asked(server, host.upper(), "TXT"))


@pytest.mark.parametrize("host", HOSTS)
def test_it_has_an_address_like_other_hosts(server: ZoneServer, host: str) -> None:
    (address,) = asked(server, host, "A").answer[0]

    assert RANGE.addresses_of(host, 4) == [str(address)]
    no_data = asked(server, host, "AAAA")
    assert (dns.rcode.NOERROR, []) == (no_data.rcode(), no_data.answer)
    assert dns.rdatatype.SOA == no_data.authority[0].rdtype


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("_dmarc.{}", "MX"), ("k1._domainkey.{}", "MX"), ("_domainkey.{}", "TXT"),
        ("k2._domainkey.{}", "TXT"), ("www.{}", "MX"), ("{}", "CAA"), ("{}", "SRV"),
    ],
)  # fmt: skip
def test_other_questions_about_it_get_no_data(server: ZoneServer, name: str, rdtype: str) -> None:
    for zone in (ZONE, f"canary.{ZONE}"):
        answered = asked(server, name.format(f"{LABEL}.{zone}"), rdtype)

        assert (dns.rcode.NOERROR, []) == (answered.rcode(), answered.answer)
        assert dns.rdatatype.SOA == answered.authority[0].rdtype


def test_without_a_key_there_is_no_record_of_it(server: ZoneServer) -> None:
    without = replace(server, mail_key="")

    for host in HOSTS:
        answered = asked(without, f"k1._domainkey.{host}", "TXT")
        assert (dns.rcode.NOERROR, []) == (answered.rcode(), answered.answer)
        assert texts(asked(without, host, "TXT"))


def test_the_zone_of_the_twins_has_no_further_names(server: ZoneServer) -> None:
    for name in (
        f"www.{LABEL}.{TWIN_ZONE}", f"{LABEL}.mail.{TWIN_ZONE}", f"office-7f00000.{TWIN_ZONE}",
        f"k2._domainkey.{LABEL}.{TWIN_ZONE}", f"_dmarc.{TWIN_ZONE}",
    ):  # fmt: skip
        assert dns.rcode.NXDOMAIN == asked(server, name, "TXT").rcode(), name
    twin = twin_of(f"{LABEL}.canary.{ZONE}", ZONE, TWIN_ZONE)
    assert [] == asked(server, twin, "TXT").answer


def test_other_hosts_have_no_records_of_mail_and_gone_ones_are_gone(server: ZoneServer) -> None:
    for rdtype in ("TXT", "MX"):
        assert [] == asked(server, f"gamb-001.canary.{ZONE}", rdtype).answer
        assert [] == asked(server, ZONE, rdtype).answer
        assert [] == asked(server, TWIN_ZONE, rdtype).answer
        assert dns.rcode.NXDOMAIN == asked(server, f"gone-1.special.{ZONE}", rdtype).rcode()
        assert dns.rcode.REFUSED == asked(server, f"{LABEL}.example.org", rdtype).rcode()


def test_zones_that_are_not_served_at_an_address_have_no_senders() -> None:
    twins = ZoneServer(log=ArrivalLog(), names=replace(RANGE, served="twins"), mail_key=KEY)
    zones = ZoneServer(log=ArrivalLog(), names=replace(RANGE, served="zones"), mail_key=KEY)

    for server, own, other in ((twins, HOSTS[2], HOSTS[0]), (zones, HOSTS[0], HOSTS[2])):
        assert texts(asked(server, own, "TXT"))
        assert dns.rcode.REFUSED == asked(server, other, "TXT").rcode()


def test_a_domain_of_digits_is_no_page_of_a_category() -> None:
    host = f"office-12345678.canary.{ZONE}"

    assert ("", PageKind.NEUTRAL) == (RANGE.code_of(host), RANGE.kind_of(host))
    assert "OFFICE" == RANGE.code_of(f"office-123.canary.{ZONE}")


def test_a_key_is_sent_in_strings_that_are_not_too_long(server: ZoneServer) -> None:
    (record,) = asked(server, f"k1._domainkey.{HOSTS[0]}", "TXT").answer[0]

    assert [255, len(f"v=DKIM1; k=rsa; p={KEY}") - 255] == [len(one) for one in record.strings]


def test_an_answer_that_does_not_fit_is_truncated(server: ZoneServer) -> None:
    host = f"k1._domainkey.{LABEL}.{'a' * 60}.{ZONE}"
    sent: list[bytes] = []
    query = dns.message.make_query(host, "TXT")

    answer(
        lambda one: Reply(message=server.answer(one)), query.to_wire(), sent.append,
        most=512, over_udp=True,
    )  # fmt: skip

    cut = dns.message.from_wire(sent[0])
    assert cut.flags & dns.flags.TC
    assert len(sent[0]) <= 512


async def test_the_key_is_read_over_udp_and_tcp(server: ZoneServer) -> None:
    import dns.asyncquery  # noqa: PLC0415 - for this test alone

    async with NameServer(lambda query: Reply(message=server.answer(query))) as names:
        query = dns.message.make_query(f"k1._domainkey.{HOSTS[2]}", "TXT")
        for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
            answered = await ask(query, "127.0.0.1", timeout=20, port=names.port)
            assert [f"v=DKIM1; k=rsa; p={KEY}"] == texts(answered)


async def test_the_range_has_a_key_in_its_file_and_in_its_zone(
    world: RangeTestbed,
) -> None:
    import dns.asyncquery  # noqa: PLC0415 - for this test alone

    key = world.origin.services["mail"]["dkim"]
    assert range_mail_key() == key
    assert "PRIVATE KEY" not in repr(world.origin)
    server = parse_address(world.origin.resolver, "resolver", 53)
    for address in (server, parse_address(_of_filter(world), "resolver", 53)):
        query = dns.message.make_query(f"k1._domainkey.{HOSTS[1]}", "TXT")
        answered = await dns.asyncquery.tcp(query, address.host, timeout=20, port=address.port)
        assert [f"v=DKIM1; k=rsa; p={public_key_of(key)}"] == texts(answered)


async def test_a_public_origin_answers_with_the_key_of_its_settings(
    folder: Path, reports: list[str]
) -> None:
    import dns.asyncquery  # noqa: PLC0415 - for this test alone

    key = signing_key_of(read_origin(folder / "origin.json").services, "origin.json")
    async with origin_in(folder, reports) as origin:
        port = origin.settings.ports.dns
        for zone in (PUBLIC_ZONE, PUBLIC_TWINS):
            query = dns.message.make_query(f"k1._domainkey.{LABEL}.{zone}", "TXT")
            answered = await dns.asyncquery.udp(query, "127.0.0.1", timeout=20, port=port)
            assert [f"v=DKIM1; k=rsa; p={public_key_of(key)}"] == texts(answered)


def _of_filter(world: RangeTestbed) -> str:
    return str(world.origin.services["reference"]["resolver"]["ks2"])
