"""With a dead service, line or origin, no requirement conforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnfinishedError
from harness.model.outcome import Conformity
from probes.range.faults import Fault, FaultKind
from probes.range.gateway import BlackHole, closed_port
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line, resolver_line
from test_suites.kit.campaigns.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign

IMPATIENT = {"timeout": 0.3, "confirmation_timeout": 0.6, "concurrency": 40}


def run_against(
    tmp_path: Path, origin: Path, *lines: dict[str, Any], sample: int = 30, **limits: int
) -> Rehearsal:
    """A whole campaign over the given lines, with enough items for a good service to conform."""
    campaign = write_campaign(
        tmp_path / "run",
        origin=origin,
        lines=lines,
        categories=["DRUG"],
        sample=sample,
        whole=["ILL.CSAM"],
        limits=IMPATIENT | limits,
    )
    try:
        return rehearse(campaign)
    except UnfinishedError:  # a dead origin stops a measurement
        return read_rehearsal(campaign.parent / "out" / "rehearsal" / "journal")


def assert_nothing_conforms(run: Rehearsal, *words: str) -> None:
    """Every outcome is insufficient, exit 3, and the report names what failed."""
    assert {Conformity.INSUFFICIENT} == {outcome.conformity for outcome in run.assessment.outcomes}
    assert 3 == run.assessment.exit_code
    said = " ".join(each.detail for each in run.assessment.preconditions if not each.held).lower()
    assert any(word in said for word in words), said


def elsewhere(kind: str, port: int) -> dict[str, Any]:
    """A service at a port of our choice."""
    if kind == "proxy":
        return {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": f"http://127.0.0.1:{port}"},
        }
    return {
        "name": "names",
        "type": "resolver",
        "probes": ["dns"],
        "options": {"server": f"127.0.0.1:{port}"},
    }


@pytest.mark.parametrize("kind", ["proxy", "resolver"])
def test_a_closed_port_is_insufficient(
    kind: str, world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    run = run_against(tmp_path, origin_file, elsewhere(kind, closed_port()))

    assert_nothing_conforms(run, "unreachable", "reach")


@pytest.mark.parametrize("kind", ["proxy", "resolver"])
def test_a_black_hole_is_insufficient(
    kind: str, world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    with BlackHole() as hole:
        run = run_against(tmp_path, origin_file, elsewhere(kind, hole.port))

    assert_nothing_conforms(run, "unreachable", "reach", "answer")


def test_a_dead_origin_is_insufficient(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.DEAD))
    run = run_against(
        tmp_path, origin_file, proxy_line(world), resolver_line(world, probes=["web"])
    )

    assert_nothing_conforms(run, "origin", "control")


def test_a_captive_portal_with_status_200_is_insufficient(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.CAPTIVE))
    run = run_against(tmp_path, origin_file, proxy_line(world))

    assert_nothing_conforms(run, "everything", "one page", "must-allow", "allow")


def test_an_inactive_filter_is_insufficient(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.OFF))
    run = run_against(tmp_path, origin_file, proxy_line(world))

    assert_nothing_conforms(run, "off")


def test_no_web_requirement_conforms_if_the_filter_is_switched_off_half_way(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    """Batches before the fault count, and those after it are void, so no rate conforms."""
    world.faults.add(Fault(kind=FaultKind.OFF, after=150))
    run = run_against(tmp_path, origin_file, proxy_line(world), sample=60, concurrency=8, batch=30)

    assert 3 == run.assessment.exit_code
    held = [each.held for each in run.assessment.preconditions]
    assert True in held
    assert False in held
    assert Conformity.CONFORMS not in {
        outcome.conformity
        for outcome in run.assessment.outcomes
        if outcome.requirement.area in {"url", "illegal"}
    }


def test_a_proxy_name_that_does_not_resolve_is_insufficient(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    """The proxy's name does not resolve."""
    line = {
        "name": "proxy",
        "type": "explicit_proxy",
        "options": {"proxy": "http://no-such-proxy.invalid:3128"},
    }
    run = run_against(tmp_path, origin_file, line)

    assert_nothing_conforms(run, "unreachable", "reach", "resolve")


def test_void_batches_are_repeated_when_the_filter_is_active_again(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    """Attempts while the filter was off stay in the journal and do not decide."""
    world.faults.add(Fault(kind=FaultKind.OFF, after=60, lasting=120))
    run = run_against(tmp_path, origin_file, proxy_line(world), sample=60, concurrency=8, batch=20)

    broken = [each.detail for each in run.assessment.preconditions if not each.held]
    assert broken
    for name, number in (("URL-04", 60), ("ILL-01", 120)):
        outcome = run.outcome(name, "proxy")
        assert (Conformity.CONFORMS, number) == (outcome.conformity, outcome.metric.n), (
            outcome.reasons
        )
