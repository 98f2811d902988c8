"""An overloaded tester decides nothing about time, and a quiet one decides it.

The readings of the machine are injected; the service is the same in each case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path

import pytest

from harness.cli import compose
from harness.cli.conclude import write_report
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.model.machine_facts import MachineReading
from harness.model.outcome import Conformity
from probes.range.testbed import RangeTestbed
from test_suites.calibration.availability_campaign import CheckedCampaign
from test_suites.calibration.test_speed import DECIDED, SMALL, campaign, conformities
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse
from test_suites.kit.clocks.simulated_speed import Speed, SpeedCampaign

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
QUIET, BUSY = 0.05, 0.7
"""How much of the time with work a thread waits beside nothing else, and beside four busy programs."""

Load = Callable[[Sequence[float]], None]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Sets how much of the time the tester waits in each batch, in turn."""

    def set_load(shares: Sequence[float]) -> None:
        ran, waited, seconds = 0.0, 0.0, count()
        left = cycle(shares)

        def read() -> MachineReading:
            nonlocal ran, waited
            at = next(seconds)
            if at % 2:  # two readings for each batch
                share = next(left)
                ran, waited = ran + 1 - share, waited + share
            return MachineReading(at=float(at), ran=ran, waited=waited)

        monkeypatch.setattr(compose, "machine_reader", lambda _: read)

    return set_load


def waits_for_pages(folder: Path, seconds: float) -> Rehearsal:
    """PRF-03 of a service whose pages begin so much later, in eight batches one after the other."""
    made = SpeedCampaign(folder=folder, rows=("PRF-03",))
    options = {"block": ["GAMB", "copper-meadow.accredit.test"], "latency_ms": 20 + 2000 * seconds}
    path = made.write(
        lines=[{"name": "line", "type": "simulated", "options": options}],
        control={"type": "simulated", "options": {"latency_ms": 20}},
        corpora=[{"pack": "canary", "categories": ["GAMB"], "sample": 140}],
        limits={"timeout": 20, "confirmation_timeout": 40, "concurrency": 20, "batch": 250},
    )
    return rehearse(path)


def planned(run: Rehearsal) -> list[str]:
    """The requirements that get a plan."""
    paths = CampaignPaths(out=run.journal.parent.parent, campaign="rehearsal")
    return [plan.id for plan in open_plans(run.assessment, paths)]


@pytest.mark.parametrize(
    ("seconds", "shares", "decided"),
    [
        (0.3, [QUIET], FAILS),
        (0.3, [BUSY], OPEN),
        (0.05, [QUIET], CONFORMS),
        (0.05, [BUSY], OPEN),
    ],
    ids=["slow, quiet", "slow, busy", "quick, quiet", "quick, busy"],
)
def test_waiting_for_pages_is_decided_on_a_quiet_machine_alone(
    tmp_path: Path, load: Load, seconds: float, shares: list[float], decided: Conformity
) -> None:
    load(shares)
    run = waits_for_pages(tmp_path, seconds)

    outcome = run.outcome("PRF-03", "line")
    assert outcome.conformity is decided
    assert bool(planned(run)) == (decided is FAILS)
    summary = run.assessment.tester_load
    assert summary is not None
    share = f"waited {shares[0] * 100:.0f} % of its time for a processor (limit 25 %)"
    assert share in summary.words
    said = any("the tester was overloaded" in one and share in one for one in outcome.reasons)
    assert said == (decided is OPEN)
    report = write_report(
        run.assessment, CampaignPaths(out=run.journal.parent.parent, campaign="rehearsal")
    )
    assert share in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("service", "shares", "rounds", "broken"),
    [
        (Speed(down=60e3, added=0.02), [QUIET], 10, {"PRF-01", "PRF-02"}),
        (Speed(down=60e3, added=0.02), [BUSY, QUIET], 20, {"PRF-01", "PRF-02"}),
        (Speed(down=60e3, lost=0.1, jitter=0.3), [BUSY], 10, set()),
        (Speed(filters=3), [BUSY], 10, set()),
    ],
    ids=["quiet", "every second round", "slow and busy", "opens under load and busy"],
)
def test_rounds_of_an_overloaded_tester_are_left_out(
    tmp_path: Path, load: Load, service: Speed, shares: list[float], rounds: int, broken: set[str]
) -> None:
    load(shares)
    run = campaign(tmp_path, service).run(replace(SMALL, rounds=rounds))

    found = conformities(run)
    assert {name for name in DECIDED if found[name] is FAILS} == broken
    if shares == [BUSY]:
        assert {found[name] for name in DECIDED} == {OPEN}
        assert (
            "the tester was overloaded in 10 of 10 batches"
            in run.outcome("PRF-02", "line").reasons[0]
        )


@pytest.mark.parametrize(
    ("is_down", "share", "decided"),
    [(True, QUIET, FAILS), (True, BUSY, OPEN), (False, QUIET, CONFORMS), (False, BUSY, OPEN)],
)
def test_an_outage_is_no_outage_of_the_service_beside_an_overloaded_tester(
    world: RangeTestbed,
    tmp_path: Path,
    load: Load,
    is_down: bool,
    share: float,
    decided: Conformity,
) -> None:
    load([share])
    made = CheckedCampaign(world, tmp_path)
    if is_down:
        made.happen(60, made.down, 300)
    made.check()

    assert made.outcome("AVL-01").conformity is decided
