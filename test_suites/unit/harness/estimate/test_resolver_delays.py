"""The times of a name server: DNS-01 decided from the three measures that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.resolver_delays import (
    FRESH_LIMIT,
    SLOW_ORIGIN,
    UNANSWERED,
    resolver_latency,
)
from harness.model.metric import Metric
from harness.model.query_case import CHECKS_OF_QUERIES
from harness.model.scheme import Threshold
from harness.model.verdict import Mechanism, State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
AGAIN, FRESH = CHECKS_OF_QUERIES["dns:again"], CHECKS_OF_QUERIES["dns:fresh"]
MANY = 3000
"""Enough answered questions to show that at most one in a thousand has no answer."""


def timed(
    verdict: Make, check: str, seconds: Iterable[float], control: float = 0.001
) -> list[Verdict]:
    return [
        verdict(
            f"{check}-{number}", "CTRL", State.ALLOWED, probe="dns_queries",
            stratum=f"twin:CTRL/dns:{check}",
            first_byte_service=each, first_byte_control=control,
        )
        for number, each in enumerate(seconds)
    ]  # fmt: skip


def plain(verdict: Make, count: int, **more: object) -> list[Verdict]:
    state = more.pop("state", State.ALLOWED)
    return [
        verdict(f"plain-{state}-{number}", "ALW.NEWS", state, probe="dns", **more)
        for number in range(count)
    ]


def measured(select: Select, verdicts: Iterable[Verdict]) -> Metric:
    selection = select(verdicts, rule="quantile", quantile=0.95)
    limit = Threshold.model_validate({"at_most": 0.05, "provenance": "proposed", "source": "t"})
    requirement = selection.requirement.model_copy(update={"threshold": limit})
    return resolver_latency(replace(selection, requirement=requirement)).metric


def parts(metric: Metric) -> dict[str, Metric]:
    return {one.group: one.metric for one in metric.parts}


def test_a_quick_name_server_stays_below_every_limit(verdict: Make, select: Select) -> None:
    again, fresh = [0.004] * 93, [0.1] * 93
    found = timed(verdict, "again", again) + timed(verdict, "fresh", fresh)
    metric = measured(select, found + plain(verdict, MANY))

    assert metric.upper is not None
    assert metric.upper <= 0.05
    assert parts(metric)[AGAIN].upper == 0.004
    assert parts(metric)[FRESH].upper == 0.1
    unanswered = parts(metric)[UNANSWERED]
    assert (unanswered.k, unanswered.n) == (0, MANY + 186)
    # Of the three the share without an answer is nearest to its own limit here.
    assert metric.value == unanswered.value == 0.0
    assert "0.1 %" in metric.method


def test_fresh_names_are_compared_with_their_own_limit(verdict: Make, select: Select) -> None:
    found = timed(verdict, "again", [0.004] * 93) + timed(verdict, "fresh", [0.5] * 93)
    metric = measured(select, found + plain(verdict, MANY))

    assert metric.lower == pytest.approx(0.5 * 0.05 / FRESH_LIMIT)
    assert "250 ms" in metric.method


def test_names_that_the_origin_answers_slowly_decide_nothing(verdict: Make, select: Select) -> None:
    slow = timed(verdict, "fresh", [0.5] * 93, control=0.4)
    metric = measured(select, timed(verdict, "again", [0.004] * 93) + slow)

    assert parts(metric)[FRESH].n == 0
    assert parts(metric)[FRESH].left_out == {SLOW_ORIGIN: 93}
    assert metric.upper is None


def test_a_question_without_an_answer_is_slower_than_all(verdict: Make, select: Select) -> None:
    silent = verdict("silent", "CTRL", State.BLOCKED, Mechanism.DNS_SILENT, probe="dns_queries",
                     stratum="twin:CTRL/dns:again")  # fmt: skip
    found = timed(verdict, "again", [0.004] * 60)
    metric = parts(measured(select, [*found, silent]))[AGAIN]

    assert parts(measured(select, found))[AGAIN].upper == 0.004
    assert metric.n == 61
    assert metric.upper is None


def test_more_than_one_in_a_thousand_without_an_answer_is_found(
    verdict: Make, select: Select
) -> None:
    silent = plain(verdict, 40, state=State.BLOCKED, mechanism=Mechanism.DNS_SILENT)
    found = timed(verdict, "again", [0.004] * 93) + timed(verdict, "fresh", [0.1] * 93)
    metric = measured(select, [*found, *plain(verdict, MANY), *silent])

    assert parts(metric)[UNANSWERED].k == 40
    assert metric.lower is not None
    assert metric.lower > 0.05


def test_few_questions_do_not_show_that_nearly_all_are_answered(
    verdict: Make, select: Select
) -> None:
    found = timed(verdict, "again", [0.004] * 93) + timed(verdict, "fresh", [0.1] * 93)
    metric = measured(select, found)

    assert metric.upper is not None
    assert metric.upper > 0.05
    assert metric.lower is not None
    assert metric.lower < 0.05


def test_pages_and_harmful_names_are_no_questions(verdict: Make, select: Select) -> None:
    page = verdict("page", "ALW.NEWS", State.BLOCKED, Mechanism.DNS_SILENT, probe="web")
    harmful = verdict("h", "DRUG", State.BLOCKED, Mechanism.DNS_SILENT, probe="dns")
    metric = measured(select, [page, harmful, *timed(verdict, "again", [0.004])])

    assert (parts(metric)[UNANSWERED].k, parts(metric)[UNANSWERED].n) == (0, 1)


def test_without_names_that_are_timed_nothing_is_known(verdict: Make, select: Select) -> None:
    metric = measured(select, plain(verdict, MANY))

    assert metric.upper is None
    assert {name for name, one in parts(metric).items() if not one.n} == {AGAIN, FRESH}
