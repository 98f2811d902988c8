"""Attempts and the origin's log are compared in both directions; no product runs."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.model.corpus import Item
from harness.model.facts import CanarySighting, TechniqueFacts
from harness.model.observation import AttemptKey, Failure, Observation, Role, Timings
from probes.range.arrival_log import Arrival, Over
from test_suites.products.technique_log_check import (
    OTHER_HOST,
    STOPPED_ON_THE_WAY_BACK,
    LogCheck,
    compare_with_log,
)

HOST = "cv-001.ways.canary.example.org"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def seen(canary: CanarySighting, *, failure: str = "", role: Role = "item") -> Observation:
    facts = TechniqueFacts(url="technique:CV-001", canary=canary)
    return Observation(
        key=AttemptKey(campaign="c", item="CV-001", probe="techniques", line="l", profile="p"),
        item=Item(id="CV-001", value="h3", kind="vector", labels=("CTRL",), registrable=HOST),
        started=NOW,
        batch=1,
        role=role,
        timings=Timings(total=0.1),
        failure=Failure(name=failure, stage="response", detail="") if failure else None,
        facts=facts,
        nonce="0f" * 16,
    )


def arrived(host: str = HOST, over: Over = "http") -> Arrival:
    return Arrival(at=NOW, over=over, host=host, nonce="0f" * 16)


def check(observation: Observation, *arrivals: Arrival) -> LogCheck:
    return compare_with_log([observation], arrivals)


def test_a_page_that_came_agrees_with_a_request_in_the_log() -> None:
    assert {"came": 1} == check(seen("seen"), arrived()).agreed
    assert {"did not come": 1} == check(seen("absent")).agreed


def test_a_page_that_came_without_a_request_contradicts_the_log() -> None:
    assert check(seen("seen")).contradicted
    assert check(seen("seen"), Arrival(at=NOW, over="dns", host=HOST)).contradicted


def test_a_page_may_come_by_any_protocol_with_the_nonce() -> None:
    assert {"came": 1} == check(seen("seen"), arrived("", "dns")).agreed


def test_a_request_without_a_page_contradicts_the_log() -> None:
    result = check(seen("absent"), arrived())

    assert result.contradicted
    assert not result.agreed


def test_an_answer_that_was_stopped_on_the_way_back_is_an_exception() -> None:
    result = check(seen("absent", failure="connection_reset"), arrived())

    assert [] == result.contradicted
    assert [True] == [name.endswith(STOPPED_ON_THE_WAY_BACK) for name in result.exceptions]


def test_a_request_for_another_host_is_an_exception() -> None:
    result = check(seen("absent"), arrived("open.ways.canary.example.org"))

    assert [] == result.contradicted
    assert [True] == [name.endswith(OTHER_HOST) for name in result.exceptions]


def test_sentinels_are_not_compared() -> None:
    assert LogCheck() == check(seen("seen", role="must_allow"))
