"""e2guardian, which opens TLS: its page with status 200 is found in and out of TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.measured import ALLOWED, LANES, SENTINEL, canaries, measure_through


@pytest.mark.product("e2guardian", "squid", "openssl")
@pytest.mark.parametrize("lane", LANES)
def test_its_page_is_judged_right(tmp_path: Path, start_range: StartRange, lane: str) -> None:
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
