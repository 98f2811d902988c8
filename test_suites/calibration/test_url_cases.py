"""What services come to that handle a page by its address, its parts, or the site it is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.origin_pack import OriginPages
from corpora.url_pages import URL_PACK, url_pages
from harness.model.content_form import variant_of
from harness.model.outcome import Conformity, Outcome
from harness.model.url_case import ADDRESSES, PORTS, SEGMENTS, URL_CASES
from harness.model.verdict import State, Verdict
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.udp_passage import silence_at_udp, udp_passes
from test_suites.kit.campaigns.ranges import (
    PATIENT,
    gateway_line,
    pack_campaign,
    world_of,
)
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

FEW = {"address": 1, "object": 3, "deep": 3, "new": 9, "template": 2, "viewpoint": 8}
PAGES = url_pages("urls", ("DRUG",), FEW)
SCHEME = """\
id: our-school
version: "1.0"
title: How pages are addressed
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: URL-10, n_min: 8}
  - {id: URL-11, n_min: 8, threshold: &most {at_least: 0.8, provenance: proposed, source: test}}
  - {id: URL-12, n_min: 8, threshold: *most}
  - {id: URL-13}
  - {id: URL-19}
  - {id: OVB-05, n_min: 8, threshold: {at_most: 0.2, provenance: proposed, source: test}}
  - {id: OVB-09, n_min: 8, threshold: {at_most: 0.2, provenance: proposed, source: test}}
"""
ALL = ("URL-10", "URL-11", "URL-12", "URL-13", "OVB-05", "OVB-09")
Try = Callable[..., Rehearsal]
NOT, CONFORMS = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS


def hosts(*starts: str, of: str = "") -> frozenset[str]:
    """The hosts of the items whose case begins so, with 'www.' too; ``of`` one kind of pages."""
    named = {
        row["registrable"]
        for row in PAGES.rows
        if variant_of(row["stratum"]).startswith(starts) and row["stratum"].startswith(of)
    }
    return frozenset(named | {f"www.{host}" for host in named})


world = world_of(PAGES, gateway=True)
"""A filter that knows the canaries, and reads pages; its gateway opens TLS."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of these pages over the gateway."""

    def run(
        *faults: Fault,
        pages: OriginPages = PAGES,
        new_sites: str | None = "scan",
        scheme: str = SCHEME,
        **more: Any,
    ) -> Rehearsal:
        opened = Fault(kind=FaultKind.INTERCEPT, hosts=frozenset(PAGES.texts), service="gateway")
        for fault in (opened, *faults):
            world.faults.add(fault)
        service = {"name": "a service whose faults are known"}
        declared: dict[str, Any] = {
            "service": service | ({"new_sites": new_sites} if new_sites else {}),
            "probes": ["web", "web_https"],
        }
        return rehearse(pack_campaign(tmp_path, world, URL_PACK, pages, scheme, **declared | more))

    yield run
    world.faults.clear()


def outcome(run: Rehearsal, requirement: str) -> Outcome:
    return run.outcome(requirement, "gateway")


def results(run: Rehearsal, *requirements: str) -> dict[str, Conformity]:
    return {name: outcome(run, name).conformity for name in requirements or ALL}


def test_a_filter_that_handles_every_case_conforms(tried: Try) -> None:
    run = tried()

    assert results(run) == dict.fromkeys(ALL, CONFORMS)
    assert {one.key.probe for one in run.verdicts} == {"web", "web_https"}
    assert outcome(run, "URL-13").metric.n == 2 * len(ADDRESSES)


def test_a_filter_that_misses_cases_does_not_conform(tried: Try) -> None:
    run = tried(
        Fault(kind=FaultKind.MISS, hosts=hosts("address:port-8443", of="DRUG")),
        Fault(kind=FaultKind.MISS, hosts=hosts("object:video", "object:image", of="DRUG")),
        Fault(kind=FaultKind.UNREAD, hosts=hosts("deep:forum", "deep:blog", "new:harmful")),
        Fault(kind=FaultKind.PAGE_403, hosts=hosts("template:menu", "template:form")),
        Fault(kind=FaultKind.PAGE_403, hosts=hosts("viewpoint:against")),
    )

    assert results(run, *ALL, "URL-19") == dict.fromkeys((*ALL, "URL-19"), NOT)
    assert {one.item for one in outcome(run, "URL-13").witnesses} == {"address-port-8443-001"}
    assert outcome(run, "URL-13").metric.value == 1
    assert {one.state for one in outcome(run, "OVB-05").witnesses} == {"blocked"}
    assert outcome(run, "OVB-09").metric.k == FEW["viewpoint"]


def test_a_service_that_blocks_whole_cases_does_not_conform(tried: Try) -> None:
    """It protects from every harmful page here, as a service would that is switched off to all."""
    run = tried(
        Fault(kind=FaultKind.PAGE_403, hosts=hosts("address:path", "object:", of="twin:")),
        Fault(kind=FaultKind.PAGE_403, hosts=hosts("deep:", "new:")),
    )

    open_ones = {"OVB-05": CONFORMS, "OVB-09": CONFORMS}
    assert results(run) == dict.fromkeys(ALL, NOT) | open_ones
    harmful = {one.state for one in run.verdicts if one.item.category == "DRUG"}
    assert harmful == {State.BLOCKED}
    assert {one.state for one in outcome(run, "URL-13").witnesses} == {"blocked"}


LEFT_OUT = ("address:www", "object:cdn", "deep:blog", "template:form", "viewpoint:for")
MISSING = ("URL-13", "URL-11", "URL-10", "OVB-05")


def test_a_case_that_was_not_tried_leaves_its_requirement_undecided(tried: Try) -> None:
    rows = tuple(row for row in PAGES.rows if variant_of(row["stratum"]) not in LEFT_OUT)
    pages = OriginPages(contents=PAGES.contents, texts=PAGES.texts, rows=rows)
    run = tried(pages=pages, new_sites=None)

    assert results(run) == dict.fromkeys(ALL, Conformity.INSUFFICIENT)
    for case, name in zip(LEFT_OUT, MISSING, strict=False):
        assert URL_CASES[case] in " ".join(outcome(run, name).reasons)
    assert outcome(run, "URL-12").metric.n == outcome(run, "OVB-09").metric.n == 0


def test_a_case_that_does_not_arrive_on_the_control_decides_nothing(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.DEAD, hosts=hosts(*LEFT_OUT, "new:"), service="origin"))

    assert results(run) == dict.fromkeys(ALL, Conformity.INSUFFICIENT)
    for case, name in zip(LEFT_OUT, MISSING, strict=False):
        assert URL_CASES[case] in " ".join(outcome(run, name).reasons)


def test_without_https_its_addresses_are_not_tried(tried: Try) -> None:
    run = tried(probes=["web"])

    assert results(run, "URL-13") == {"URL-13": Conformity.INSUFFICIENT}
    assert ADDRESSES["address:https"] in " ".join(outcome(run, "URL-13").reasons)


def test_new_sites_are_held_against_the_declared_policy(tried: Try) -> None:
    every = Fault(kind=FaultKind.PAGE_403, hosts=hosts("new:"))

    assert results(tried(every, new_sites="block"), "URL-12") == {"URL-12": CONFORMS}


@pytest.mark.parametrize(("declared", "result"), [("allow", CONFORMS), ("block", NOT)])
def test_new_sites_that_stay_open_fit_one_policy_alone(
    tried: Try, declared: str, result: Conformity
) -> None:
    run = tried(Fault(kind=FaultKind.UNREAD, hosts=hosts("new:")), new_sites=declared)

    assert results(run, "URL-12") == {"URL-12": result}


ADDRESS_PAGES = url_pages("ports", ("DRUG",), {"address": 1})
PORT_PAGES = OriginPages(
    contents={},
    texts={},
    rows=tuple(row for row in ADDRESS_PAGES.rows if variant_of(row["stratum"]) in PORTS),
)
"""A page of each port of URL-19, and its twin."""
PORT_SCHEME = """\
id: our-network
version: "1.0"
title: Every part of the network
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{id: URL-19}]
"""
ALL_PORTS = ("web", "web_https", "web_h3")


@pytest.fixture
def of_ports(tried: Try, world: RangeTestbed, tmp_path: Path) -> Try:
    """Measure the pages of each port over a line in each segment, or in some of them."""

    def run(
        *faults: Fault,
        segments: tuple[str, ...] = SEGMENTS,
        probes: tuple[str, ...] = ALL_PORTS,
        **more: Any,
    ) -> Rehearsal:
        lines = [
            gateway_line(world, tmp_path, name=name)
            | {"segment": name, "medium": "wireless" if number % 2 else "wired"}
            for number, name in enumerate(segments)
        ]
        declared = {"lines": lines, "probes": list(probes), "scheme": PORT_SCHEME} | more
        return tried(*faults, pages=PORT_PAGES, **declared)

    return run


def by_segment(run: Rehearsal) -> dict[str, Conformity]:
    """The outcome of URL-19 on each line."""
    outcomes = (one for one in run.assessment.outcomes if one.requirement.id == "URL-19")
    return {one.line: one.conformity for one in outcomes}


def of_udp(run: Rehearsal) -> set[tuple[State, str]]:
    """What came of the pages over UDP, and by which rule."""
    return {(one.state, one.rule) for one in run.verdicts if one.key.probe == "web_h3"}


def test_a_gateway_that_stops_every_port_conforms(of_ports: Try) -> None:
    run = of_ports()

    assert by_segment(run) == dict.fromkeys(SEGMENTS, CONFORMS)
    assert run.outcome("URL-19", "guests").metric.n == len(PORTS)
    assert {state for state, _ in of_udp(run)} == {State.BLOCKED}


def test_a_page_that_is_blocked_by_tcp_and_arrives_by_quic_does_not_conform(
    of_ports: Try, world: RangeTestbed
) -> None:
    with udp_passes(world):
        run = of_ports()

    assert by_segment(run) == dict.fromkeys(SEGMENTS, NOT)
    found = run.outcome("URL-19", "pupils")
    assert (found.metric.k, {one.item for one in found.witnesses}) == (1, {"address-h3-001"})
    assert of_udp(run) == {(State.ALLOWED, "token-arrived")}
    by_tcp = {one.state for one in run.verdicts if one.key.probe != "web_h3" and is_harmful(one)}
    assert by_tcp == {State.BLOCKED}


def is_harmful(verdict: Verdict) -> bool:
    return verdict.item.category == "DRUG"


def test_a_silent_udp_port_is_stopped(of_ports: Try, world: RangeTestbed) -> None:
    with silence_at_udp(world):
        run = of_ports(segments=("pupils",), limits=PATIENT | SOON_SILENT)

    assert of_udp(run) == {(State.BLOCKED, "silence")}
    assert run.outcome("URL-19", "pupils").metric.n == len(PORTS)


SOON_SILENT = {"timeout": 3, "confirmation_timeout": 5, "silence_timeout": 8}


def test_a_port_at_which_the_control_got_no_page_decides_nothing(of_ports: Try) -> None:
    listed = {row["registrable"] for row in PORT_PAGES.rows if "/address:h3" in row["stratum"]}
    dead = Fault(kind=FaultKind.DEAD, hosts=frozenset(listed), service="origin")
    run = of_ports(dead)

    assert by_segment(run) == dict.fromkeys(SEGMENTS, Conformity.INSUFFICIENT)
    assert "UDP port 443" in " ".join(run.outcome("URL-19", "staff").reasons)
    assert {state for state, _ in of_udp(run)} == {State.DOWN}


def test_segments_media_and_ports_that_are_not_tried_decide_nothing(of_ports: Try) -> None:
    run = of_ports(segments=("guests",), probes=("web", "web_https"))

    found = run.outcome("URL-19", "guests")
    assert found.conformity is Conformity.INSUFFICIENT
    told = " ".join(found.reasons)
    assert all(words in told for words in ("UDP port 443", "segment pupils", "a wireless line"))
    assert "segment guests" not in told
    assert found.metric.n == len(PORTS) - 1
