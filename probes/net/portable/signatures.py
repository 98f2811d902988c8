"""Validate the signatures of a DNS answer (RFC 4035 section 5) with keys from the same server.

That the keys are those of the zone is not shown here: the judge compares them with the keys that
the control line used. What a server sends is bounded, because validating many signatures with many
keys of one tag is costly (CVE-2023-50387).
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, cast

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from msgspec.structs import replace

from harness.model.facts import DnsFacts, DnsRecord, SignatureSighting
from harness.ports.network import Answer, Line, Question

if TYPE_CHECKING:
    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.RRSIG import RRSIG

MOST_RECORDS = 24
"""The most records of an answer that are read: signatures and keys among them."""
MOST_SETS = 6
"""The most sets of records that are validated, and the most zones whose keys are asked for."""
LARGEST_KEY = 1100
"""Characters of a key's text; an RSA key of 4096 bits has 700."""
SIGNATURE, KEY = "RRSIG", "DNSKEY"


class _Sighting(NamedTuple):
    """What was found of the signatures, and the digests of the keys that were used."""

    found: SignatureSighting
    keys: tuple[str, ...] = ()


class _Signed(NamedTuple):
    """The records of one name and type, and their signatures."""

    rrset: dns.rrset.RRset
    signatures: tuple[RRSIG, ...]


async def with_signatures(question: Question, line: Line) -> Answer:
    """Ask a question and the keys of the zones that signed the answer; record what was found."""
    answer = await line.ask(question)
    facts = answer.facts
    if answer.failure is not None or not facts.answers:
        return answer
    signed = _signed_sets(facts)
    if signed is None:
        sighting = _Sighting("invalid")
    elif not signed or any(not each.signatures for each in signed):
        sighting = _Sighting("absent")
    else:
        signers = sorted({one.signer for each in signed for one in each.signatures})
        keys = {}
        for signer in signers[:MOST_SETS]:
            keys[signer] = await _keys_of(signer, question, line)
        sighting = _validated(signed, keys)
    return Answer(
        facts=replace(facts, signatures=sighting.found, keys=sighting.keys),
        timings=answer.timings,
    )


async def _keys_of(signer: dns.name.Name, question: Question, line: Line) -> dns.rrset.RRset | None:
    """Return the keys of a zone that are signed by themselves; None if there are none."""
    asked = Question(name=signer.to_text(), type=KEY, timeout=question.timeout)
    sets = _signed_sets((await line.ask(asked)).facts) or []
    for each in sets:
        if each.rrset.rdtype == dns.rdatatype.DNSKEY and each.rrset.name == signer:
            keys = {signer: each.rrset}
            if any(_used_key(each.rrset, one, keys) for one in each.signatures):
                return each.rrset
    return None


def _validated(
    signed: Iterable[_Signed], keys: dict[dns.name.Name, dns.rrset.RRset | None]
) -> _Sighting:
    """Validate each set of records: one valid signature of each is enough."""
    known = {signer: found for signer, found in keys.items() if found is not None}
    used: list[str] = []
    for each in signed:
        by_zone = [one for one in each.signatures if one.signer in known]
        if not by_zone:
            return _Sighting("without keys")
        digests = [_used_key(each.rrset, one, known) for one in by_zone]
        valid = [digest for digest in digests if digest]
        if not valid:
            return _Sighting("invalid")
        used.append(valid[0])
    return _Sighting("valid", tuple(dict.fromkeys(used)))


def _used_key(
    rrset: dns.rrset.RRset, signature: RRSIG, keys: dict[dns.name.Name, dns.rrset.RRset]
) -> str:
    """Return the digest of the key with which a signature is valid; empty if there is none."""
    if not rrset.name.is_subdomain(signature.signer):
        return ""
    for one in keys[signature.signer]:
        key = cast("DNSKEY", one)
        if dns.dnssec.key_id(key) != signature.key_tag or key.algorithm != signature.algorithm:
            continue
        alone = dns.rrset.from_rdata(signature.signer, 0, key)
        try:
            dns.dnssec.validate_rrsig(rrset, signature, {signature.signer: alone}, now=time.time())
        except (dns.exception.DNSException, ValueError):
            continue
        return hashlib.sha256(key.to_wire() or b"").hexdigest()
    return ""


def _signed_sets(facts: DnsFacts) -> list[_Signed] | None:
    """Return the sets of records of an answer with their signatures; None if they are odd."""
    if len(facts.records) > MOST_RECORDS or any(_is_odd(one) for one in facts.records):
        return None
    texts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    signatures: defaultdict[tuple[str, str], list[RRSIG]] = defaultdict(list)
    try:
        for record in facts.records:
            if record.type == SIGNATURE:
                one = cast(
                    "RRSIG",
                    dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.RRSIG, record.data),
                )
                covered = dns.rdatatype.to_text(one.type_covered)
                signatures[record.name, covered].append(one)
            else:
                texts[record.name, record.type].append(record.data)
        sets = [
            _Signed(
                dns.rrset.from_text_list(f"{name}.", 0, "IN", type_, several),
                tuple(signatures[name, type_]),
            )
            for (name, type_), several in texts.items()
        ]
    except (dns.exception.DNSException, ValueError):
        return None
    return sets if len(sets) <= MOST_SETS else None


def _is_odd(record: DnsRecord) -> bool:
    return record.type == KEY and len(record.data) > LARGEST_KEY
