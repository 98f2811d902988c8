"""Techniques count if their page is blocked in the plain form, and each class must be decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest
from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.estimate.technique_metrics import (
    NOT_BLOCKED,
    NOT_CARRIED,
    NOT_CHOSEN,
    circumvention_stopped,
    device_differences,
    hello_differences,
    name_variants_open,
    quic_discordant,
    relays_open,
)
from harness.model.metric import Metric
from harness.model.metric_form import MetricSpec
from harness.model.run_record import RunRecord
from harness.model.scheme import Threshold
from harness.model.technique import CRITICAL, DEVICE, GROUPS, PLAIN_PROBES
from harness.model.technique_metric_specs import TECHNIQUE_METRICS
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
B, A, U, D = State.BLOCKED, State.ALLOWED, State.INSUFFICIENT, State.DOWN


def tried(
    verdict: Make, way: str, plain: State | None, by: State | None, number: int = 1, twin: str = ""
) -> list[Verdict]:
    """The verdicts of a technique, such as ``quic:h3:https``, and of its page in the plain form."""
    item, stratum = f"{way}-{number}{twin}", f"{twin}MALW.BYPASS/way:{way}"
    scheme = way.rpartition(":")[2]
    found = {PLAIN_PROBES["https" if scheme == "https" else "http"]: plain, "techniques": by}
    return [
        verdict(item, "MALW.BYPASS", state, probe=probe, stratum=stratum)
        for probe, state in found.items()
        if state is not None
    ]


def every_class(verdict: Make, by: State = B, *without: str) -> list[Verdict]:
    """One technique of each class of each group."""
    return [
        one
        for name, group in GROUPS.items()
        for key in group.classes
        if f"{name}:{key}" not in without
        for one in tried(verdict, f"{name}:{key}:http", B, by)
    ]


def numbers(metric: Metric) -> tuple[int, int, int]:
    return metric.k, metric.n, metric.indeterminate


@pytest.mark.parametrize(
    ("plain", "by", "counted"),
    [
        (B, A, (1, 1, 0)), (B, B, (0, 1, 0)), (B, U, (0, 0, 1)), (U, A, (0, 0, 1)),
        (U, B, (0, 0, 1)), (A, A, (0, 0, 0)), (A, B, (0, 0, 0)), (None, A, (0, 0, 0)),
        (None, B, (0, 0, 0)), (D, A, (0, 0, 0)), (B, D, (0, 0, 0)), (B, None, (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_technique_counts_if_its_page_is_blocked_in_the_plain_form(
    verdict: Make, select: Select, plain: State | None, by: State | None, counted: tuple[int, ...]
) -> None:
    assert numbers(quic_discordant(select(tried(verdict, "quic:h3:https", plain, by))).metric) == (
        counted
    )


def test_the_plain_form_is_that_of_the_same_scheme(verdict: Make, select: Select) -> None:
    [_, by] = tried(verdict, "quic:h3:https", B, A)
    [over_http] = tried(verdict, "quic:h3:http", B, None)
    other = replace_key(over_http, by)

    assert numbers(quic_discordant(select([other, by])).metric) == (0, 0, 0)


def replace_key(verdict: Verdict, like: Verdict) -> Verdict:
    """Return the verdict for the item of another one."""
    key = structs.replace(verdict.key, item=like.key.item)
    return structs.replace(verdict, item=like.item, key=key)


def test_each_class_of_a_group_must_be_decided(verdict: Make, select: Select) -> None:
    classes = [f"name:{key}:https" for key in GROUPS["name"].classes]
    found = [one for way in classes for one in tried(verdict, way, B, B)]
    whole = name_variants_open(select(found)).metric
    partial = name_variants_open(select(found[2:])).metric

    assert numbers(whole) == (0, len(classes), 0)
    assert [part.metric.n for part in partial.parts].count(0) == 1
    assert {part.group for part in whole.parts} == set(GROUPS["name"].classes.values())


def test_why_a_class_is_undecided_is_said(verdict: Make, select: Select) -> None:
    found = [
        *tried(verdict, "name:absent:https", B, D), *tried(verdict, "name:mismatch:https", A, A),
    ]  # fmt: skip
    metric = name_variants_open(select(found)).metric

    assert metric.value is None
    assert metric.left_out == {NOT_CARRIED: 1, NOT_BLOCKED: 1}


def test_an_open_technique_opens_its_class_and_is_named(verdict: Make, select: Select) -> None:
    found = [
        *tried(verdict, "quic:h3:https", B, B, 1), *tried(verdict, "quic:h3:https", B, A, 2),
    ]  # fmt: skip
    measured = quic_discordant(select(found))

    assert numbers(measured.metric) == (1, 1, 0)
    assert len(measured.adverse) == 1
    assert measured.adverse[0].probes == ("techniques",)


def test_harmless_uses_of_a_technique_are_not_counted(verdict: Make, select: Select) -> None:
    found = tried(verdict, "quic:h3:https", B, A, twin="twin:")

    assert numbers(quic_discordant(select(found)).metric) == (0, 0, 0)


def test_relays_are_counted_one_by_one(verdict: Make, select: Select) -> None:
    found = [
        one
        for number in range(60)
        for one in tried(verdict, "relay:path-proxy:http", B, A if number < 2 else B, number)
    ]

    assert numbers(relays_open(select(found)).metric) == (2, 60, 0)


@pytest.mark.parametrize("spec", TECHNIQUE_METRICS, ids=lambda spec: spec.name)
def test_every_metric_of_techniques_counts_techniques_alone(
    verdict: Make, select: Select, spec: MetricSpec
) -> None:
    module, _, name = spec.function.partition(":")
    measure = getattr(import_module(f"harness.estimate.{module}"), name)
    page = verdict("plain", "MALW.BYPASS", A, probe="web")

    assert spec.of_techniques
    assert measure(select([page])).metric.n == 0
    assert measure(select(every_class(verdict, A))).metric.n > 0


def shared(
    select: Select, verdicts: list[Verdict], at_least: float, rule: str = "census"
) -> Metric:
    selection = select(verdicts)
    threshold = Threshold(at_least=at_least, provenance="proposed", source="x")
    changed = {"threshold": threshold, "rule": rule}
    requirement = selection.requirement.model_copy(update=changed)
    return circumvention_stopped(replace(selection, requirement=requirement)).metric


def test_the_share_of_all_techniques_stands_if_no_critical_one_is_open(
    verdict: Make, select: Select
) -> None:
    found = every_class(verdict, B, "framing:websocket")
    found += tried(verdict, "framing:websocket:http", B, A)
    metric = shared(select, found, 0.95)

    assert metric.value == pytest.approx(1 - 1 / metric.n)
    assert metric.lower == metric.upper == metric.value
    assert not metric.left_out


@pytest.mark.parametrize("group", sorted(CRITICAL))
def test_one_open_technique_of_a_critical_group_misses_the_threshold(
    verdict: Make, select: Select, group: str
) -> None:
    [first, *_] = GROUPS[group].classes
    found = every_class(verdict, B) + tried(verdict, f"{group}:{first}:http", B, A, 2)
    metric = shared(select, found, 0.95)

    assert metric.upper is not None
    assert metric.upper < 0.95
    assert "100 %" in metric.method
    reported = shared(select, found, 0.081, rule="report")
    assert reported.value == pytest.approx(1 - 1 / metric.n)


def test_each_class_that_was_not_decided_is_left_out_by_name(verdict: Make, select: Select) -> None:
    metric = shared(select, every_class(verdict, B, "quic:h3", "relay:worker"), 0.95)

    assert len(metric.left_out) == 2
    assert any("HTTP/3" in words for words in metric.left_out)


def test_requests_by_devices_bypass_nothing_and_count_for_their_own_requirement(
    verdict: Make, select: Select
) -> None:
    [first, *others] = GROUPS[DEVICE].classes
    found = every_class(verdict, B, f"{DEVICE}:{first}")
    found += tried(verdict, f"{DEVICE}:{first}:http", B, A)
    without = every_class(verdict, B, *(f"{DEVICE}:{key}" for key in (first, *others)))

    assert shared(select, found, 0.95) == shared(select, without, 0.95)
    assert shared(select, without, 0.95).left_out == {}
    metric = device_differences(select(found)).metric
    assert numbers(metric) == (1, len(others) + 1, 0)
    assert [part.group for part in metric.parts if part.metric.k] == [GROUPS[DEVICE].classes[first]]


def test_a_recorded_device_counts_beside_the_others(verdict: Make, select: Select) -> None:
    found = every_class(verdict) + tried(verdict, "device:year-9-ipad:https", B, A)
    metric = device_differences(select(found)).metric

    assert numbers(metric) == (1, len(GROUPS[DEVICE].classes) + 1, 0)
    assert "year 9 ipad" in [part.group for part in metric.parts]


def test_techniques_that_were_not_chosen_are_left_out_of_their_own_group(
    verdict: Make, select: Select
) -> None:
    run = RunRecord(not_chosen={"name:absent": 2, "name:fronting": 1, "quic:h3": 4, "device:x": 8})
    selection = replace(select(every_class(verdict)), run=run)

    assert name_variants_open(selection).metric.left_out == {NOT_CHOSEN: 3}
    assert quic_discordant(selection).metric.left_out == {NOT_CHOSEN: 4}
    assert device_differences(selection).metric.left_out == {NOT_CHOSEN: 8}
    assert relays_open(selection).metric.left_out == {}
    assert circumvention_stopped(selection).metric.left_out == {NOT_CHOSEN: 7}
    assert name_variants_open(replace(selection, results=())).metric.left_out == {}


def test_nothing_is_measured_without_techniques(verdict: Make, select: Select) -> None:
    metric = shared(select, [verdict("plain", "MALW.BYPASS", B, probe="web")], 0.95)

    assert (metric.value, metric.n, metric.left_out) == (None, 0, {})


def hello(verdict: Make, plain: State, by: State, *without: str) -> list[Verdict]:
    """Large messages of each class, to a blocked page, and to a harmless one that ends like this."""
    found: list[Verdict] = []
    for key in GROUPS["hello"].classes:
        way = f"hello:{key}:https"
        found += tried(verdict, way, B, B)
        if key not in without:
            found += tried(verdict, way, plain, by, twin="twin:")
    return found


def test_a_large_hello_must_bring_harmless_pages_too(verdict: Make, select: Select) -> None:
    fine = hello_differences(select(hello(verdict, A, A))).metric
    broken = hello_differences(select(hello(verdict, A, B)))

    assert numbers(fine) == (0, 6, 0)
    assert numbers(broken.metric) == (3, 6, 0)
    assert len(broken.adverse) == 3


def test_a_harmless_page_that_never_comes_says_nothing_of_a_large_hello(
    verdict: Make, select: Select
) -> None:
    for found in (hello(verdict, B, B), hello(verdict, A, D), hello(verdict, A, A, "late")):
        metric = hello_differences(select(found)).metric
        assert metric.k == 0
        assert [part.metric.n for part in metric.parts].count(0) >= 1
