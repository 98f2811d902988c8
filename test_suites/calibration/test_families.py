"""IPv4 and IPv6 on a line each: recorded and judged separately."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_reader import open_pack
from harness.cli.compose import prepare
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import is_blocked
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

PEERS = {"four": {"127.0.0.1"}, "six": {"::1"}}


@pytest.fixture
def policy() -> FilterPolicy:
    return FilterPolicy.from_items(open_pack("canary").items(), is_blocked)


@pytest.fixture
def both(tmp_path: Path, policy: FilterPolicy) -> Iterator[RangeTestbed]:
    """A range at both families, and a resolver that filters names of both."""
    with RangeTestbed.running(
        tmp_path / "world", policy=policy, profiles=("pupils",), dual_stack=True
    ) as world:
        yield world


def campaign(world: RangeTestbed, folder: Path) -> Path:
    """A campaign over one line for each family of the same service."""
    server = world.origin.services["reference"]["resolver"]["pupils"]
    lines: list[dict[str, Any]] = [
        {"name": name, "type": "resolver", "options": {"server": server, "family": family}}
        for name, family in (("four", "ipv4"), ("six", "ipv6"))
    ]
    return write_campaign(
        folder / "run",
        origin=folder / "world" / "origin.json",
        lines=lines,
        categories=["DRUG"],
        sample=5,
        probes=["web", "web_https"],
    )


def test_ipv4_and_ipv6_are_recorded_and_judged_separately(
    both: RangeTestbed, tmp_path: Path
) -> None:
    path = campaign(both, tmp_path)
    missed = next(one for one in prepare(path).items if one.category == "DRUG")
    both.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({missed.host})))
    came = rehearse(path)
    peers: dict[str, set[str]] = {}
    with closing(open_journal(came.journal)) as journal:
        for seen in journal.observations():
            if isinstance(seen.facts, WebFacts) and seen.facts.peer:
                peers.setdefault(seen.key.line, set()).add(seen.facts.peer)

    assert PEERS | {CONTROL: {"127.0.0.1"}} == peers
    for line in PEERS:
        for probe in ("web", "web_https"):
            assert came.items(State.ALLOWED, "DRUG", line, probe) == {missed.id}
            assert {"dns_nxdomain"} == set(came.mechanisms("DRUG", line, probe))
        assert line == came.outcome("URL-01", line).line


def test_names_without_ipv6_are_insufficient_on_the_ipv6_line(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    came = rehearse(campaign(world, tmp_path))

    assert {State.INSUFFICIENT} == {each.state for each in came.verdicts if each.key.line == "six"}
    assert {"dns_nxdomain"} == set(came.mechanisms("DRUG", "four"))
