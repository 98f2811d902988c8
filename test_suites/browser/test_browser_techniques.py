"""Techniques by scripts in Chromium: the page came only if the browser shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from corpora.pack_reader import open_pack
from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark, new_run
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Line, Origin, ProbeResult
from probes.clients.browser_pool import browser_for
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.processes.product import require

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")

BY_BROWSER = {
    item.id: item
    for item in open_pack("circumvention").items()
    if item.value.startswith("browser ")
}
LISTED = "CV-113"
"""The item whose host the filter knows; of the others it reads the pages alone."""


async def tried(item: Item, line: Line, origin: Origin) -> ProbeResult:
    key = AttemptKey(campaign="c", item=item.id, probe="techniques", line=line.name, profile="ks2")
    marker = mark(origin.key, key, item.host, run=new_run())
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=20.0, marker=marker)
    probe = Techniques()
    assert probe.fits(item)
    return await probe.try_item(attempt, line)


def facts(result: ProbeResult) -> TechniqueFacts:
    assert isinstance(result.facts, TechniqueFacts), result.failure
    return result.facts


@pytest.mark.timeout(240)
async def test_pages_that_scripts_bring_come_unless_the_filter_stops_what_they_need(
    tmp_path: Path,
) -> None:
    require("chromium")
    policy = FilterPolicy(own={BY_BROWSER[LISTED].host: "MALW.BYPASS"})
    async with RangeTestbed(tmp_path, policy=policy, opens_tls=True) as bed:
        origin = bed.origin
        options = ExplicitProxyOptions(proxy=origin.services["reference"]["proxy"]["ks2"])
        async with (
            Control("control", ControlOptions(), origin, Limits()) as control,
            ExplicitProxy("proxy", options, origin, Limits()) as proxy,
        ):
            await (await browser_for(control)).chromium()
            items = BY_BROWSER.values()
            direct = await asyncio.gather(*(tried(each, control, origin) for each in items))
            filtered = await asyncio.gather(*(tried(each, proxy, origin) for each in items))

    assert ["CV-110", "CV-111", "CV-113", "CV-127"] == list(BY_BROWSER)
    assert ["seen"] * 4 == [facts(each).canary for each in direct]
    assert [None] * 4 == [each.failure for each in direct]
    # It reads JSON, and not what is encrypted; the host of the third is on its list.
    assert ["absent", "seen", "absent", "absent"] == [facts(each).canary for each in filtered]
    assert ["browser"] * 4 == [facts(each).sent[0].step for each in filtered]
    assert facts(filtered[2]).title == "Access to this page is blocked"
