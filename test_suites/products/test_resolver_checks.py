"""Unbound, BIND and dnsmasq: DNS-02 and DNS-03 over a signed zone, as usual and as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.resolver_names import RESOLVER_PACK, resolver_names
from harness.estimate.resolver_metrics import FORGED, REASONS, SHORT, SIGNED, UNVALIDATED
from harness.model.outcome import Conformity, Outcome
from harness.model.query_case import FORMS_OF_QUERIES, QueryForm, query_form
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import pack_campaign
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, rehearse
from test_suites.products.bind import Bind
from test_suites.products.blocklist import BlockList
from test_suites.products.dnsmasq import Dnsmasq
from test_suites.products.measured import SENTINEL
from test_suites.products.policy_zone import Action
from test_suites.products.unbound import Reply, Unbound

PAGES = resolver_names("resolver products", ("DRUG",), timed=0)
HARMFUL = tuple(dict.fromkeys(row["value"] for row in PAGES.rows if row["labels"] != "CTRL"))
SCHEME = """\
id: our-school
version: "1.0"
title: How names are filtered
policy: uk-schools-2026
requirements: [{id: DNS-02}, {id: DNS-03}]
"""
PATIENCE = QUICK | {"timeout": 5, "confirmation_timeout": 10, "concurrency": 8}
CONFORMS, NOT = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A range with signed zones and IPv6 addresses."""
    shown = {"contents": PAGES.contents, "texts": PAGES.texts}
    with RangeTestbed.running(
        tmp_path_factory.mktemp("world"), dual_stack=True, signed=True, **shown
    ) as world:
        yield world


def measured(world: RangeTestbed, folder: Path, server: str) -> Rehearsal:
    line = {"name": "names", "type": "resolver", "options": {"server": server}}
    return rehearse(
        pack_campaign(
            folder, world, RESOLVER_PACK, PAGES, SCHEME, lines=[line], probes=["dns_queries"],
            profiles={"ks2": {"phase": "ks2"}}, limits=PATIENCE,
        )
    )  # fmt: skip


def anchors(world: RangeTestbed) -> tuple[str, ...]:
    """The trust anchor of the range's zone."""
    return (world.zone_server.signers[0].trust_anchor,)


def lists(reply: str) -> tuple[BlockList, ...]:
    return (BlockList(name="names", hosts=(*HARMFUL, SENTINEL), reply=reply),)


def opened(run: Rehearsal) -> list[QueryForm]:
    """The forms in which the blocked name was answered."""
    found = {one.item.stratum.rpartition("/")[2] for one in run.verdicts if one.state == "allowed"}
    return [form for name in FORMS_OF_QUERIES if name in found and (form := query_form(name))]


def failed(outcome: Outcome) -> set[str]:
    return {one.group for one in outcome.metric.parts if one.metric.k < one.metric.n}


def part(outcome: Outcome, words: str) -> tuple[int, int]:
    metric = next(one.metric for one in outcome.metric.parts if one.group == words)
    return metric.k, metric.n


@pytest.mark.product("unbound")
def test_unbound_blocks_every_form_and_gives_no_reason(world: RangeTestbed, tmp_path: Path) -> None:
    trusted = anchors(world)
    with Unbound(
        world.origin, lists(Reply.NXDOMAIN), {"ks2": ["names"]}, trust_anchors=trusted,
        settings="  ede: yes\n",
    ) as unbound:  # fmt: skip
        run = measured(world, tmp_path, unbound.server("ks2"))

    assert opened(run) == []
    assert run.outcome("DNS-02", "names").conformity is CONFORMS
    checks = run.outcome("DNS-03", "names")
    assert checks.conformity is NOT
    assert failed(checks) == {REASONS}
    assert part(checks, SIGNED) == part(checks, FORGED) == (5, 5)
    assert part(checks, SHORT) == (len(FORMS_OF_QUERIES),) * 2


@pytest.mark.product("unbound")
def test_unbound_that_overrides_addresses_alone_answers_other_types(
    world: RangeTestbed, tmp_path: Path
) -> None:
    """A zone of type ``typetransparent`` resolves what its own data do not have."""
    settings = "".join(
        f'  local-zone: "{host}." typetransparent\n  local-data: "{host}. 60 IN A 0.0.0.0"\n'
        for host in HARMFUL
    )
    only = (BlockList(name="names", hosts=(SENTINEL,), reply=Reply.NXDOMAIN),)
    with Unbound(world.origin, only, {"ks2": ["names"]}, settings=settings) as unbound:
        run = measured(world, tmp_path, unbound.server("ks2"))

    outcome = run.outcome("DNS-02", "names")
    assert outcome.conformity is NOT
    assert {form.type for form in opened(run)} == {"aaaa", "https", "cname"}
    forms = [form for name in FORMS_OF_QUERIES if (form := query_form(name))]
    # It answers nobody who does not ask it to resolve.
    answered = [form for form in forms if form.type != "a" and form.flags != "no-rd"]
    assert opened(run) == answered
    assert outcome.metric.k == len(answered)


@pytest.mark.product("named")
def test_bind_as_usual_answers_clients_that_ask_for_signatures(
    world: RangeTestbed, tmp_path: Path
) -> None:
    """Its policy zones leave signed answers alone for such clients (``break-dnssec no``)."""
    trusted = anchors(world)
    with Bind(
        world.origin, lists(Action.NXDOMAIN), {"ks2": ["names"]}, trust_anchors=trusted
    ) as bind:
        run = measured(world, tmp_path, bind.server("ks2"))

    assert run.outcome("DNS-02", "names").conformity is NOT
    with_do = {name for name in FORMS_OF_QUERIES if "+do+rd" in name}
    names = {one.item.stratum.rpartition("/")[2] for one in run.verdicts if one.state == "allowed"}
    assert with_do <= names
    assert "dns:a+udp+lower+none+rd" not in names


@pytest.mark.product("named")
def test_bind_whose_policies_come_first_passes_every_check(
    world: RangeTestbed, tmp_path: Path
) -> None:
    options = "break-dnssec yes recursive-only no"
    with Bind(
        world.origin, lists(Action.NXDOMAIN), {"ks2": ["names"]},
        trust_anchors=anchors(world), policy_options=options,
    ) as bind:  # fmt: skip
        run = measured(world, tmp_path, bind.server("ks2"))

    assert run.outcome("DNS-02", "names").conformity is CONFORMS
    checks = run.outcome("DNS-03", "names")
    assert checks.conformity is CONFORMS, checks.reasons
    assert part(checks, FORGED) == (5, 5)


@pytest.mark.product("dnsmasq")
def test_dnsmasq_blocks_a_alone(world: RangeTestbed, tmp_path: Path) -> None:
    with Dnsmasq(world.origin, (*HARMFUL, SENTINEL)) as dnsmasq:
        run = measured(world, tmp_path, f"127.0.0.1:{dnsmasq.port}")

    assert run.outcome("DNS-02", "names").conformity is NOT
    assert {form.type for form in opened(run)} == {"aaaa", "https", "cname"}
    checks = run.outcome("DNS-03", "names")
    assert failed(checks) == {REASONS}
    assert checks.metric.left_out == {UNVALIDATED: 5}
