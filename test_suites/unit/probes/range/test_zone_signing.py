"""The range's signatures and denials are those of a signed zone."""

from __future__ import annotations

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from dns.exception import ValidationFailure

from probes.range.arrival_log import ArrivalLog
from probes.range.resolver import ZoneServer
from probes.range.zone_signing import ZoneSigner

SIGNER = ZoneSigner("accredit.test", frozenset({"forged.canary.accredit.test"}))
ZONES = ZoneServer(
    log=ArrivalLog(), signers=(SIGNER,), aliases=frozenset({"a.sites.accredit.test"})
)
APEX = dns.name.from_text("accredit.test")


def asked(name: str, kind: str = "A", *, signed: bool = True) -> dns.message.Message:
    return ZONES.answer(dns.message.make_query(name, kind, want_dnssec=signed))


def validate(section: list[dns.rrset.RRset]) -> None:
    """Validate each set of records of a section with the zone's key."""
    for rrset in (one for one in section if one.rdtype != dns.rdatatype.RRSIG):
        signature = next(
            one
            for one in section
            if (
                one.rdtype == dns.rdatatype.RRSIG
                and one.name == rrset.name
                and one.covers == rrset.rdtype
            )
            or (
                one.rdtype == dns.rdatatype.RRSIG
                and one.name == rrset.name
                and one[0].type_covered == rrset.rdtype
            )
        )
        dns.dnssec.validate(rrset, signature, {APEX: SIGNER.keys})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("drug-001.canary.accredit.test", "A"),
        ("drug-001.canary.accredit.test", "HTTPS"),
        ("a.sites.accredit.test", "A"),
        ("a.sites.accredit.test", "CNAME"),
        ("accredit.test", "DNSKEY"),
        ("accredit.test", "SOA"),
    ],
)
def test_answers_are_signed(name: str, kind: str) -> None:
    response = asked(name, kind)

    assert response.answer
    validate(response.answer)


def test_nothing_is_signed_for_clients_that_do_not_ask() -> None:
    kinds = {one.rdtype for one in asked("drug-001.canary.accredit.test", signed=False).answer}

    assert kinds == {dns.rdatatype.A}


def test_a_forged_signature_is_not_valid() -> None:
    with pytest.raises(ValidationFailure):
        validate(asked("forged.canary.accredit.test").answer)


def test_what_a_name_does_not_have_is_denied() -> None:
    response = asked("drug-001.canary.accredit.test", "MX")
    [denial] = [one for one in response.authority if one.rdtype == dns.rdatatype.NSEC]

    validate(response.authority)
    assert denial.name == dns.name.from_text("drug-001.canary.accredit.test")
    assert denial[0].to_text().split()[1:] == ["A", "RRSIG", "NSEC", "HTTPS"]


def test_a_name_that_does_not_exist_is_denied_with_its_wildcard() -> None:
    name = dns.name.from_text("gone-1.special.accredit.test")
    response = asked(name.to_text())
    denials = [one for one in response.authority if one.rdtype == dns.rdatatype.NSEC]

    assert response.rcode() == dns.rcode.NXDOMAIN
    validate(response.authority)
    for denied in (name, dns.name.from_text("*.special.accredit.test")):
        assert any(one.name < denied < one[0].next for one in denials)


def test_the_trust_anchor_is_that_of_the_key() -> None:
    zone, _, kind, *_ = SIGNER.trust_anchor.split()

    assert (zone, kind) == ("accredit.test.", "DS")
    assert SIGNER.trust_anchor != ZoneSigner("accredit.test").trust_anchor
