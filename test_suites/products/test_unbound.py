"""Unbound, a filtering resolver: a complete campaign finds exactly the simulated faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.range.authority import Authority
from test_suites.kit.clocks.sizes import sized
from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import BlockList, lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.measured import (
    ALLOWED,
    DOWN,
    LANES,
    SENTINEL,
    Fate,
    assert_outcomes,
    canaries,
    measure_through,
)
from test_suites.products.policy_zone import BLOCKING, Action
from test_suites.products.unbound import NAME, Reply, Unbound

SINKHOLE = "127.0.0.2"
COUNTS = {
    "ILL.CSAM": 120,  # a census: every entry
    "PORN": sized(80, 100),  # 3 of 80 may be missed, where nine tenths have to be blocked
    "VIOL": sized(30, 100),  # so many decide, if none is missed
    **dict.fromkeys(("DISC", "DRUG"), sized(6, 100)),
    **dict.fromkeys(("twin:PORN", "twin:DRUG"), sized(30, 50)),
}
REPLIES = {
    "ILL.CSAM": Reply.NODATA,
    "PORN": Reply.NXDOMAIN,
    "VIOL": Reply.REFUSED,
    "DISC": Reply.NULL,
    "DRUG": Reply.SINKHOLE,
}
FATES: dict[Reply, Fate] = {
    Reply.NODATA: ("blocked", "dns_nodata"),
    Reply.NXDOMAIN: ("blocked", "dns_nxdomain"),
    Reply.REFUSED: ("blocked", "dns_refused"),
    Reply.NULL: ("blocked", "dns_sinkhole"),
    Reply.SINKHOLE: ("blocked", "dns_sinkhole"),
    Reply.SILENT: ("blocked", "dns_silent"),
}


@pytest.mark.product("unbound")
def test_a_campaign_finds_exactly_the_simulated_faults(
    tmp_path: Path, start_range: StartRange
) -> None:
    chosen = canaries(COUNTS)
    hosts = {stratum: [item.host for item in items] for stratum, items in chosen.items()}
    missed, dead = hosts["PORN"][10:13], hosts["DISC"][3:5]
    silent, wronged = hosts["VIOL"][20:25], hosts["twin:DRUG"][:1] + hosts["twin:PORN"][:1]
    world = start_range(dead)
    items = [item for some in chosen.values() for item in some]
    lists = (
        BlockList(name="silent", hosts=tuple(silent), reply=Reply.SILENT),
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.NXDOMAIN),
        *lists_from(items, REPLIES, spare=(*missed, *silent), add={"PORN": wronged}),
    )

    # Whoever is sent to the sinkhole finds the supplier's page there, at the origin's own port.
    with (
        BlockPage(SINKHOLE, world.origin.ports[80]),
        Unbound(
            world.origin, lists, {"ks2": [each.name for each in lists]}, sinkhole=SINKHOLE
        ) as unbound,
    ):
        line = {
            "name": "resolver",
            "type": "resolver",
            "options": {"server": unbound.server("ks2")},
            "probes": ["dns", "web"],
        }
        measured = measure_through(tmp_path, line, items)

    expected = {
        item.host: FATES[REPLIES[item.category]] if item.category in REPLIES else ALLOWED
        for item in items
    }
    expected |= dict.fromkeys(missed, ALLOWED)
    expected |= dict.fromkeys(silent, FATES[Reply.SILENT])
    expected |= dict.fromkeys(wronged, FATES[Reply.NXDOMAIN])

    assert expected == measured.fates("dns")

    # A dead host has an address, but no page to compare with.
    expected |= dict.fromkeys(hosts["DRUG"], ("blocked", "block_page"))
    expected |= dict.fromkeys(dead, DOWN)

    assert expected == measured.fates("web")
    assert_outcomes(measured)


@pytest.mark.product("unbound")
def test_profiles_and_policy_zones_are_distinguished(
    tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    replies = dict(zip(("PORN", "VIOL", "DISC", "DRUG", "GAMB"), BLOCKING, strict=True))
    items = [item for some in canaries(dict.fromkeys(replies, 3)).values() for item in some]
    lists = (
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Action.NXDOMAIN),
        *lists_from(items, replies),
    )
    profiles = {"ks2": [each.name for each in lists], "staff": ["sentinel", "porn"]}

    with Unbound(world.origin, lists, profiles, by_policy_zone=True) as unbound:
        line = {
            "name": "resolver",
            "type": "resolver",
            "options": {"mixed_case": True},
            "by_profile": {name: {"server": unbound.server(name)} for name in profiles},
            "probes": ["dns", "dns_https"],
        }
        measured = measure_through(tmp_path, line, items, profiles=profiles)

    by_action = {
        Action.NXDOMAIN: FATES[Reply.NXDOMAIN],
        Action.NODATA: FATES[Reply.NODATA],
        Action.DROP: FATES[Reply.SILENT],
        Action.NULL: FATES[Reply.NULL],
        Action.SINKHOLE: FATES[Reply.SINKHOLE],
    }
    expected = {item.host: by_action[replies[item.category]] for item in items}

    assert expected == measured.fates("dns", "ks2")

    noted = {
        Action.NXDOMAIN: FATES[Reply.NXDOMAIN],
        Action.DROP: ("altered", "dns_silent"),
        **dict.fromkeys((Action.NODATA, Action.NULL, Action.SINKHOLE), ("altered", "dns_nodata")),
    }

    assert {item.host: noted[replies[item.category]] for item in items} == measured.fates(
        "dns_https", "ks2"
    )

    expected |= {item.host: ALLOWED for item in items if item.category != "PORN"}

    assert expected == measured.fates("dns", "staff")


@pytest.mark.product("unbound")
@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("over", ["tls", "https"])
def test_encrypted_dns_gets_the_same_verdicts(
    tmp_path: Path, start_range: StartRange, over: str, lane: str
) -> None:
    world = start_range()
    replies = {code: reply for code, reply in REPLIES.items() if code != "ILL.CSAM"}
    chosen = canaries(dict.fromkeys((*replies, "twin:DRUG"), sized(8, 20)))
    items = [item for some in chosen.values() for item in some]
    silent = [item.host for item in chosen["VIOL"][5:8]]
    lists = (
        BlockList(name="silent", hosts=tuple(silent), reply=Reply.SILENT),
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.NXDOMAIN),
        *lists_from(items, replies, spare=silent),
    )
    authority = Authority()
    both, trusted = tmp_path / "both.pem", tmp_path / "school.pem"
    both.write_bytes(authority.pem_with_key(authority.leaf(NAME)))
    trusted.write_bytes(authority.pem)

    with Unbound(
        world.origin, lists, {"ks2": [each.name for each in lists]}, sealed_by=both
    ) as unbound:
        line = {
            "name": "resolver",
            "type": "resolver",
            "options": {
                "server": getattr(unbound, f"over_{over}")("ks2"),
                "server_address": LOOPBACK,
                "authority": str(trusted),
                "lane": lane,
            },
            "probes": ["dns"],
        }
        measured = measure_through(tmp_path, line, items)

    expected = {
        item.host: FATES[replies[item.category]] if item.category in replies else ALLOWED
        for item in items
    }
    # Instead of keeping silent it ends the connection, which may be trouble as well as a block;
    # those who shared it are not held to it.
    expected |= dict.fromkeys(silent, ("insufficient", "none"))

    assert expected == measured.fates("dns")
