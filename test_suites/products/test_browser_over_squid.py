"""Chromium over Squid: a pupil sees Squid's pages, and the browser's own where TLS never began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.marker import mark, new_run
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Origin, ProbeResult
from probes.kinds.web_browser import Browser, BrowserHttps
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from test_suites.kit.processes.product import require
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.measured import canaries
from test_suites.products.squid import TITLE, Reply, Squid

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")

REPLIES = (Reply.PAGE, Reply.PAGE_200, Reply.RESET)


def attempts(origin: Origin, items: Sequence[Item]) -> Iterator[tuple[Any, Attempt]]:
    """An attempt of each item by each probe."""
    for probe, name in ((Browser(), "browser"), (BrowserHttps(), "browser_https")):
        for item in items:
            key = AttemptKey(campaign="c", item=item.id, probe=name, line="p", profile="ks2")
            marker = mark(origin.key, key, item.host, run=new_run())
            yield probe, Attempt(key=key, item=item, limits=Limits(), timeout=20.0, marker=marker)


def seen(result: ProbeResult) -> tuple[Any, ...]:
    """Whether the page came, and what stood in its place."""
    facts: Any = result.facts
    failure = result.failure.name if result.failure else ""
    return facts.canary, facts.title, facts.net_error, failure


@pytest.mark.product("squid")
@pytest.mark.timeout(240)
async def test_each_reply_is_what_a_pupil_would_see(start_range: StartRange) -> None:
    require("chromium")
    blocked, allowed = canaries({"DRUG": 3, "twin:DRUG": 1}).values()
    origin = start_range().origin
    lists = [
        BlockList(name=f"list{place}", hosts=(item.host,), reply=reply)
        for place, (item, reply) in enumerate(zip(blocked, REPLIES, strict=True))
    ]
    with Squid(origin, lists, {"ks2": [each.name for each in lists]}) as squid:
        options = ExplicitProxyOptions(proxy=squid.proxy("ks2"))
        line = ExplicitProxy("p", options, origin, Limits())
        async with Control("control", ControlOptions(), origin, Limits()) as control, line:
            line.declare("", control)
            items = [*allowed, *blocked]
            found = [
                seen(await probe.try_item(each, line)) for probe, each in attempts(origin, items)
            ]

    by_http, by_https = found[:4], found[4:]
    assert [each[0] for each in found] == ["seen", "absent", "absent", "absent"] * 2
    assert [each[1] for each in by_http[1:3]] == [TITLE, TITLE]
    assert by_http[3][2:] == ("ERR_CONNECTION_RESET", "connection_reset")
    assert by_https[1][1:] == ("", "ERR_TUNNEL_CONNECTION_FAILED", "proxy_refused_tunnel")
    assert by_https[2][3] == "ssl_failed_handshake"
    assert by_https[3][1:3] != ("", "")
