"""IPv6: IP6-01 met, broken, and without its precondition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from harness.errors import FaultyDocument, UnfinishedError
from harness.estimate.ipv6_metrics import PAGES
from harness.model.outcome import Conformity
from probes.range.resolver import question_name
from probes.range.testbed import RangeTestbed
from test_suites.calibration.name_service import Answering, Over, serving
from test_suites.kit.campaigns.ranges import origin_file, world_of
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, rehearse, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: Filtering over IPv6
policy: uk-schools-2026
requirements: [{id: IP6-01}]
"""
PROBES = ["dns", "dns_aaaa", "web", "web_ipv6", "web_https", "web_https_ipv6"]
PATIENCE = QUICK | {"timeout": 5, "confirmation_timeout": 10, "concurrency": 8}


world = world_of(policy=None, dual_stack=True)
"""A range whose names have IPv6 addresses as well."""


def tried(world: RangeTestbed, folder: Path, answering: Answering, **more: Any) -> Rehearsal:
    """Measure and conclude a campaign of canaries over a name server."""
    folder.mkdir(exist_ok=True)
    (folder / "scheme.yaml").write_text(SCHEME)
    with serving(answering) as server:
        line = {"name": "names", "type": "resolver", "options": {"server": server}}
        return rehearse(
            write_campaign(
                folder, origin=origin_file(world), lines=[line], categories=["DRUG"], sample=3,
                scheme="scheme.yaml", limits=PATIENCE, **{"probes": PROBES} | more,
            )
        )  # fmt: skip


def blocking(world: RangeTestbed, *types: str) -> Answering:
    """A name server that blocks the canaries, and the sentinel, for some record types."""
    harmful = ("drug-", "copper-meadow.")

    def answer(query: dns.message.Message, over: Over) -> dns.message.Message:
        del over
        asked = dns.rdatatype.to_text(query.question[0].rdtype)
        is_sentinel = question_name(query).startswith("copper-meadow.")
        if question_name(query).startswith(harmful) and (is_sentinel or asked in types):
            response = dns.message.make_response(query, recursion_available=True)
            response.set_rcode(dns.rcode.NXDOMAIN)
            return response
        return world.zone_server.answer(query)

    return answer


def test_a_name_server_that_blocks_both_families_conforms(
    world: RangeTestbed, tmp_path: Path
) -> None:
    run = tried(world, tmp_path, blocking(world, "A", "AAAA"))

    outcome = run.outcome("IP6-01", "names")
    assert outcome.conformity is Conformity.CONFORMS, outcome.reasons
    assert (outcome.metric.k, outcome.metric.n) == (0, 3)
    assert [one.metric.n for one in outcome.metric.parts] == [3, 3, 3]


def test_a_name_server_that_blocks_only_ipv4_does_not_conform(
    world: RangeTestbed, tmp_path: Path
) -> None:
    run = tried(world, tmp_path, blocking(world, "A"))

    outcome = run.outcome("IP6-01", "names")
    assert outcome.conformity is Conformity.DOES_NOT_CONFORM
    assert (outcome.metric.k, outcome.metric.n) == (3, 3)
    arrived = {one.key.probe for one in run.verdicts if one.state == "allowed"}
    assert arrived == {"dns_aaaa", "web_ipv6", "web_https_ipv6"}


def test_what_is_blocked_only_over_ipv6_is_no_bypass_of_the_filter(
    world: RangeTestbed, tmp_path: Path
) -> None:
    run = tried(world, tmp_path, blocking(world, "AAAA"))

    outcome = run.outcome("IP6-01", "names")
    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.metric.n == 0


def test_names_alone_do_not_show_parity_of_pages(world: RangeTestbed, tmp_path: Path) -> None:
    run = tried(world, tmp_path, blocking(world, "A", "AAAA"), probes=["dns", "dns_aaaa"])

    outcome = run.outcome("IP6-01", "names")
    assert outcome.conformity is Conformity.INSUFFICIENT
    assert [one.group for one in outcome.metric.parts if not one.metric.n] == [PAGES]


def test_measuring_stops_where_the_control_has_no_ipv6(tmp_path: Path) -> None:
    with (
        RangeTestbed.running(tmp_path / "world", profiles=("pupils",)) as world,
        pytest.raises(UnfinishedError, match="does not answer for amber-lantern"),
    ):
        tried(world, tmp_path / "run", blocking(world, "A", "AAAA"))


def test_a_proxy_cannot_be_asked_for_ipv6(world: RangeTestbed, tmp_path: Path) -> None:
    proxy = world.origin.services["reference"]["proxy"]["pupils"]
    campaign = write_campaign(
        tmp_path,
        origin=origin_file(world),
        lines=[{"name": "proxy", "type": "explicit_proxy", "options": {"proxy": proxy}}],
        categories=["DRUG"],
        probes=["web", "web_ipv6"],
    )

    with pytest.raises(FaultyDocument, match="cannot carry probe 'web_ipv6'"):
        rehearse(campaign)
