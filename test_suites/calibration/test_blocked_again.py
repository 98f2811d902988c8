"""An item that is blocked first and let through when tried again counts as a miss."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.model.outcome import Conformity
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.testbed import RangeTestbed
from test_suites.calibration import block_then_allow
from test_suites.calibration.slow_proxies import Answer, SlowProxy, serving
from test_suites.kit.campaigns.ranges import proxy_line, resolver_line
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

LIMITS = {"timeout": 0.7, "confirmation_timeout": 1.4, "silence_timeout": 4.0, "concurrency": 40}


MANY, FEW = 66, 12
"""More items than are drawn for retrials, all of which are tried again if one passes; or fewer."""


def measure(folder: Path, origin: Path, line: dict[str, Any], sample: int) -> Rehearsal:
    campaign = write_campaign(
        folder, origin=origin, lines=[line], categories=["DRUG"], sample=sample, limits=LIMITS
    )
    return rehearse(campaign)


def harmful(run: Rehearsal) -> Counter[tuple[str, str]]:
    return Counter(
        (verdict.state.value, verdict.rule)
        for verdict in run.verdicts
        if verdict.item.category == "DRUG"
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("answer", "sample"),
    [
        (block_then_allow.reload_to_pass, MANY),
        (block_then_allow.coach_page, FEW),
        (block_then_allow.tarpit, FEW),
    ],
)
def test_a_proxy_that_blocks_first_and_then_lets_through_does_not_conform(
    world: RangeTestbed, origin_file: Path, tmp_path: Path, answer: Answer, sample: int
) -> None:
    with serving(SlowProxy(origin=world.origin, answer=answer, slots=50)) as proxy:
        line = {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": proxy.url}}
        run = measure(tmp_path / "run", origin_file, line, sample)

    assert {"allowed"} == {state for state, _ in harmful(run)}
    assert Conformity.DOES_NOT_CONFORM is run.outcome("URL-04", "proxy").conformity


@pytest.mark.timeout(240)
def test_names_denied_in_every_second_answer_count_as_allowed(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    with block_then_allow.flapping_names() as server:
        line = {
            "name": "names",
            "type": "resolver",
            "options": {"server": server},
            "probes": ["dns"],
        }
        run = measure(tmp_path / "run", origin_file, line, MANY)

    assert {("allowed", "passed-on-retry"): MANY} == harmful(run)


def test_retries_do_not_change_the_verdicts_of_a_consistent_filter(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    campaign = write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[proxy_line(world), resolver_line(world)],
        categories=["DRUG"],
        sample=MANY,
        limits=LIMITS,
    )
    run = rehearse(campaign)
    asked = len((tmp_path / "world" / "origin.log.jsonl").read_text().splitlines())
    again = rehearse(campaign)

    retried = Counter(
        (one.key.line, one.look)
        for one in open_journal(run.journal).sentinels()
        if one.role == "retry"
    )
    assert {State.BLOCKED} == {
        verdict.state for verdict in run.verdicts if verdict.item.category == "DRUG"
    }
    looks = [("proxy", "at_once"), ("proxy", "at_end"), ("proxy", "other_client")]
    assert {*looks, *looks_by_name()} == set(retried)
    assert all(number >= 59 for number in retried.values())
    assert asked == len((tmp_path / "world" / "origin.log.jsonl").read_text().splitlines())
    assert run.verdicts == again.verdicts


def looks_by_name() -> list[tuple[str, str]]:
    return [("names", "at_once"), ("names", "at_end")]
