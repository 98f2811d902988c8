"""haproxy, a gateway that filters by Host and SNI: each kind of refusal has its own mechanism."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.haproxy import HaProxy, Reply
from test_suites.products.measured import ALLOWED, LANES, Fate, canaries, measure_through

REPLIES = {
    "PORN": Reply.PAGE,
    "VIOL": Reply.REDIRECT,
    "DISC": Reply.TARPIT,
    "DRUG": Reply.DROP,
}
# Without CAP_NET_ADMIN haproxy cannot forget a connection: it resets it.
DROPPED: Fate = ("blocked", "silent_drop" if os.geteuid() == 0 else "tcp_reset")
BY_HTTP: dict[Reply, Fate] = {
    Reply.PAGE: ("blocked", "block_page"),
    Reply.REDIRECT: ("blocked", "redirect"),
    Reply.TARPIT: ("blocked", "block_page"),
    Reply.DROP: DROPPED,
}
BY_HTTPS: dict[Reply, Fate] = {
    **dict.fromkeys(Reply, ("blocked", "tcp_eof")),
    Reply.DROP: DROPPED,
}


@pytest.mark.product("haproxy")
@pytest.mark.parametrize("lane", LANES)
def test_each_refusal_gets_its_expected_verdict(
    tmp_path: Path, start_range: StartRange, lane: str
) -> None:
    world = start_range()
    chosen = canaries({**dict.fromkeys(REPLIES, 5), "twin:DRUG": 4})
    items = [item for some in chosen.values() for item in some]
    lists = lists_from(items, REPLIES)
    # A tarpit ends in an error 500, which is a block only to those who saw one on purpose.
    sentinels = [chosen[stratum][0].host for stratum in ("PORN", "DISC")]

    with (
        BlockPage(LOOPBACK) as page,
        HaProxy(world.origin, lists, block_page=page.url) as gateway,
    ):
        line = {
            "name": "gateway",
            "type": "control",
            "options": {"ports": gateway.ports, "lane": lane},
            "probes": ["web", "web_https"],
        }
        measured = measure_through(tmp_path, line, items, must_block=sentinels, block_page=LOOPBACK)

    for probe, fate_of in (("web", BY_HTTP), ("web_https", BY_HTTPS)):
        expected = {
            item.host: fate_of[REPLIES[item.category]] if item.category in REPLIES else ALLOWED
            for item in items
        }

        assert expected == measured.fates(probe)
