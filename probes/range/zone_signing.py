"""Sign the answers of the range's zones (DNSSEC, RFC 4033 to RFC 4035), one by one when asked for.

A zone has one key for everything (RFC 6781 section 3.1). That a name or a record does not exist is
denied by NSEC records around the name alone (RFC 4470). Names among ``forged`` get signatures with
one bit changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.dnssectypes
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from dns.rdtypes.ANY.RRSIG import RRSIG

from harness.model.content_form import PageContent
from harness.model.query_case import FORGED
from probes.range.zone import RANGE, normalise

KEY_TTL = 3600
SEPARATE_KEY = 257
"""The flags of a key that parents and trust anchors point to (RFC 4034 section 2.1.1)."""
LIFETIME = timedelta(days=7)
BEFORE = timedelta(hours=1)
"""How long before now a signature begins, for clients whose clock is behind."""


class ZoneSigner:
    """Signs the answers of one zone with a key that is made here."""

    def __init__(self, zone: str, forged: frozenset[str] = frozenset()) -> None:
        self.zone = zone
        self._forged_hosts = forged
        self._made: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._name = dns.name.from_text(zone)
        self._private = generate_private_key(SECP256R1())
        self._public = dns.dnssec.make_dnskey(
            self._private.public_key(),
            dns.dnssectypes.Algorithm.ECDSAP256SHA256,
            flags=SEPARATE_KEY,
        )

    @property
    def trust_anchor(self) -> str:
        """The zone's key as a line for a validating resolver (type DS)."""
        digest = dns.dnssec.make_ds(self._name, self._public, dns.dnssectypes.DSDigest.SHA256)
        return f"{self.zone}. IN DS {digest.to_text()}"

    @property
    def keys(self) -> dns.rrset.RRset:
        """The DNSKEY record of the zone."""
        return dns.rrset.from_rdata(self._name, KEY_TTL, self._public)

    def sign(self, response: dns.message.Message, types: frozenset[str]) -> None:
        """Add signatures to an answer, and denials to one that has no records.

        ``types`` are the types of records that the name has, which no denial may deny.
        """
        if not response.answer:
            self._deny(response, types)
        for section in (response.answer, response.authority):
            unsigned = [one for one in section if one.rdtype != dns.rdatatype.RRSIG]
            section += [self._signature(one) for one in unsigned]

    def _deny(self, response: dns.message.Message, types: frozenset[str]) -> None:
        name = response.question[0].name
        if response.rcode() == dns.rcode.NXDOMAIN:
            wildcard = dns.name.Name((b"*", *name.labels[1:]))
            for denied in (name, wildcard):
                response.authority.append(_nsec(_before(denied), _after(denied), frozenset()))
        else:
            response.authority.append(_nsec(name, _after(name), types))

    def _signature(self, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
        key = rrset.name.to_text(), rrset.to_text()
        if key not in self._made:
            now = datetime.now(UTC)
            signed = dns.dnssec.sign(
                rrset,
                self._private,
                self._name,
                self._public,
                inception=now - BEFORE,
                expiration=now + LIFETIME,
            )
            if normalise(rrset.name.to_text()) in self._forged_hosts:
                signed = _forged(signed)
            self._made[key] = dns.rrset.from_rdata(rrset.name, rrset.ttl, signed)
        return self._made[key]


def hosts_of(case: str, contents: Mapping[str, PageContent]) -> frozenset[str]:
    """Return the hosts at which an origin's name server does what a case says."""
    return frozenset(host for host, one in contents.items() if one.case == case)


def signers_of(contents: Mapping[str, PageContent]) -> tuple[ZoneSigner, ...]:
    """Return new signers of the range's zones; ``contents`` says whose signatures are forged."""
    forged = hosts_of(FORGED, contents)
    return tuple(ZoneSigner(zone, forged) for zone in RANGE.apexes)


def wants_signatures(query: dns.message.Message) -> bool:
    """Whether a query asks for signatures (DO, RFC 3225)."""
    return bool(query.ednsflags & dns.flags.DO)


def _nsec(owner: dns.name.Name, following: dns.name.Name, types: frozenset[str]) -> dns.rrset.RRset:
    present = " ".join(sorted({*types, "RRSIG", "NSEC"}))
    return dns.rrset.from_text(owner, 0, "IN", "NSEC", f"{following} {present}")


def _after(name: dns.name.Name) -> dns.name.Name:
    """Return the next name in canonical order (RFC 4034 section 6.1)."""
    return dns.name.Name((b"\0", *name.labels))


def _before(name: dns.name.Name) -> dns.name.Name:
    """Return a name shortly before another in canonical order, with the same parent."""
    label = name.labels[0].lower()
    return dns.name.Name((label[:-1] + bytes((label[-1] - 1,)) + b"~", *name.labels[1:]))


def _forged(signed: RRSIG) -> RRSIG:
    changed = signed.signature[:-1] + bytes((signed.signature[-1] ^ 1,))
    forged = signed.replace(signature=changed)
    assert isinstance(forged, RRSIG)
    return forged
