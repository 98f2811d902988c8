"""Every scenario of the test range, measured by both backends, gets its expected verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from corpora.item_table import COLUMNS
from corpora.pack_writer import PackDetails, write_pack
from harness.model.verdict import State, Verdict
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.scenario import Known, LineName, Scenario
from test_suites.calibration.scenarios import SCENARIOS, TABLE, table
from test_suites.kit.campaigns.ranges import origin_file
from test_suites.kit.campaigns.rehearsal import QUICK, rehearse, write_campaign

WEB, NAMES = ("web", "web_https"), ("dns", "dns_https", "web", "web_https")
Place = tuple[str, str, str]
PATIENT = QUICK | {"confirmation_timeout": 4.0, "concurrency": 20}
"""Limits for a busy machine, on which a slow drip is slower, and few pages come at once."""
ONLY_SENTINELS = FilterPolicy(blocks=lambda *_: False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A test range that simulates all scenarios at once, each for its own host."""
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(
        folder, policy=ONLY_SENTINELS, profiles=("pupils",), gateway=True
    ) as running:
        for scenario in SCENARIOS:
            for fault in scenario.faults():
                running.faults.add(fault)
        yield running


@pytest.fixture(scope="module")
def everywhere(
    world: RangeTestbed, tmp_path_factory: pytest.TempPathFactory
) -> dict[Place, Verdict]:
    """The verdict of each item that is known by its token, on each line by each probe."""
    hosts = [scenario.host for scenario in SCENARIOS if scenario.known == "token"]
    folder = tmp_path_factory.mktemp("everywhere") / "run"
    return _judged(_campaign(world, folder, hosts, "token", "portable"))


@pytest.fixture(scope="module", params=["portable", "wire"])
def verdicts(
    request: pytest.FixtureRequest, world: RangeTestbed, tmp_path_factory: pytest.TempPathFactory
) -> dict[Place, Verdict]:
    """The verdict of each item on its line by each probe, with one backend."""
    folder, judged = tmp_path_factory.mktemp(request.param), dict[Place, Verdict]()
    if request.param == "portable":
        judged |= request.getfixturevalue("everywhere")
    for scenarios in _on_one_line():
        known, line = scenarios[0].known, scenarios[0].line
        if (known, request.param) != ("token", "portable"):
            hosts = [scenario.host for scenario in scenarios]
            place = folder / f"{known}-{line}"
            judged |= _judged(_campaign(world, place, hosts, known, request.param, line))
    return judged


def _on_one_line() -> Iterator[list[Scenario]]:
    """The scenarios of each line, those that are known by the token and by the page apart."""
    by_line = attrgetter("known", "line")
    for _, scenarios in groupby(sorted(SCENARIOS, key=by_line), key=by_line):
        yield list(scenarios)


def _judged(campaign: Path) -> dict[Place, Verdict]:
    """The verdict of each item on each line by each probe."""
    return {
        (verdict.item.host, verdict.key.line, verdict.key.probe): verdict
        for verdict in rehearse(campaign).verdicts
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_scenario_gets_its_expected_verdict(
    scenario: Scenario, verdicts: dict[Place, Verdict]
) -> None:
    verdict = verdicts[scenario.host, scenario.line, scenario.probe]

    judged = (verdict.state, verdict.mechanism, verdict.origin_refusal, verdict.intercepted)
    assert judged == (
        scenario.state,
        scenario.mechanism,
        scenario.refusal,
        scenario.intercepted,
    ), (verdict.rule, verdict.witnesses)


def test_a_fault_of_one_line_does_not_change_verdicts_of_other_lines(
    everywhere: dict[Place, Verdict],
) -> None:
    """A scenario of one service does not affect the same host on other lines."""
    touched = {scenario.host: _touched(scenario) for scenario in SCENARIOS}
    elsewhere = {
        place: verdict for place, verdict in everywhere.items() if place[1] not in touched[place[0]]
    }

    assert len(elsewhere) > len(SCENARIOS)
    assert {} == {
        place: (verdict.state, verdict.rule)
        for place, verdict in elsewhere.items()
        if verdict.state is not State.ALLOWED
    }


def test_there_are_at_least_40_scenarios_with_different_names() -> None:
    names = [scenario.name for scenario in SCENARIOS]

    assert len(set(names)) == len(names) >= 40


def test_the_documentation_page_is_up_to_date() -> None:
    assert table() == TABLE.read_text(encoding="utf-8"), (
        "regenerate it: python -m test_suites.calibration.scenarios"
    )


def _touched(scenario: Scenario) -> set[str]:
    """The lines that a scenario affects: faults of the origin affect all of them."""
    lines = {"resolver": {"names"}, "proxy": {"proxy"}, "gateway": {"gateway"}}
    everywhere = {"names", "proxy", "gateway"}
    return set().union(*(lines.get(str(fault.service), everywhere) for fault in scenario.plays))


def _campaign(
    world: RangeTestbed,
    folder: Path,
    hosts: Iterable[str],
    known: Known,
    lane: str,
    only: LineName | None = None,
) -> Path:
    """A campaign over three lines, or one; it knows tokens only if it has the origin's file."""
    origin = origin_file(world)
    direct = {"ports": dict(world.origin.ports), "lane": lane}
    trusted = direct | {"authority": world.origin.authority}
    own = trusted if known == "page" else direct
    gateway = world.origin.services["reference"]["gateway"]["pupils"]
    inspected = folder / "trusted.pem"
    folder.mkdir(parents=True)
    inspected.write_bytes(
        Path(world.origin.authority).read_bytes() + (origin.parent / "gateway.pem").read_bytes()
    )
    lines = (
        _line("names", "resolver", NAMES, _named(world, own)),
        _line("proxy", "explicit_proxy", WEB, _proxied(world, own)),
        _line(
            "gateway",
            "resolver",
            WEB,
            own
            | {
                "server": world.origin.resolver,
                "ports": {int(port): real for port, real in gateway.items()},
                "authority": str(inspected),
            },
        ),
    )
    return write_campaign(
        folder,
        origin=origin if known == "token" else None,
        lines=[line for line in lines if only in (None, line["name"])],
        control={"type": "control", "options": own | {"resolver": world.origin.resolver}},
        corpora=[{"pack": str(_pack(folder, hosts))}],
        limits=PATIENT,
    )


def _line(name: str, kind: str, probes: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": kind, "probes": list(probes), "options": options}


def _named(world: RangeTestbed, own: dict[str, Any]) -> dict[str, Any]:
    return own | {"server": _address(world, "resolver"), "mixed_case": True}


def _address(world: RangeTestbed, service: str) -> str:
    return str(world.origin.services["reference"][service]["pupils"])


def _proxied(world: RangeTestbed, own: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in own.items() if key != "ports"}
    return kept | {"proxy": _address(world, "proxy")}


def _pack(folder: Path, hosts: Iterable[str]) -> Path:
    """A pack of the scenarios' hosts."""
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"id": host.partition(".")[0], "value": host, "kind": "host", "labels": "GAMB"}
        | {"registrable": host, "stratum": "GAMB", "sensitivity": "S0"}
        for host in hosts
    ]
    details = PackDetails(
        name="scenarios", version="1.0.0", title="Scenarios", created="2026-03-02T12:00:00Z"
    )
    out = folder / "pack"
    write_pack(out, rows, details)
    return out
