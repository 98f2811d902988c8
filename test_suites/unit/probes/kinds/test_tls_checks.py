"""The probe for checks of TLS over the control line: what each case looks like without a service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TlsFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.model.tls_check import CASES
from harness.model.tls_trial import TlsTrial
from harness.ports.network import Attempt, ProbeResult, fits
from probes.kinds.tls_checks import TlsChecks
from probes.kinds.web import WebHttps
from probes.lines.direct import Control, ControlOptions
from probes.range.testbed import RangeTestbed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    with RangeTestbed.running(tmp_path_factory.mktemp("world")) as world:
        yield world


def item_of(case: str, host: str = "") -> Item:
    host = host or f"{case}-1.tls.accredit.test"
    return Item(id=case, value=host, labels=("CTRL",), registrable=host, stratum=f"CTRL/tls:{case}")


async def tried(world: RangeTestbed, item: Item, *, marked: bool = True) -> ProbeResult:
    key = AttemptKey(campaign="c", item="x", probe="tls_checks", line="control", profile="ks2")
    marker = mark(world.origin.key, key, item.host) if marked else None
    attempt = Attempt(
        key=key, item=item, limits=Limits(), timeout=30, marker=marker, browser=1234567
    )
    async with Control("control", ControlOptions(), world.origin, Limits()) as line:
        return await TlsChecks().try_item(attempt, line)


@pytest.mark.parametrize("case", CASES)
async def test_each_case_is_as_it_has_to_be_without_a_service(
    world: RangeTestbed, case: str
) -> None:
    found = await tried(world, item_of(case))
    facts = found.facts
    assert isinstance(facts, TlsFacts)
    trial = TlsTrial(
        item="x", host="h", case=case, line="control", profile="p", views=facts.views,
        control=facts.views,
    )  # fmt: skip
    assert (found.failure, facts.canary) == (None, "seen")
    if trial.group in ("certificate", "parameters"):
        assert [one.client for one in facts.views] == ["strict", "lenient"]
        assert (trial.shows_fault, trial.end) == (True, "passed on")
    else:
        assert trial.came
        assert not facts.views[0].failure


async def test_the_origin_logs_the_offer_that_the_client_sent(world: RangeTestbed) -> None:
    item = item_of("good", "good-77.tls.accredit.test")
    facts = (await tried(world, item)).facts
    assert isinstance(facts, TlsFacts)
    arrived = [one.offer for one in world.log.arrivals(item.host) if one.over == "https"]
    assert arrived == [facts.views[0].offer]
    assert facts.views[1].alpn == "h2"


async def test_other_hosts_leave_no_offer_in_the_log(world: RangeTestbed) -> None:
    item = item_of("none", "copper.canary.accredit.test")
    facts = (await tried(world, item)).facts
    assert isinstance(facts, TlsFacts)
    assert (facts.canary, facts.views) == ("seen", ())
    assert all(one.offer is None for one in world.log.arrivals(item.host))


async def test_a_host_of_somebody_else_is_not_tried(world: RangeTestbed) -> None:
    found = await tried(world, item_of("expired"), marked=False)
    assert found.failure is not None
    assert found.failure.stage == "instrument"


def test_only_this_probe_tries_these_hosts() -> None:
    assert fits(TlsChecks(), item_of("expired"))
    assert not fits(WebHttps(), item_of("expired"))
    assert not fits(TlsChecks(), item_of("none"))
    assert TlsChecks().address(item_of("expired")) == ""
