"""Metrics of web addresses: each case and each direction counts, and a declaration is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.url_metrics import (
    addresses_differing,
    block_rate_by_population,
    segment_ports_open,
    sub_resource_block_rate,
    trigger_overblock_rate,
    uncategorised_compliance,
)
from harness.estimate.worst_group import UNDECLARED_LANGUAGES, block_rate_by_language
from harness.model.campaign import Campaign
from harness.model.metric import Metric
from harness.model.url_case import ADDRESSES, H3_CASE, OBJECTS, PORTS, SEGMENTS, TEMPLATES
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]


def campaign(*lines: dict[str, Any], **more: Any) -> Campaign:
    declared: dict[str, Any] = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": [{"name": "proxy", "type": "simulated"} | line for line in lines or ({},)],
        "profiles": {"ks2": {}},
        "corpora": [{"pack": "canary"}],
    }
    return Campaign.model_validate_json(json.dumps(declared | more))


def cases(
    verdict: Make, names: Iterable[str], code: str = "DRUG", **changed: State
) -> list[Verdict]:
    """Two harmful pages and two harmless ones of each case, handled as required."""
    found = []
    for name in names:
        for number in range(2):
            harmful = changed.get("harmful", State.BLOCKED)
            twin = changed.get("twin", State.ALLOWED)
            found += [
                verdict(f"{name}-{number}", code, harmful, stratum=f"{code}/{name}"),
                verdict(f"{name}-{number}-t", "ALW.X", twin, stratum=f"twin:{code}/{name}"),
            ]
    return found


def untried(metric: Metric) -> list[str]:
    return [part.group for part in metric.parts if not part.metric.tried]


def test_each_address_is_tried_with_harmful_and_harmless_pages(
    verdict: Make, select: Select
) -> None:
    found = cases(verdict, ADDRESSES)
    metric = addresses_differing(select(found)).metric

    assert (metric.value, metric.n, untried(metric)) == (0.0, 2 * len(ADDRESSES), [])
    harmful = [one for one in found if one.item.category == "DRUG"]
    without = addresses_differing(select(harmful)).metric
    assert untried(without) == sorted(f"harmless pages {words}" for words in ADDRESSES.values())


@pytest.mark.parametrize("changed", [{"harmful": State.ALLOWED}, {"twin": State.BLOCKED}])
def test_a_page_that_is_handled_otherwise_by_one_address_is_counted(
    verdict: Make, select: Select, changed: dict[str, State]
) -> None:
    others = [name for name in ADDRESSES if name != "address:www"]
    found = cases(verdict, others) + cases(verdict, ["address:www"], **changed)
    measured = addresses_differing(select(found))

    assert (measured.metric.value, len(measured.adverse)) == (1.0, 1)


def test_what_the_policy_leaves_open_is_no_case(verdict: Make, select: Select) -> None:
    selection = replace(select(cases(verdict, ADDRESSES)), expects=lambda _: "allow")

    assert addresses_differing(selection).metric.n == len(ADDRESSES)


def test_a_service_that_blocks_every_object_is_bad_at_harmless_ones(
    verdict: Make, select: Select
) -> None:
    metric = sub_resource_block_rate(select(cases(verdict, OBJECTS, twin=State.BLOCKED))).metric

    assert (metric.value, metric.k, metric.n) == (0.0, 0, 2 * len(OBJECTS))
    good = sub_resource_block_rate(select(cases(verdict, OBJECTS))).metric
    assert (good.value, good.lower is not None) == (1.0, True)


def test_a_kind_of_object_that_was_not_tried_is_named(verdict: Make, select: Select) -> None:
    some = [name for name in OBJECTS if name != "object:video"]
    metric = sub_resource_block_rate(select(cases(verdict, some))).metric

    assert untried(metric) == ["harmful pages: videos", "harmless pages: videos"]
    assert metric.lower is None


@pytest.mark.parametrize(
    ("declared", "plain", "harmful", "value"),
    [
        ("scan", State.ALLOWED, State.BLOCKED, 1.0),
        ("scan", State.ALLOWED, State.ALLOWED, 0.0),
        ("scan", State.BLOCKED, State.BLOCKED, 0.0),
        ("block", State.BLOCKED, State.BLOCKED, 1.0),
        ("block", State.ALLOWED, State.BLOCKED, 0.0),
        ("allow", State.ALLOWED, State.BLOCKED, 1.0),
        ("allow", State.BLOCKED, State.BLOCKED, 0.0),
        (None, State.ALLOWED, State.BLOCKED, None),
    ],
)
def test_new_sites_are_compared_with_what_is_declared(
    verdict: Make,
    select: Select,
    declared: str | None,
    plain: State,
    harmful: State,
    value: float | None,
) -> None:
    found = [
        verdict("p", "LOC.PARK", plain, stratum="LOC.PARK/new:plain"),
        verdict("h", "DRUG", harmful, stratum="DRUG/new:harmful"),
    ]
    service = {"name": "s", "new_sites": declared} if declared else {"name": "s"}
    metric = uncategorised_compliance(
        replace(select(found), campaign=campaign(service=service))
    ).metric

    assert metric.value == value
    assert untried(metric) == (
        [] if declared else ["what the service does with new sites, as declared"]
    )


def test_each_template_is_wanted(verdict: Make, select: Select) -> None:
    found = [
        verdict(name, "ALW.PLACE", State.ALLOWED, stratum=f"ALW.PLACE/{name}")
        for name in TEMPLATES
        if name != "template:form"
    ]
    metric = trigger_overblock_rate(select(found)).metric

    assert untried(metric) == [TEMPLATES["template:form"]]
    assert (metric.value, metric.upper) == (0.0, None)


def test_segments_and_media_without_a_line_are_wanted(verdict: Make, select: Select) -> None:
    declared = campaign(
        {"segment": "pupils", "medium": "wired"},
        *({"name": name, "segment": name, "medium": "wireless"} for name in ("staff", "guests")),
        {"name": "other", "type": "explicit_proxy"},
    )
    selection = replace(select(cases(verdict, PORTS)), campaign=declared, line="proxy")
    metric = segment_ports_open(selection).metric

    assert untried(metric) == ["segment devices", "segment servers"]
    assert (metric.value, metric.n) == (0.0, len(PORTS))
    other = segment_ports_open(replace(selection, line="other")).metric
    assert any("the segment of this line" in name for name in untried(other))
    assert "a client without a proxy setting" in untried(other)


SCHOOL = campaign(
    {"segment": "pupils", "medium": "wired"},
    *({"name": name, "segment": name, "medium": "wireless"} for name in SEGMENTS),
)


@pytest.mark.parametrize(
    ("by_udp", "value", "open_", "left"),
    [
        ([State.BLOCKED], 0.0, 0, []),
        ([State.ALLOWED], 1.0, 1, []),
        ([State.BLOCKED, State.ALLOWED], 1.0, 1, []),
        ([State.INSUFFICIENT], 0.0, 0, ["UDP port 443"]),
        ([State.DOWN], 0.0, 0, ["UDP port 443"]),
        ([], 0.0, 0, ["UDP port 443"]),
    ],
)
def test_a_udp_port_counts_as_the_others(
    verdict: Make, select: Select, by_udp: list[State], value: float, open_: int, left: list[str]
) -> None:
    tcp = [name for name in PORTS if name != H3_CASE]
    found = cases(verdict, tcp)
    found += [
        verdict(f"h3-{number}", "DRUG", state, probe="web_h3", stratum=f"DRUG/{H3_CASE}")
        for number, state in enumerate(by_udp)
    ]
    selection = replace(select(found), campaign=SCHOOL, line="proxy")
    metric = segment_ports_open(selection).metric

    assert (metric.value, metric.k) == (value, open_)
    undecided = [part.group for part in metric.parts if not part.metric.n]
    assert undecided == left


def test_a_page_over_udp_is_no_way_to_address_a_page(verdict: Make, select: Select) -> None:
    found = cases(verdict, ADDRESSES) + cases(verdict, [H3_CASE], harmful=State.ALLOWED)

    assert addresses_differing(select(found)).metric.value == 0


def test_popular_obscure_and_foreign_sites_are_wanted(verdict: Make, select: Select) -> None:
    popular = [verdict("a", stratum="DRUG/top1k")]
    obscure = [verdict("b", stratum="DRUG/unranked")]
    foreign = [verdict("c", stratum="DRUG/top10k", lang="cy")]
    english = [verdict("d", stratum="DRUG/top10k", lang="en-GB")]

    assert untried(block_rate_by_population(select(popular + obscure + foreign)).metric) == []
    missing = block_rate_by_population(select(popular + english)).metric
    assert untried(missing) == ["sites that are not in English", "sites that few visit"]


def test_each_declared_language_is_wanted(verdict: Make, select: Select) -> None:
    found = select([verdict("a", lang="en-GB"), verdict("b", lang="cy")])

    def named(*languages: str) -> list[str]:
        declared = campaign(languages=list(languages))
        return untried(block_rate_by_language(replace(found, campaign=declared)).metric)

    assert named("en", "cy") == []
    assert named("en", "cy", "pl") == ["pl"]
    assert named() == [UNDECLARED_LANGUAGES]
