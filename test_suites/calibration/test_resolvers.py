"""Name servers: DNS-02 and DNS-03 met, broken, and without their preconditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from corpora.resolver_names import RESOLVER_PACK, resolver_names
from harness.estimate.resolver_metrics import (
    FORGED,
    NEVER_BLOCKED,
    REASONS,
    SHORT,
    SIGNED,
    UNVALIDATED,
)
from harness.model.outcome import Conformity, Outcome
from harness.model.query_case import FORMS_OF_QUERIES, QueryForm, query_form
from probes.range.resolver import question_name
from probes.range.testbed import RangeTestbed
from probes.range.zone_signing import ZoneSigner, wants_signatures
from test_suites.calibration.name_service import Over, serving
from test_suites.kit.campaigns.ranges import pack_campaign, world_of
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, rehearse

PAGES = resolver_names("resolvers", ("DRUG", "PORN"), timed=2)
HARMFUL = frozenset(row["value"] for row in PAGES.rows if row["labels"] != "CTRL")
SENTINEL = "copper-meadow.accredit.test"
SCHEME = """\
id: our-school
version: "1.0"
title: How names are filtered
policy: uk-schools-2026
requirements: [{id: DNS-02}, {id: DNS-03}]
"""
PATIENCE = QUICK | {"timeout": 5, "confirmation_timeout": 10, "concurrency": 8}
Query = dns.message.Message
CONFORMS, NOT, UNDECIDED = (
    Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT,
)  # fmt: skip


world = world_of(PAGES, policy=None, dual_stack=True, signed=True)
"""A range with signed zones and IPv6 addresses."""


class Service:
    """A filtering name server that blocks the harmful names, with what a test changes of it.

    ``block`` gives the answer for a harmful name, or None for the true one; ``truth`` changes a
    true answer.
    """

    def __init__(self, world: RangeTestbed) -> None:
        self._zones = world.zone_server
        self.passes: Callable[[Query, Over], bool] = lambda _, __: False
        self.truth: Callable[[Query, Query], Query] = lambda _, true: true
        self.extended_error: int | None = 15
        self.kept_for = 60
        self.validates = False

    def answer(self, query: Query, over: Over) -> Query:
        """Return the answer to a query."""
        host = question_name(query)
        if host == SENTINEL or (host in HARMFUL and not self.passes(query, over)):
            return self._block(query)
        true = self._zones.answer(query)
        if self.validates:
            if PAGES.contents.get(host) is not None and host not in HARMFUL:
                return failed(query)
            true.flags |= dns.flags.AD
        return self.truth(query, true)

    def _block(self, query: Query) -> Query:
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(dns.rcode.NXDOMAIN)
        soa = "ns.filter.test. hostmaster.filter.test. 1 3600 600 86400 3600"
        response.authority.append(
            dns.rrset.from_text("filter.test.", self.kept_for, "IN", "SOA", soa)
        )
        if query.edns >= 0 and self.extended_error is not None:
            option = dns.edns.EDEOption(dns.edns.EDECode.make(self.extended_error))
            response.use_edns(0, options=[option])
        return response


def failed(query: Query) -> Query:
    """Return the answer of a server that failed."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.SERVFAIL)
    return response


@pytest.fixture
def service(world: RangeTestbed) -> Service:
    """A name server that blocks rightly, and passes signatures on."""
    return Service(world)


@pytest.fixture
def tried(
    world: RangeTestbed, service: Service, tmp_path: Path
) -> Iterator[Callable[..., Rehearsal]]:
    """Measure and conclude a campaign over the name server."""
    with serving(service.answer) as server:

        def run(items: list[str] | None = None, transport: str = "") -> Rehearsal:
            options = {"server": f"{transport}://{server}" if transport else server}
            line = {"name": "names", "type": "resolver", "options": options}
            return rehearse(
                pack_campaign(
                    tmp_path, world, RESOLVER_PACK, PAGES, SCHEME, lines=[line],
                    corpora=[{"pack": "./pages", "items": items or []}],
                    probes=["dns_queries"], limits=PATIENCE,
                )
            )  # fmt: skip

        yield run


Try = Callable[..., Rehearsal]


def found(run: Rehearsal) -> dict[str, Conformity]:
    return {name: run.outcome(name, "names").conformity for name in ("DNS-02", "DNS-03")}


def part(outcome: Outcome, words: str) -> tuple[int, int]:
    metric = next(one.metric for one in outcome.metric.parts if one.group == words)
    return metric.k, metric.n


def test_a_name_server_that_blocks_every_query_conforms(tried: Try, service: Service) -> None:
    service.validates = True
    run = tried()

    assert found(run) == {"DNS-02": CONFORMS, "DNS-03": CONFORMS}
    consistent, checks = run.outcome("DNS-02", "names"), run.outcome("DNS-03", "names")
    assert (consistent.metric.k, consistent.metric.n) == (0, len(FORMS_OF_QUERIES))
    assert part(checks, SIGNED) == part(checks, FORGED) == (5, 5)
    assert part(checks, SHORT) == (2 * len(FORMS_OF_QUERIES),) * 2


def test_signatures_are_not_asked_of_a_name_server_that_does_not_claim_to_validate(
    tried: Try,
) -> None:
    """It passes signatures on, so that a client can validate them; forged names are its matter."""
    run = tried()

    assert found(run) == {"DNS-02": CONFORMS, "DNS-03": CONFORMS}
    outcome = run.outcome("DNS-03", "names")
    assert outcome.metric.left_out == {UNVALIDATED: 5}
    assert part(outcome, SIGNED) == (5, 5)


def is_a_over_udp(query: Query, over: Over) -> bool:
    return over == "udp" and query.question[0].rdtype is dns.rdatatype.A


def is_mixed(query: Query) -> bool:
    name = query.question[0].name.to_text()
    return name != name.lower()


def has_cookie(query: Query) -> bool:
    return any(one.otype is dns.edns.OptionType.COOKIE for one in query.options)


LEAKS: dict[str, tuple[Callable[[Query, Over], bool], Callable[[QueryForm], bool]]] = {
    "only A over UDP is blocked": (
        lambda query, over: not is_a_over_udp(query, over),
        lambda form: (form.type, form.transport) != ("a", "udp"),
    ),
    "mixed case over TCP is open": (
        lambda query, over: is_mixed(query) and over == "tcp",
        lambda form: (form.letters, form.transport) == ("mixed", "tcp"),
    ),
    "CD is open": (
        lambda query, _: bool(query.flags & dns.flags.CD),
        lambda form: form.flags == "rd-cd",
    ),
    "a cookie with AD is open": (
        lambda query, _: bool(query.flags & dns.flags.AD) and has_cookie(query),
        lambda form: (form.edns, form.flags) == ("cookie", "rd-ad"),
    ),
}
"""What a hostile name server lets pass, and the forms in which that shows."""
FIRST = [row["id"] for row in PAGES.rows if row["id"].startswith("blocked-01-")]


@pytest.mark.parametrize("leak", sorted(LEAKS))
def test_a_form_of_queries_that_is_answered_is_found(
    tried: Try, service: Service, leak: str
) -> None:
    service.passes, shows = LEAKS[leak]
    run = tried(FIRST)

    outcome = run.outcome("DNS-02", "names")
    forms = {name: query_form(name) for name in FORMS_OF_QUERIES}
    expected = {name for name, form in forms.items() if form is not None and shows(form)}
    seen = {one.item.stratum.rpartition("/")[2] for one in run.verdicts if one.state == "allowed"}
    assert outcome.conformity is NOT
    assert (outcome.metric.k, outcome.metric.n) == (len(expected), len(FORMS_OF_QUERIES))
    assert seen == expected


def test_a_form_that_was_not_tried_leaves_the_row_undecided(tried: Try) -> None:
    run = tried([one for one in FIRST if not one.endswith("a-tcp-lower-none-rd")])

    outcome = run.outcome("DNS-02", "names")
    assert outcome.conformity is UNDECIDED
    assert "A over TCP, without EDNS" in " ".join(outcome.reasons)


def test_names_that_no_query_finds_blocked_decide_nothing(tried: Try, service: Service) -> None:
    service.passes = lambda query, _: query.question[0].name.to_text() != f"{SENTINEL}."
    run = tried(FIRST)

    outcome = run.outcome("DNS-02", "names")
    assert outcome.conformity is UNDECIDED
    assert outcome.metric.n == 0
    assert outcome.metric.left_out == {NEVER_BLOCKED: 1}
    assert run.outcome("DNS-03", "names").conformity is UNDECIDED


def test_transports_that_a_line_does_not_carry_are_not_tried(tried: Try) -> None:
    """Nothing is concluded of UDP from what came over TCP."""
    run = tried(FIRST, transport="tcp")

    states = {
        form.transport: one.state
        for one in run.verdicts
        if (form := query_form(one.item.stratum.rpartition("/")[2])) is not None
    }
    assert states == {"udp": "insufficient", "tcp": "blocked"}
    assert run.outcome("DNS-02", "names").conformity is UNDECIDED


def without_signatures(query: Query, true: Query) -> Query:
    del query
    true.answer = [one for one in true.answer if one.rdtype is not dns.rdatatype.RRSIG]
    return true


OTHER = ZoneSigner("accredit.test")


def signed_by_another(query: Query, true: Query) -> Query:
    """The supplier signs with a key of its own, and gives that key out as the zone's."""
    if query.question[0].rdtype is dns.rdatatype.DNSKEY:
        true.answer = [OTHER.keys]
    if wants_signatures(query):
        without_signatures(query, true)
        OTHER.sign(true, frozenset())
    return true


def accepting_forged(query: Query, true: Query) -> Query:
    del query
    true.flags |= dns.flags.AD
    return true


SIGNED_ITEMS = [row["id"] for row in PAGES.rows if row["id"].startswith(("signed", "forged"))]
FEW = [*FIRST[:12], *SIGNED_ITEMS]
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "signatures are taken away": (SIGNED, {"truth": without_signatures}),
    "signatures are replaced": (SIGNED, {"truth": signed_by_another}),
    "forged names are answered": (FORGED, {"truth": accepting_forged}),
    "blocks give no reason": (REASONS, {"extended_error": None}),
    "blocks are kept for long": (SHORT, {"kept_for": 301}),
}


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_a_check_that_fails_is_named(tried: Try, service: Service, fault: str) -> None:
    failing, changes = BROKEN[fault]
    for name, value in changes.items():
        setattr(service, name, value)
    run = tried(FEW)

    outcome = run.outcome("DNS-03", "names")
    assert outcome.conformity is NOT
    failed_checks = {one.group for one in outcome.metric.parts if one.metric.k < one.metric.n}
    assert failed_checks == {failing}


def test_without_signed_names_the_checks_are_undecided(tried: Try) -> None:
    run = tried(FIRST[:12])

    outcome = run.outcome("DNS-03", "names")
    assert outcome.conformity is UNDECIDED
    assert part(outcome, SIGNED) == (0, 0)
