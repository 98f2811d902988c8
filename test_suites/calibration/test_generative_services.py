"""DYN-10: generative services are controlled for each group, which only a difference can show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.outcome import Conformity
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import POLICY, origin_file
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: Generative services
policy: uk-schools-2026
requirements: [{id: DYN-10}]
"""
YOUNG, STAFF = "infants", "teachers"
PHASES = {YOUNG: "ks1", STAFF: "staff"}
CANARIES = frozenset(f"loc-genai-{number:03}.canary.accredit.test" for number in range(1, 121))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(
        blocks=lambda code, profile: POLICY.expects(code, PHASES.get(profile, "ks2")) == "block"
    )
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(folder, policy=policy, profiles=tuple(PHASES)) as world:
        yield world
        world.faults.clear()


def concluded(world: RangeTestbed, folder: Path, *profiles: str) -> dict[str, Conformity]:
    """The outcome for each profile of a campaign."""
    proxies = world.origin.services["reference"]["proxy"]
    by_profile = {name: {"proxy": proxies[name]} for name in profiles}
    (folder / "scheme.yaml").write_text(SCHEME)
    path = write_campaign(
        folder,
        origin=origin_file(world),
        lines=[{"name": "proxy", "type": "explicit_proxy", "by_profile": by_profile}],
        categories=["LOC.GENAI"],
        sample=6,
        profiles={name: {"phase": PHASES[name]} for name in profiles},
        limits={"timeout": 20, "confirmation_timeout": 40, "concurrency": 20},
        scheme="scheme.yaml",
    )
    outcomes = rehearse(path).assessment.outcomes
    world.faults.clear()
    return {outcome.profile: outcome.conformity for outcome in outcomes}


def test_a_filter_that_treats_groups_as_declared_conforms(
    world: RangeTestbed, tmp_path: Path
) -> None:
    assert concluded(world, tmp_path, YOUNG, STAFF) == dict.fromkeys(PHASES, Conformity.CONFORMS)


def test_a_filter_that_blocks_them_for_everybody_controls_no_group(
    world: RangeTestbed, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=CANARIES))

    found = concluded(world, tmp_path, YOUNG, STAFF)

    assert found == {YOUNG: Conformity.INSUFFICIENT, STAFF: Conformity.DOES_NOT_CONFORM}


def test_a_filter_that_lets_the_youngest_in_does_not_conform(
    world: RangeTestbed, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=CANARIES, profiles=frozenset({YOUNG})))

    assert concluded(world, tmp_path, YOUNG, STAFF)[YOUNG] is Conformity.DOES_NOT_CONFORM


def test_one_group_alone_shows_no_control(world: RangeTestbed, tmp_path: Path) -> None:
    assert concluded(world, tmp_path, YOUNG)[YOUNG] is Conformity.INSUFFICIENT
