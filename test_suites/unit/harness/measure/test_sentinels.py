"""Sentinels as items, each for the probes that can try it, and their places in a batch."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.measure.attempts import item_of, sentinels_for
from harness.measure.observe import planned_inside
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.probe import ProbeDeclaration
from harness.ports.network import Probe
from test_suites.unit.harness.scripted import CAMPAIGN


class Fetching:
    declares = ProbeDeclaration(needs="fetch", facts="web")

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme

    def address(self, item: Any) -> str:
        return str(item.url(self.scheme))


class Asking:
    declares = ProbeDeclaration(needs="ask", facts="dns")


DECLARED = [
    "plain.test",
    "http://url.test:8080/x",
    "https://url.test/",
    {"at": "named.test", "probes": ["dns"]},
    {"at": "cut.test", "mechanism": "tcp_reset"},
]


def tried(name: str, probe: object) -> list[str]:
    declared = CAMPAIGN.model_dump() | {"sentinels": {"must_block": tuple(DECLARED)}}
    campaign = Campaign.model_validate(declared, strict=False)
    return [one.at for _, one in sentinels_for(campaign, "must_block", name, cast("Probe", probe))]


ALL = ["plain.test", "http://url.test:8080/x", "https://url.test/", "named.test", "cut.test"]


@pytest.mark.parametrize(
    ("name", "probe", "left_out"),
    [
        ("web", Fetching("http"), {"https://url.test/", "named.test"}),
        ("web_https", Fetching("https"), {"http://url.test:8080/x", "named.test"}),
        ("dns", Asking(), set()),
    ],
)
def test_a_probe_tries_those_that_are_for_it(name: str, probe: object, left_out: set[str]) -> None:
    assert [at for at in ALL if at not in left_out] == tried(name, probe)


def test_an_agreed_mechanism_is_a_label() -> None:
    declared = CAMPAIGN.model_dump() | {"sentinels": {"must_block": tuple(DECLARED)}}
    *_, one = Campaign.model_validate(declared, strict=False).sentinels.of("must_block")
    item = item_of(one, "sentinel")

    assert item.labels == ("CTRL", "by:tcp_reset")
    assert item.kind == "host"


class Mixing(Fetching):
    declares = ProbeDeclaration(needs="fetch", facts="web", mixes_sentinels=True)


ITEMS = tuple(
    Item(id=f"i{n}", value=f"gamb-00{n}.example.test", labels=("GAMB",)) for n in range(3)
)


def planned(run: str, probe: Fetching) -> list[str]:
    batch = Batch(
        number=7, way=Way(probe="web", lines=("a", "b"), profile="ks2", round=1), items=ITEMS
    )
    inside = planned_inside(batch, CAMPAIGN, cast("Probe", probe), run)
    return [one.key.item for one in inside if one.key.line == "a"]


def test_mixed_sentinels_are_between_the_items_at_places_that_each_run_draws() -> None:
    orders = [planned(f"run {number}", Mixing("http")) for number in range(20)]
    names = {item.id for item in ITEMS}
    mixed = {name for name in orders[0] if name not in names}

    assert {name.partition("@")[2] for name in mixed} == {"7.between"}
    assert {name[:14] for name in mixed} == {"sentinel-allow", "sentinel-block"}
    assert all(set(order) == mixed | names for order in orders)
    assert len({tuple(order) for order in orders}) > 10
    assert len({order.index("sentinel-block-1@7.between") for order in orders}) > 1
    assert orders[0] == planned("run 0", Mixing("http"))
    assert planned("run 0", Fetching("http")) == [item.id for item in ITEMS]
