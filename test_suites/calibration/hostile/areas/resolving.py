"""Name servers that block what a tester usually asks for, and answer other clients."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype

from probes.range.zone_signing import ZoneSigner, wants_signatures
from test_suites.calibration.hostile.areas.area_supplier import Lookup, in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.name_service import Said

resolver = in_area("resolving")

FORMS, CHECKS, PARITY = "DNS-02", "DNS-03", "IP6-01"
OTHER = ZoneSigner("accredit.test")


def _but(lookup: Lookup, *, is_open: bool) -> Said:
    """Answer rightly, but truly where the supplier does not filter; sentinels are spared."""
    is_item = bool(lookup.told.rows_at(lookup.host)) or lookup.host.startswith("drug-")
    return lookup.question.truth() if is_open and is_item else lookup.rightly()


def _ipv4_alone(lookup: Lookup) -> Said:
    return _but(lookup, is_open=lookup.question.type != "A")


def _without_checks(lookup: Lookup) -> Said:
    query = lookup.question.query
    return _but(lookup, is_open=wants_signatures(query) or bool(query.flags & dns.flags.CD))


def _mixed_over_tcp(lookup: Lookup) -> Said:
    question = lookup.question
    is_mixed = question.asked_as != question.asked_as.lower()
    return _but(lookup, is_open=is_mixed and question.over == "tcp")


def _unsigned(lookup: Lookup) -> Said:
    return _resigned(lookup, None)


def _signed_by_itself(lookup: Lookup) -> Said:
    return _resigned(lookup, OTHER)


def _resigned(lookup: Lookup, signer: ZoneSigner | None) -> Said:
    """The right answer without its signatures, or with those of another key."""
    query = lookup.question.query
    if lookup.told.policy.is_blocked(lookup.host, "pupils"):
        return lookup.rightly()
    answer = lookup.question.service.names.answer(query)
    answer.answer = [one for one in answer.answer if one.rdtype != dns.rdatatype.RRSIG]
    if signer is not None and query.question[0].rdtype == dns.rdatatype.DNSKEY:
        answer.answer = [signer.keys]
    if signer is not None and wants_signatures(query):
        answer.authority = []
        signer.sign(answer, frozenset())
    return lookup.question.message(answer)


def _kept_for_days(lookup: Lookup) -> Said:
    if lookup.told.policy.is_blocked(lookup.host, "pupils"):
        return lookup.blocked(kept_for=3600)
    return lookup.rightly()


@resolver("Blocks the IPv4 addresses of names alone.", {FORMS, PARITY}, look_up=_ipv4_alone)
async def blocks_addresses_of_ipv4_alone(visit: Visit) -> None:
    await visit.rightly()


@resolver(
    "Answers clients that ask for signatures, or that check them themselves.",
    {FORMS},
    look_up=_without_checks,
    by_chance=frozenset({PARITY}),
)
async def answers_clients_that_validate(visit: Visit) -> None:
    await visit.rightly()


@resolver("Answers queries in mixed letter case over TCP.", {FORMS}, look_up=_mixed_over_tcp)
async def answers_mixed_case_over_tcp(visit: Visit) -> None:
    await visit.rightly()


@resolver("Takes the signatures of all answers away.", {CHECKS}, look_up=_unsigned)
async def takes_signatures_away(visit: Visit) -> None:
    await visit.rightly()


@resolver("Signs all answers with a key of its own.", {CHECKS}, look_up=_signed_by_itself)
async def signs_with_its_own_key(visit: Visit) -> None:
    await visit.rightly()


@resolver("Gives its blocks for an hour, which clients keep.", {CHECKS}, look_up=_kept_for_days)
async def gives_blocks_for_an_hour(visit: Visit) -> None:
    await visit.rightly()
