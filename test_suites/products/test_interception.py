"""Squid intercepting TLS: blocks are found even after a successful handshake."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_suites.kit.clocks.sizes import sized
from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.block_page import BlockPage
from test_suites.products.blocklist import lists_from
from test_suites.products.conftest import StartRange
from test_suites.products.measured import ABRUPT, ALLOWED, LANES, Fate, canaries, measure_through
from test_suites.products.squid import CERTGEN, Reply, Squid

REPLIES = {
    "PORN": Reply.PAGE,
    "VIOL": Reply.RESET,
    "DISC": Reply.LEGAL,
    "DRUG": Reply.REDIRECT,
    "CRIM": Reply.PAGE_200,
    "GAMB": Reply.PAGE_404,
    "HARM": Reply.PAGE_503,
    "PIRA": Reply.REDIRECT_307,
}
INSIDE: Fate = ("blocked", "tls_intercept_page")
FATES: dict[Reply, Fate] = {
    **dict.fromkeys(Reply, INSIDE),
    Reply.RESET: ABRUPT,
    Reply.LEGAL: ("blocked", "http_451"),
    Reply.REDIRECT: ("blocked", "redirect"),
    Reply.REDIRECT_307: ("blocked", "redirect"),
}


@pytest.mark.product("squid", CERTGEN)
@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown"])
def test_blocks_inside_intercepted_tls_are_found(
    tmp_path: Path, start_range: StartRange, trusted: bool, lane: str
) -> None:
    world = start_range()
    chosen = canaries(dict.fromkeys((*REPLIES, "twin:DRUG"), sized(2, 4)))
    items = [item for some in chosen.values() for item in some]
    lists = lists_from(items, REPLIES)
    sentinels = [chosen["PORN"][0].host]

    with (
        BlockPage(LOOPBACK) as page,
        Squid(
            world.origin,
            lists,
            {"ks2": [each.name for each in lists]},
            block_page=page.url,
            intercepts=True,
        ) as squid,
    ):
        assert squid.authority is not None
        authority = {"authority": str(squid.authority.certificate)} if trusted else {}
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": squid.proxy("ks2"), "lane": lane, **authority},
            "probes": ["web_https"],
        }
        measured = measure_through(tmp_path, line, items, must_block=sentinels, block_page=LOOPBACK)

    expected = {
        item.host: FATES[REPLIES[item.category]] if item.category in REPLIES else ALLOWED
        for item in items
    }

    fates = measured.fates("web_https", abrupt=[item.host for item in chosen["VIOL"]])
    if trusted:
        assert expected == fates
    else:
        # What stands behind the unknown certificate is read; the mechanism is the interception.
        states = {host: state for host, (state, _) in expected.items()}
        assert states == {host: state for host, (state, _) in fates.items()}
    cut = {item.host for item in chosen["VIOL"]}  # a reset may come before the certificate
    assert [] == [
        verdict.item.host
        for verdict in measured.verdicts
        if not verdict.intercepted and verdict.item.host not in cut
    ]
