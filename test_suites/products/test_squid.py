"""Squid, an explicit proxy: a complete campaign finds exactly the simulated faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.outcome import Conformity
from test_suites.kit.clocks.sizes import sized
from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import BlockList, lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.measured import (
    ABRUPT,
    ALLOWED,
    DOWN,
    SENTINEL,
    Fate,
    assert_outcomes,
    canaries,
    measure_through,
)
from test_suites.products.squid import Reply, Squid

COUNTS = {
    "ILL.CSAM": 120,  # a census: every entry
    "PORN": sized(80, 100),  # 3 of 80 may be missed, where nine tenths have to be blocked
    "VIOL": sized(30, 100),  # so many decide, if none is missed
    **dict.fromkeys(("DISC", "DRUG", "CRIM"), sized(6, 100)),
    **dict.fromkeys(("twin:PORN", "twin:DRUG"), sized(30, 50)),
}
REPLIES = {
    "ILL.CSAM": Reply.PAGE_404,
    "PORN": Reply.PAGE,
    "VIOL": Reply.RESET,
    "DISC": Reply.LEGAL,
    "DRUG": Reply.REDIRECT,
    "CRIM": Reply.PAGE_200,
}
BY_HTTP: dict[Reply, Fate] = {
    Reply.PAGE: ("blocked", "block_page"),
    Reply.PAGE_404: ("blocked", "block_page"),
    Reply.PAGE_200: ("blocked", "block_page"),
    Reply.RESET: ABRUPT,
    Reply.LEGAL: ("blocked", "http_451"),
    Reply.REDIRECT: ("blocked", "redirect"),
}
BY_HTTPS: dict[Reply, Fate] = {
    **dict.fromkeys(BY_HTTP, ("blocked", "proxy_refusal")),
    Reply.RESET: ABRUPT,
    # Squid says 200 to CONNECT and then sends its page where TLS should start.
    Reply.PAGE_200: ("blocked", "block_page"),
}


@pytest.mark.product("squid")
def test_a_campaign_finds_exactly_the_simulated_faults(
    tmp_path: Path, start_range: StartRange
) -> None:
    chosen = canaries(COUNTS)
    hosts = {stratum: [item.host for item in items] for stratum, items in chosen.items()}
    missed, dead = hosts["PORN"][10:13], hosts["DISC"][3:5]
    hung, wronged = hosts["VIOL"][20:25], hosts["twin:DRUG"][:1] + hosts["twin:PORN"][:1]
    world = start_range(dead)
    items = [item for some in chosen.values() for item in some]
    lists = (
        BlockList(name="hung", hosts=tuple(hung), reply=Reply.HANG),
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.PAGE),
        *lists_from(items, REPLIES, spare=missed, add={"DRUG": wronged}),
    )

    with (
        BlockPage(LOOPBACK) as page,
        Squid(
            world.origin, lists, {"ks2": [each.name for each in lists]}, block_page=page.url
        ) as squid,
    ):
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": squid.proxy("ks2")},
            "probes": ["web", "web_https"],
        }
        measured = measure_through(tmp_path, line, items, block_page=LOOPBACK)

    for probe, fate_of in (("web", BY_HTTP), ("web_https", BY_HTTPS)):
        expected = {
            item.host: fate_of[REPLIES[item.category]] if item.category in REPLIES else ALLOWED
            for item in items
        }
        expected |= dict.fromkeys(missed, ALLOWED)
        expected |= dict.fromkeys(dead, DOWN)
        expected |= dict.fromkeys(hung, ("blocked", "silent_drop"))
        expected |= dict.fromkeys(wronged, fate_of[Reply.REDIRECT])

        assert expected == measured.fates(probe, abrupt=hosts["VIOL"])

    assert_outcomes(measured)


@pytest.mark.product("squid")
def test_a_weak_filter_of_one_profile_fails_only_that_profile(
    tmp_path: Path, start_range: StartRange
) -> None:
    chosen = canaries({"PORN": sized(40, 100), "twin:PORN": 60})
    most = sized(30, 80)
    items = [item for some in chosen.values() for item in some]
    world = start_range()
    lists = (
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.PAGE_503),
        *lists_from(chosen["PORN"][:most], {"PORN": Reply.PAGE_503}, name=lambda _: "most"),
        *lists_from(chosen["PORN"][most:], {"PORN": Reply.REDIRECT_307}, name=lambda _: "rest"),
    )
    profiles = {"ks2": ("sentinel", "most", "rest"), "ks4": ("sentinel", "most")}

    with (
        BlockPage(LOOPBACK) as page,
        Squid(world.origin, lists, profiles, block_page=page.url) as squid,
    ):
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "by_profile": {name: {"proxy": squid.proxy(name)} for name in profiles},
            "probes": ["web", "web_https"],
        }
        measured = measure_through(tmp_path, line, items, profiles=profiles, block_page=LOOPBACK)

    assert Conformity.CONFORMS is measured.conformity("URL-01", "ks2")
    assert Conformity.CONFORMS is measured.conformity("OVB-01", "ks2")
    assert Conformity.DOES_NOT_CONFORM is measured.conformity("URL-01", "ks4")
    assert {item.host: ALLOWED for item in chosen["PORN"][most:]}.items() <= (
        measured.fates("web", "ks4").items()
    )
