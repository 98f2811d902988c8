"""A requirement about techniques needs each of its classes, the plain form, and enough relays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from corpora.pack_reader import open_pack
from harness.cli.item_supply import ItemGroup, group_items
from harness.cli.technique_obstacles import GROUP_OF_METRIC, classes_of, technique_obstacle
from harness.model.corpus import Item
from harness.model.technique import GROUPS, case_of_item
from harness.model.technique_metric_specs import TECHNIQUE_METRICS
from harness.plugins import PROBES

PROBES_OF_LINE = ("web", "web_https", "techniques", "dns")
METRICS = [spec.name for spec in TECHNIQUE_METRICS]


def supply(
    keeps: Callable[[Item], bool] = lambda _: True, probes: Iterable[str] = PROBES_OF_LINE
) -> list[ItemGroup]:
    chosen = filter(keeps, open_pack("circumvention").items())
    return group_items(chosen, {name: PROBES.find(name)() for name in probes})


def group_of(item: Item) -> str:
    case = case_of_item(item)
    return case.group if case is not None else ""


@pytest.mark.parametrize("metric", METRICS)
def test_the_whole_pack_is_enough_for_every_metric(metric: str) -> None:
    assert technique_obstacle(metric, supply(), 90) is None


def test_every_group_has_a_metric() -> None:
    counted = {each.partition(":")[0] for metric in METRICS for each in classes_of(metric)}

    assert counted >= {*GROUPS} - {"other"}
    assert set(GROUP_OF_METRIC) <= set(METRICS)


@pytest.mark.parametrize("metric", METRICS)
def test_a_missing_group_is_named_with_a_remedy(metric: str) -> None:
    group = GROUP_OF_METRIC.get(metric, "signal")
    found = technique_obstacle(metric, supply(lambda item: group_of(item) != group), 1)

    assert found is not None
    assert found[0].startswith("no item tries: ")
    assert "circumvention" in found[1]


@pytest.mark.parametrize("absent", ["web", "web_https", "techniques"])
def test_a_missing_probe_is_named(absent: str) -> None:
    probes = [name for name in PROBES_OF_LINE if name != absent]
    found = technique_obstacle("circumvention_stopped", supply(probes=probes), 1)

    assert found is not None
    assert absent in found[1]


def test_too_few_relays_are_said() -> None:
    found = technique_obstacle("relays_open", supply(lambda item: item.id.endswith("-1")), 59)

    assert found is not None
    assert "needed: 59" in found[0]


def test_other_metrics_have_no_obstacle_here() -> None:
    assert technique_obstacle("block_rate", [], 1) is None
