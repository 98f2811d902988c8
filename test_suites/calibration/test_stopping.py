"""Early stopping, from the campaign file to the outcome."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.conclude import conclude_journal
from harness.errors import UsageError
from harness.model.campaign import Stop
from harness.model.outcome import Conformity
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.test_resume import DIE_HALF_WAY, keys
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import (
    Rehearsal,
    rehearse,
    simulated_origin,
    write_campaign,
)

PLANS = [
    {"categories": ["DRUG"], "bad": 0.9, "good": 0.98, "alpha": 0.05, "beta": 0.1},
    {"categories": ["PORN", "ADLT"], "bad": 0.9, "good": 0.98, "alpha": 0.05, "beta": 0.1},
]
BLOCK = ["DRUG", "VIOL", "copper-meadow.accredit.test"]


@pytest.fixture(scope="module")
def origin_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated_origin(tmp_path_factory.mktemp("origin"))


@pytest.fixture(scope="module")
def stopped(origin_here: Path, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A campaign that ran with early stopping."""
    told = declared(origin_here, stopping={"plans": PLANS})
    return rehearse(write_campaign(tmp_path_factory.mktemp("stopped"), **told))


@pytest.fixture(scope="module")
def whole(origin_here: Path, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """The same campaign without early stopping."""
    return rehearse(write_campaign(tmp_path_factory.mktemp("whole"), **declared(origin_here)))


def declared(origin: Path, **more: Any) -> dict[str, Any]:
    """A service that blocks drugs and violence, and lets pornography by."""
    return {
        "origin": origin,
        "lines": [{"name": "proxy", "type": "simulated", "options": {"block": BLOCK}}],
        "corpora": [
            {"pack": "canary", "categories": ["DRUG"]},
            {"pack": "canary", "categories": ["VIOL"], "sample": 10},
            {"pack": "canary", "categories": ["PORN", "ADLT"], "sample": 15},
        ],
        "control": {"type": "simulated"},
        "limits": {"batch": 20, "concurrency": 10, "timeout": 0.7},
        **more,
    }


def stops_of(run: Rehearsal) -> tuple[Stop, ...]:
    journal = open_journal(run.journal)
    journal.verify()
    journal.close()
    return journal.stops()


def test_a_campaign_stops_as_declared_and_records_it(stopped: Rehearsal, whole: Rehearsal) -> None:
    run = stopped
    drugs, porn = run.outcome("URL-04", "proxy"), run.outcome("URL-01", "proxy")
    stops = {stop.plan: stop for stop in stops_of(run)}

    assert {1, 2} == set(stops)
    assert (drugs.conformity, porn.conformity) == (
        Conformity.CONFORMS,
        Conformity.DOES_NOT_CONFORM,
    )
    assert drugs.sequential is not None
    assert drugs.sequential.used == stops[1].after["proxy"] == 36
    assert porn.sequential is not None
    assert porn.sequential.used == stops[2].after["proxy"] == 10, "five of each category"
    saved = sum(stop.attempts for stop in stops.values())
    assert 0 < saved < sum(keys(whole.journal).values()) - sum(keys(run.journal).values()) + 1
    assert run.outcome("URL-02", "proxy") == whole.outcome("URL-02", "proxy"), "untouched"
    assert (whole.outcome("URL-04", "proxy").metric.n, drugs.metric.n) == (
        120,
        120 - stops[1].untried,
    )


def test_the_stopping_plans_are_in_the_header_and_cannot_be_changed(
    stopped: Rehearsal, origin_here: Path, tmp_path: Path
) -> None:
    journal = open_journal(stopped.journal)
    held = journal.header.campaign
    journal.close()

    assert held.stopping is not None
    assert [plan.categories for plan in held.stopping.plans] == [("DRUG",), ("PORN", "ADLT")]
    laxer = [PLANS[0] | {"good": 0.99}, PLANS[1]]
    shutil.copytree(stopped.journal.parents[1], tmp_path / "run" / "out")
    with pytest.raises(UsageError, match=r"another declaration \(changed: campaign.stopping"):
        rehearse(
            write_campaign(tmp_path / "run", **declared(origin_here, stopping={"plans": laxer}))
        )


def test_a_killed_and_resumed_campaign_stops_at_the_same_item(
    stopped: Rehearsal, origin_here: Path, tmp_path: Path
) -> None:
    told = declared(origin_here, stopping={"plans": PLANS})
    broken = write_campaign(tmp_path / "broken", **told)

    child = subprocess.run(
        [sys.executable, "-c", DIE_HALF_WAY, str(broken), str(broken.parent / "out")],
        capture_output=True,
        check=False,
    )
    assert -signal.SIGKILL == child.returncode, child.stderr.decode()
    again = rehearse(broken)

    assert {1} == set(keys(again.journal).values())
    assert [(one.plan, one.after, one.settled) for one in stops_of(again)] == [
        (one.plan, one.after, one.settled) for one in stops_of(stopped)
    ]
    assert [(one.id, one.conformity, one.sequential) for one in again.assessment.outcomes] == [
        (one.id, one.conformity, one.sequential) for one in stopped.assessment.outcomes
    ]


def test_a_stopped_campaign_does_not_pass_other_schemes_more_easily(
    stopped: Rehearsal, whole: Rehearsal
) -> None:
    """After early stopping, no requirement conforms that does not conform on all items."""
    for scheme in ("becta-2008", "uksic-2024", "strict", "surveillance", "dfe-2024"):
        early, _ = conclude_journal(stopped.journal, scheme)
        full, _ = conclude_journal(whole.journal, scheme)
        granted = {one.id for one in full.outcomes if one.conformity is Conformity.CONFORMS}

        assert granted >= {
            one.id
            for one in early.outcomes
            if one.conformity is Conformity.CONFORMS and one.sequential is None
        }


def test_the_number_of_concurrent_attempts_changes_no_decision(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    """Silent drops are confirmed slowly, so batches finish out of order; some items get through."""
    named = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121)]
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset(named[::60])))
    world.faults.add(Fault(kind=FaultKind.SILENT, hosts=frozenset(named[7::15])))
    found = []
    for at_once in (3, 60):
        told = declared(origin_file, stopping={"plans": PLANS[:1]}, lines=[proxy_line(world)])
        told["corpora"] = [{"pack": "canary", "categories": ["DRUG"]}]
        told["control"] = {"type": "control"}
        told["limits"] |= {"batch": 10, "concurrency": at_once, "confirmation_timeout": 1.5}
        run = rehearse(write_campaign(tmp_path / f"flying-{at_once}", **told))
        outcome = run.outcome("URL-04", "proxy")
        found.append((outcome.conformity, outcome.sequential))
        assert outcome.sequential is not None
        for stop in stops_of(run):  # none, if all was tried before a silence was confirmed
            assert stop.after == {"proxy": outcome.sequential.used}

    assert found[0] == found[1]
    assert found[0][1] is not None
    assert found[0][1].missed
