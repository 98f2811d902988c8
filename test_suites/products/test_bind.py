"""BIND with response policy zones: the mechanism and extended error of each policy action."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.products.bind import Bind
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import BlockList, lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.measured import ALLOWED, SENTINEL, Fate, canaries, measure_through
from test_suites.products.policy_zone import BLOCKING, Action

SINKHOLE = "127.0.0.2"
FATES: dict[Action, Fate] = {
    Action.NXDOMAIN: ("blocked", "dns_nxdomain"),
    Action.NODATA: ("blocked", "dns_nodata"),
    Action.DROP: ("blocked", "dns_silent"),
    Action.NULL: ("blocked", "dns_sinkhole"),
    Action.SINKHOLE: ("blocked", "dns_sinkhole"),
}


@pytest.mark.product("named")
def test_each_policy_action_gets_its_expected_verdict(
    tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    replies = dict(zip(("PORN", "VIOL", "DISC", "DRUG", "GAMB"), BLOCKING, strict=True))
    chosen = canaries({**dict.fromkeys(replies, 4), "twin:DRUG": 4})
    items = [item for some in chosen.values() for item in some]
    lists = (
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Action.NXDOMAIN),
        *lists_from(items, replies),
    )
    profiles = {"ks2": [each.name for each in lists], "staff": ["sentinel"]}

    with (
        BlockPage(SINKHOLE, world.origin.ports[80]),
        Bind(world.origin, lists, profiles, sinkhole=SINKHOLE) as bind,
    ):
        line = {
            "name": "resolver",
            "type": "resolver",
            "options": {"mixed_case": True},
            "by_profile": {name: {"server": bind.server(name)} for name in profiles},
            "probes": ["dns", "dns_https", "web"],
        }
        measured = measure_through(tmp_path, line, items, profiles=profiles)

    expected = {
        item.host: FATES[replies[item.category]] if item.category in replies else ALLOWED
        for item in items
    }

    assert expected == measured.fates("dns", "ks2")
    assert dict.fromkeys(expected, ALLOWED) == measured.fates("dns", "staff")
    assert dict.fromkeys(expected, ALLOWED) == measured.fates("dns_https", "staff")
    for verdict in measured.verdicts:
        explained = any("extended error 15" in witness for witness in verdict.witnesses)
        is_answered_no = verdict.state == "blocked" and verdict.mechanism != "dns_silent"
        assert verdict.key.probe != "dns" or explained == is_answered_no

    sunk = [item.host for item in items if replies.get(item.category) is Action.SINKHOLE]
    expected |= dict.fromkeys(sunk, ("blocked", "block_page"))

    assert expected == measured.fates("web", "ks2")
