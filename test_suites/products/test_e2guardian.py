"""e2guardian, which intercepts TLS: its block page with status 200 is found over HTTP and TLS."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from corpora.item_table import COLUMNS
from corpora.pack_writer import PackDetails, write_pack
from harness.model.facts import WebFacts
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import QUICK, rehearse, write_campaign
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.measured import ALLOWED, LANES, SENTINEL, canaries, measure_through


@pytest.mark.product("e2guardian", "squid", "openssl")
@pytest.mark.parametrize("lane", LANES)
def test_the_block_page_gets_its_expected_verdict(
    tmp_path: Path, start_range: StartRange, lane: str
) -> None:
    world = start_range()
    chosen = canaries({"PORN": 8, "VIOL": 8, "twin:DRUG": 8})
    hosts = [item.host for item in (*chosen["PORN"], *chosen["VIOL"])]
    missed = hosts[:2]
    lists = [BlockList(name="listed", hosts=(SENTINEL, *hosts[2:]), reply="page")]

    with E2Guardian(world.origin, lists) as filtering:
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {
                "proxy": filtering.proxy,
                "lane": lane,
                "authority": str(filtering.authority.certificate),
            },
            "probes": ["web", "web_https"],
        }
        items = [item for some in chosen.values() for item in some]
        measured = measure_through(tmp_path, line, items)

    for probe, mechanism in (("web", "block_page"), ("web_https", "tls_intercept_page")):
        expected = {item.host: ALLOWED for item in items}
        expected |= dict.fromkeys(hosts[2:], ("blocked", mechanism))
        expected |= dict.fromkeys(missed, ALLOWED)

        assert expected == measured.fates(probe)

    assert {verdict.key.probe for verdict in measured.verdicts if verdict.intercepted} == {
        "web_https"
    }


@pytest.mark.product("e2guardian", "squid", "openssl")
def test_the_block_page_is_recognised_on_items_without_kept_text(
    tmp_path: Path, start_range: StartRange
) -> None:
    """As with an imported list of real sites: no token tells, and title and text are not stored."""
    world = start_range()
    hosts = [f"site-{number:03}.accredit.test" for number in range(24)]
    listed, open_ = hosts[:20], hosts[20:]
    lists = [BlockList(name="listed", hosts=(SENTINEL, *listed), reply="page")]

    with E2Guardian(world.origin, lists) as filtering:
        campaign = write_campaign(
            tmp_path,
            origin=None,
            lines=[
                {
                    "name": "proxy",
                    "type": "explicit_proxy",
                    "options": {"proxy": filtering.proxy},
                    "probes": ["web"],
                }
            ],
            control={
                "type": "control",
                "options": {
                    "resolver": world.origin.resolver,
                    "ports": dict(world.origin.ports),
                },
            },
            corpora=[{"pack": str(sensitive_pack(tmp_path / "pack", hosts))}],
            limits=QUICK | {"timeout": 3.0, "confirmation_timeout": 6.0},
        )
        rehearsal = rehearse(campaign)

    states = {verdict.item.host: verdict.state for verdict in rehearsal.verdicts}
    assert states == dict.fromkeys(listed, State.BLOCKED) | dict.fromkeys(open_, State.ALLOWED)
    journal = open_journal(rehearsal.journal)
    try:
        kept = [seen.facts for seen in journal.observations() if seen.role == "item"]
    finally:
        journal.close()
    assert all(isinstance(facts, WebFacts) and facts.sketch for facts in kept)
    assert not any(isinstance(facts, WebFacts) and facts.title + facts.text for facts in kept)


def sensitive_pack(folder: Path, hosts: Iterable[str]) -> Path:
    """A pack of S3 items, one a host."""
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"id": host.partition(".")[0], "value": host, "kind": "host", "labels": "PORN"}
        | {"registrable": host, "stratum": "PORN", "sensitivity": "S3"}
        for host in hosts
    ]
    details = PackDetails(
        name="sensitive", version="1.0.0", title="Sensitive", created="2026-03-02T12:00:00Z"
    )
    write_pack(folder, rows, details)
    return folder
