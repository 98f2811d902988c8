"""Rounds are put together from observations: what came, which sentinels failed, what was loaded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.judge.judge import Judge
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, AttemptKey, Failure, Observation, Timings
from harness.model.service_log import ROUND
from harness.model.service_speed import ServiceSpeed
from harness.model.transfer import Form, Situation, Transfer, transfer_item
from harness.model.transfer_facts import TransferFacts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RESET = Failure(name="connection_reset", stage="response")
BROKEN = Failure(name="instrument_error", stage="instrument")


def observed(
    item: Item, line: str, at: float = 0.0, probe: str = "web", **more: Any
) -> Observation:
    key = AttemptKey(
        campaign="c", item=item.id, probe=probe, line=line, profile="pupils", round=ROUND + 1
    )
    return Observation(
        key=key, item=item, started=NOON + timedelta(seconds=at), batch=7, role="speed", **more
    )


def transferred(
    line: str,
    at: float = 0.0,
    *,
    form: Form = "page",
    situation: Situation = "alone",
    arrived: str = "whole",
    status: int | None = 200,
    failure: Failure | None = None,
    seconds: float = 1.0,
) -> Observation:
    made = Transfer(form=form, situation=situation, round=3, sample=0, size=1000)
    facts = TransferFacts(arrived=arrived, status=status, began=100 + at)  # type: ignore[arg-type]  # one of its words
    return observed(
        transfer_item(made, f"{at}"), line, at, "transfer", facts=facts, failure=failure,
        timings=Timings(total=seconds),
    )  # fmt: skip


def speed_of(seen: Iterable[Observation]) -> ServiceSpeed:
    return Judge(seen, sentinels_required=False, samples_required=False).records.speed


@pytest.mark.parametrize(
    ("arrived", "status", "failure", "came"),
    [
        ("whole", 200, None, "whole"),
        ("part", 200, RESET, "failed"),
        ("nothing", None, RESET, "failed"),
        ("nothing", 503, None, "failed"),
        ("other", 429, None, "failed"),
        ("other", 403, None, "refused"),
        ("other", 200, None, "refused"),
        ("nothing", None, BROKEN, "unknown"),
    ],
)
def test_what_came_of_a_transfer(
    arrived: str, status: int | None, failure: Failure | None, came: str
) -> None:
    made = transferred("line", arrived=arrived, status=status, failure=failure)
    (one,) = speed_of([made, transferred(CONTROL)]).rounds

    assert [each.came for each in one.service] == [came]
    assert [each.came for each in one.control] == ["whole"]
    assert (one.line, one.profile, one.number) == ("line", "pupils", 3)


def test_an_attempt_without_facts_is_unknown() -> None:
    made = transferred("line")
    lost = observed(made.item, "line", probe="transfer", failure=BROKEN)
    (one,) = speed_of([lost, transferred(CONTROL)]).rounds
    assert one.service[0].came == "unknown"


def test_a_round_without_sentinels_shows_nothing() -> None:
    (one,) = speed_of([transferred("line"), transferred(CONTROL)]).rounds
    assert one.fault == "no sentinels were tried beside it"


def tried(name: str, line: str, at: float) -> Observation:
    item = Item(id=name, value="gamb-001.canary.accredit.test", labels=("GAMB",))
    facts = WebFacts(url="http://gamb-001.canary.accredit.test/", status=200)
    return observed(item, line, at, facts=facts, timings=Timings(total=0.1))


def test_an_item_is_loaded_by_the_whole_transfers_under_way() -> None:
    load = [
        transferred("line", at, situation="load", seconds=seconds, arrived=arrived)
        for at, seconds, arrived in (
            (0.0, 5.0, "whole"),
            (1.0, 9.0, "whole"),
            (2.0, 2.5, "whole"),
            (3.0, 9.0, "part"),
            (6.0, 9.0, "whole"),
        )
    ]
    control = [transferred(CONTROL, 0.5, situation="load", seconds=9.0)]
    items = [
        tried(f"gamb-001@3@{state}", line, 5.0)
        for state in ("idle", "load")
        for line in (CONTROL, "line")
    ]
    found = {one.is_loaded: one for one in speed_of([*load, *control, *items]).items}

    assert found[True].loaded_by == 2
    assert {one.item for one in found.values()} == {"gamb-001"}
    assert {one.state for one in found.values()} == {"undecided"}
    assert {one.category for one in found.values()} == {"GAMB"}


def test_speed_is_no_evidence_for_anything_else() -> None:
    judge = Judge([transferred("line")], sentinels_required=False, samples_required=False)
    assert list(judge.verdicts([])) == []
    assert judge.records.of("other", "pupils").speed == ServiceSpeed()
    assert judge.records.lines == {"line"}
