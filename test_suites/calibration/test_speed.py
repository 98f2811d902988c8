"""PRF-01 to PRF-08: the speed of a service is measured, and each of its faults is found.

Services whose speed is known exactly are measured in virtual time, over all that the command does;
two are real ones on loopback.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.cli.speed import measure
from harness.estimate.transfer_pairs import added_delays
from harness.judge.judge import Judge
from harness.measure.speed_rounds import SpeedExtent
from harness.model.outcome import Conformity
from harness.model.service_speed import ServiceSpeed
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked, proxy_campaign, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse
from test_suites.kit.clocks.simulated_speed import BLOCK_PAGE, FEW_BYTES, Speed, SpeedCampaign

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
SOURCE = "provenance: proposed, source: this test"
BANDWIDTH = {"down": 1.0, "up": 1.0}
"""Megabits per second: small, so that little is transferred."""
ROWS = (
    f"PRF-01, n_min: 8, threshold: {{at_least: 0.8, {SOURCE}}}",
    "PRF-02, n_min: 10",
    f"PRF-04, n_min: 161, threshold: {{at_most: 0.01, {SOURCE}}}",
    "PRF-05",
    "PRF-06",
    "PRF-07, n_min: 161",
    f"PRF-08, n_min: 32, threshold: {{at_most: 0.05, {SOURCE}}}",
)
DECIDED = ("PRF-01", "PRF-02", "PRF-04", "PRF-07", "PRF-08")
SMALL = SpeedExtent(rounds=10, requests=6, connections=4, items=40, seconds=0.2, sizes=FEW_BYTES)

LIVE = SpeedExtent(rounds=3, requests=4, connections=6, seconds=0.05, sizes=FEW_BYTES, samples=0)


def campaign(folder: Path, service: Speed, **more: object) -> SpeedCampaign:
    made = SpeedCampaign(folder=folder, rows=ROWS, service=service, bandwidth=BANDWIDTH)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def conformities(run: Rehearsal) -> dict[str, Conformity]:
    return {one.requirement.id: one.conformity for one in run.assessment.outcomes}


def test_a_quick_service_conforms_in_every_row(tmp_path: Path) -> None:
    """PRF-07 needs 1,609 short pages, because it has a limit of its own for lost ones."""
    run = campaign(tmp_path, Speed(added=0.0005)).run(replace(SMALL, requests=162))

    found = conformities(run)
    assert {name: found[name] for name in DECIDED} == dict.fromkeys(DECIDED, CONFORMS)


@pytest.mark.parametrize(
    ("service", "broken", "perhaps"),
    [
        (Speed(down=60e3), {"PRF-01", "PRF-02"}, set()),
        (Speed(up=60e3), {"PRF-01", "PRF-02"}, set()),
        (Speed(added=0.02), {"PRF-02"}, set()),
        (Speed(lost=0.1), {"PRF-04"}, {"PRF-02", "PRF-07"}),
        (Speed(jitter=0.3), {"PRF-02", "PRF-07"}, {"PRF-01"}),
        (Speed(filters=3), {"PRF-08"}, set()),
    ],
    ids=["slow down", "slow up", "20 ms", "lost", "jitter", "opens under load"],
)
def test_each_fault_breaks_its_rows_alone(
    tmp_path: Path, service: Speed, broken: set[str], perhaps: set[str]
) -> None:
    found = conformities(campaign(tmp_path, service).run(SMALL))

    failed = {name for name in DECIDED if found[name] is FAILS}
    assert broken <= failed <= broken | perhaps


def test_a_slow_origin_does_not_count_against_the_service(tmp_path: Path) -> None:
    found = conformities(campaign(tmp_path, Speed(added=0.0005), origin_delay=0.5).run(SMALL))
    assert found["PRF-02"] is CONFORMS
    assert FAILS not in found.values()


def test_a_control_line_that_is_as_slow_decides_nothing_of_the_bandwidth(tmp_path: Path) -> None:
    """The machine or its connection is the bottleneck."""
    slow = Speed(down=60e3, up=60e3)
    found = conformities(campaign(tmp_path, slow, control=slow).run(SMALL))
    assert found["PRF-01"] is OPEN
    assert FAILS not in found.values()


def test_nothing_is_decided_before_the_speed_was_measured(tmp_path: Path) -> None:
    made = campaign(tmp_path, Speed())
    run = rehearse(made.write())
    assert set(conformities(run).values()) == {OPEN}
    for row in DECIDED:
        reasons = run.outcome(row, "line").reasons
        assert "the speed of the line was not measured (accredit speed)" in reasons


def test_a_filter_that_is_off_is_not_quick(tmp_path: Path) -> None:
    """Its sentinels are open, so nothing of its speed counts in its favour."""
    made = campaign(tmp_path, Speed(filters=-1))
    found = conformities(made.run(SMALL))
    assert CONFORMS not in found.values()


def test_load_and_responsiveness_are_reported(tmp_path: Path) -> None:
    run = campaign(tmp_path, Speed()).run(replace(SMALL, items=0, rounds=4))

    steadiness, responsiveness = (run.outcome(row, "line").metric for row in ("PRF-05", "PRF-06"))
    assert steadiness.value is not None
    assert responsiveness.value is not None
    assert "confidence" in responsiveness.method
    assert run.outcome("PRF-06", "line").conformity is OPEN


def test_no_load_leaves_accuracy_under_load_open(tmp_path: Path) -> None:
    """All transfers are lost, so nothing shows that the line was loaded."""
    found = campaign(tmp_path, Speed(lost=1.0)).run(replace(SMALL, rounds=3))
    outcome = found.outcome("PRF-08", "line")
    assert outcome.conformity is OPEN
    assert any("was not under load" in reason for reason in outcome.reasons)


def waiting(folder: Path, seconds: float, category: str = "GAMB") -> Conformity:
    """The outcome of PRF-03 for a service whose pages begin so much later."""
    made = campaign(folder, Speed())
    made.rows = ("PRF-03",)
    options = {"block": ["GAMB", "copper-meadow.accredit.test"], "latency_ms": 20 + 2000 * seconds}
    run = rehearse(
        made.write(
            lines=[{"name": "line", "type": "simulated", "options": options}],
            control={"type": "simulated", "options": {"latency_ms": 20}},
            corpora=[{"pack": "canary", "categories": [category], "sample": 70}],
        )
    )
    return run.outcome("PRF-03", "line").conformity


def test_pages_that_begin_soon_conform(tmp_path: Path) -> None:
    assert waiting(tmp_path, 0.1) is CONFORMS


def test_pages_that_begin_late_do_not_conform(tmp_path: Path) -> None:
    assert waiting(tmp_path, 0.3) is FAILS


def test_no_harmless_pages_decide_nothing_of_the_delay(tmp_path: Path) -> None:
    assert waiting(tmp_path, 0.1, "special:dead") is OPEN


world = world_of(
    policy=FilterPolicy(blocks=is_blocked, reads_pages=False), profiles=("pupils", "staff")
)


def live(world: RangeTestbed, folder: Path, **more: Any) -> tuple[Path, CampaignPaths]:
    """A campaign over the proxy of the profile pupils."""
    (folder / "scheme.yaml").write_text(
        'id: our-school\nversion: "1.0"\ntitle: Speed\npolicy: uk-schools-2026\n'
        f"decision: {{alpha: 0.2}}\nrequirements: [{{id: {'}, {id: '.join(ROWS)}}}]\n"
    )
    service = {"name": "Filter", "bandwidth": BANDWIDTH, "block_page": BLOCK_PAGE}
    path = proxy_campaign(world, folder, service=service, **more)
    return path, CampaignPaths(out=folder / "out", campaign="rehearsal")


def speed_in(folder: Path) -> ServiceSpeed:
    """What a journal holds of speed."""
    with closing(open_journal(folder)) as journal:
        judge = Judge(journal.sentinels(), sentinels_required=False, samples_required=False)
    return judge.records.speed


def test_a_real_service_that_adds_20_ms_is_measured_so_on_loopback(
    world: RangeTestbed, tmp_path: Path
) -> None:
    """Both lines are proxies of the range; one waits 20 ms, and timers never end early."""
    world.faults.add(Fault(kind=FaultKind.SLOW, delay=0.02, profiles=frozenset({"pupils"})))
    world.faults.add(Fault(kind=FaultKind.OFF, profiles=frozenset({"staff"})))
    proxy = world.origin.services["reference"]["proxy"]["staff"]
    control = {"type": "explicit_proxy", "options": {"proxy": proxy}}
    path, paths = live(world, tmp_path, control=control)
    try:
        measure(prepare(path), paths, replace(LIVE, rounds=6, connections=2, items=0))
    finally:
        world.faults.clear()

    bounds = added_delays(speed_in(paths.journal), 0.05)["total"].bounds
    assert bounds.lower is not None
    assert bounds.upper is not None
    assert bounds.lower <= 0.03, "20 ms, and what a slow machine adds to a timer"
    assert bounds.upper >= 0.02


def test_a_real_service_is_measured_on_loopback(world: RangeTestbed, tmp_path: Path) -> None:
    """It drops most requests for pages, and lets everything through under load."""
    lost = Fault(kind=FaultKind.SPEED_LOST, share=0.7, seed=34)
    sentinels = ("amber-lantern.accredit.test", "copper-meadow.accredit.test")
    assert not any(lost.chooses("GET", host, "/") for host in sentinels)
    world.faults.add(lost)
    world.faults.add(Fault(kind=FaultKind.SPEED_OPEN, connections=2))
    world.faults.add(Fault(kind=FaultKind.SLOW, service="origin", delay=0.1))
    path, paths = live(world, tmp_path)
    try:
        measure(prepare(path), paths, replace(LIVE, items=6))
    finally:
        world.faults.clear()
    found = conformities(rehearse(path))

    assert found["PRF-04"] is FAILS
    assert found["PRF-08"] is FAILS
