"""Several zones are served; nothing connects the plain twins with them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
from cryptography import x509
from pydantic import ValidationError

from harness.model.origin_zone import OriginZone
from harness.model.plain_twin import twin_of
from probes.range.arrival_log import ArrivalLog
from probes.range.authority import Authority, SeparateCertificates
from probes.range.origin_settings import OriginSettings, TwinSettings
from probes.range.public_origin import PublicOrigin
from probes.range.resolver import ZoneServer
from probes.range.zone import PageKind, ZoneNames
from test_suites.kit.networks.public_origin import TWINS, ZONE, origin_in, write_folder

SECOND = "meadow.example"
APART = "127.0.0.9"
HOST, OTHER = f"drug-001.canary.{ZONE}", f"drug-001.canary.{SECOND}"
TWIN, OTHER_TWIN = twin_of(HOST, ZONE, TWINS), twin_of(OTHER, SECOND, TWINS, 1)
NAMES = ZoneNames(
    zones=tuple(
        OriginZone(zone=zone, addresses=(address,), nameservers=(f"ns1.{zone}",))
        for zone, address in ((ZONE, "192.0.2.10"), (SECOND, "192.0.2.20"))
    ),
    twins=OriginZone(zone=TWINS, addresses=("198.51.100.10",), nameservers=(f"ns1.{TWINS}",)),
    challenge_alias="a.example.org",
    twin_challenge_alias="b.example.net",
)


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[PublicOrigin]:
    write_folder(
        tmp_path / "origin",
        zones=tuple({"zone": zone, "addresses": ("127.0.0.1",)} for zone in (ZONE, SECOND)),
        twins={"zone": TWINS, "addresses": (APART,), "authority": "twin-authority-key.pem"},
    )
    reports: list[str] = []
    async with origin_in(tmp_path / "origin", reports) as served:
        yield served
    assert [] == reports


async def page(origin: PublicOrigin, address: str, host: str, path: str = "/") -> bytes:
    reader, writer = await asyncio.open_connection(address, origin.settings.ports.http)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    body = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return body


async def asked(origin: PublicOrigin, address: str, host: str, rdtype: str) -> dns.message.Message:
    query = dns.message.make_query(host, rdtype)
    return await dns.asyncquery.udp(query, address, port=origin.settings.ports.dns, timeout=10)


async def issuer(origin: PublicOrigin, address: str, name: str | None) -> str:
    """The issuer of the certificate that is shown at an address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(
        address, origin.settings.ports.https, ssl=context, server_hostname=name or ""
    )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).issuer.rfc4514_string()


async def test_each_zone_has_its_pages_and_a_health_page_that_names_it_alone(
    origin: PublicOrigin,
) -> None:
    for zone, host in ((ZONE, HOST), (SECOND, OTHER)):
        assert b"ACCREDIT-MARKER-DRUG" in await page(origin, "127.0.0.1", host)
        health = (await page(origin, "127.0.0.1", zone, "/health")).partition(b"\r\n\r\n")[2]
        assert zone == json.loads(health)["zone"]
        for other in {ZONE, SECOND, TWINS} - {zone}:
            assert other.encode() not in health
    for host in (TWIN, OTHER_TWIN):
        assert b"ACCREDIT-MARKER-DRUG" in await page(origin, APART, host)


@pytest.mark.parametrize(
    ("address", "host"),
    [(APART, HOST), (APART, ZONE), (APART, SECOND), (APART, TWINS), ("127.0.0.1", TWIN)],
)
async def test_the_twins_address_serves_the_twins_alone(
    origin: PublicOrigin, address: str, host: str
) -> None:
    assert b" 421 " in (await page(origin, address, host, "/health"))[:16]
    if host != TWINS:
        for rdtype in ("A", "SOA", "NS"):
            answer = await asked(origin, address, host, rdtype)
            assert dns.rcode.REFUSED is answer.rcode()
            assert not answer.flags & dns.flags.AA
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        await issuer(origin, address, host)


async def test_the_twins_have_their_own_authority_soa_and_servers(origin: PublicOrigin) -> None:
    ours, theirs = await issuer(origin, "127.0.0.1", HOST), await issuer(origin, APART, TWIN)
    assert ours != theirs
    assert ours == await issuer(origin, "127.0.0.1", None)
    assert theirs == await issuer(origin, APART, None)
    for rdtype in ("SOA", "NS", "A", "MX"):
        answer = await asked(origin, APART, TWINS, rdtype)
        text = answer.to_text()
        assert dns.rcode.NOERROR is answer.rcode()
        assert TWINS in text
        assert ZONE not in text
        assert SECOND not in text


@pytest.mark.parametrize(
    ("zone", "address"),
    [(ZONE, "192.0.2.10"), (SECOND, "192.0.2.20"), (TWINS, "198.51.100.10")],
)
def test_each_zone_answers_with_its_own_soa_server_and_addresses(zone: str, address: str) -> None:
    server = ZoneServer(log=ArrivalLog(), names=NAMES, is_resolver=False)

    def records(host: str, rdtype: str) -> list[str]:
        answer = server.answer(dns.message.make_query(host, rdtype)).answer
        return [str(record) for rrset in answer for record in rrset]

    assert [f"ns1.{zone}."] == records(zone, "NS")
    assert [address] == records(f"ns1.{zone}", "A")
    assert records(zone, "SOA")[0].startswith(f"ns1.{zone}. hostmaster.{zone}. ")
    missing = server.answer(dns.message.make_query(f"gone-1.{zone}", "A"))
    assert f"{zone}." == str(missing.authority[0].name)
    alias = "b.example.net." if zone == TWINS else "a.example.org."
    assert [alias] == records(f"_acme-challenge.{zone}", "TXT")


def test_a_twin_tells_the_origin_which_zone_it_is_of() -> None:
    assert TWIN != OTHER_TWIN
    assert (HOST, OTHER) == (NAMES.original_host(TWIN), NAMES.original_host(OTHER_TWIN))
    assert PageKind.CATEGORY is NAMES.kind_of(OTHER_TWIN)
    one_zone = replace(NAMES, zones=NAMES.zones[:1])
    assert OTHER_TWIN == one_zone.original_host(OTHER_TWIN)
    assert not one_zone.exists(OTHER_TWIN)


def test_twins_without_a_certificate_have_no_https() -> None:
    authority = Authority()
    certificates = SeparateCertificates(names=NAMES, zones=authority, twins=None)

    for host in (TWIN, TWINS):
        with pytest.raises(LookupError):
            certificates.context(host)
    assert certificates.context(HOST) is authority.context(HOST)
    assert certificates.ends == authority.ends


def settings(own: tuple[str, ...] = (), /, **twins: object) -> OriginSettings:
    declared = {"zone": TWINS, "addresses": ("192.0.2.11",), "authority": "t.pem"} | twins
    return OriginSettings.model_validate(
        {
            "zones": ({"zone": ZONE, "addresses": ("192.0.2.10", "2001:db8::10")},),
            "twins": declared,
            "listen": own,
            "key": "k",
            "authority": "a.pem",
        }
    )


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (settings(), [("zones", ("192.0.2.10", "2001:db8::10")), ("twins", ("192.0.2.11",))]),
        (settings(addresses=("192.0.2.10",)), [("all", ("192.0.2.10", "2001:db8::10"))]),
        (settings(("0.0.0.0",)), [("all", ("0.0.0.0",))]),
        (settings(("10.0.0.1",), listen=("10.0.0.2",)), [("zones", ("10.0.0.1",)), ("twins", ("10.0.0.2",))]),
        (
            settings(addresses=("192.0.2.10", "192.0.2.11")),
            [("all", ("192.0.2.10",)), ("zones", ("2001:db8::10",)), ("twins", ("192.0.2.11",))],
        ),
    ],
)  # fmt: skip
def test_an_address_of_the_twins_alone_serves_nothing_else(
    declared: OriginSettings, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert expected == [(part.names.served, part.addresses) for part in declared.listeners]
    assert {address for _, part in expected for address in part} == set(declared.listening)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nameservers": (f"ns1.{ZONE}",)}, f"the name server ns1.{ZONE} connects the plain twins"),
        ({"zone": f"x.{ZONE}"}, "must be apart"),
        ({"certificate": "c.pem"}, "a certificate needs its key"),
        ({"certificate": "c.pem", "certificate_key": "k.pem"}, "name either a certificate"),
        ({"addresses": ()}, "at least 1 item"),
    ],
)
def test_what_would_connect_the_twins_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


@pytest.mark.parametrize(
    ("listen", "twins"),
    [
        (("0.0.0.0", "::"), ("192.0.2.11",)),
        (("0.0.0.0", "::"), ("2001:db8::11",)),
        (("192.0.2.10",), ("0.0.0.0",)),
        (("0.0.0.0", "192.0.2.10"), ()),
    ],
)
def test_a_wildcard_leaves_no_address_to_the_twins(
    listen: tuple[str, ...], twins: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError, match=r"takes every address .* list the addresses one by"):
        settings(listen, listen=twins)


def test_a_wildcard_of_the_other_family_is_no_obstacle() -> None:
    assert ("::", "192.0.2.11") == settings(("::",), listen=("192.0.2.11",)).listening
    assert ("0.0.0.0",) == settings(("0.0.0.0",), listen=("0.0.0.0",)).listening


def test_a_name_server_of_both_connects_them() -> None:
    given = settings()
    twins = TwinSettings(zone=TWINS, addresses=("192.0.2.11",), nameservers=("ns.example.com",))
    zones = (given.zones[0].model_copy(update={"nameservers": ("ns.example.com",)}),)

    with pytest.raises(ValidationError, match=r"the name server ns\.example\.com connects"):
        OriginSettings(zones=zones, twins=twins, key="k", authority="a.pem")
