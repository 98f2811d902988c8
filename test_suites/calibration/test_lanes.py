"""Both network backends (lanes) give the same verdicts in the same campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.compose import prepare
from harness.cli.measure import LaneName
from probes.net.backend import has_wire
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line, resolver_line
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

DRUGS = 8


def _campaign(world: RangeTestbed, origin_file: Path, folder: Path) -> Path:
    lines: list[dict[str, Any]] = [
        proxy_line(world, probes=["web", "web_https"]),
        resolver_line(world, probes=["dns", "web"]),
    ]
    return write_campaign(
        folder, origin=origin_file, lines=lines, categories=["DRUG"], sample=DRUGS, probes=["web"]
    )


def _verdicts(run: Rehearsal) -> dict[tuple[str, str, str], tuple[object, ...]]:
    return {
        (verdict.item.id, verdict.key.line, verdict.key.probe): (
            verdict.state,
            verdict.mechanism,
            verdict.rule,
        )
        for verdict in run.verdicts
    }


def test_both_backends_give_the_same_verdicts(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    if not has_wire():
        pytest.skip("the wire lane is not there on this machine")
    lanes: tuple[LaneName, LaneName] = ("portable", "wire")
    campaigns = [_campaign(world, origin_file, tmp_path / lane) for lane in lanes]
    drugs = [one.host for one in prepare(campaigns[0]).items if one.category == "DRUG"]
    missed, reset, ended = (frozenset({host}) for host in drugs[:3])
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    world.faults.add(Fault(kind=FaultKind.RESET, hosts=reset, service="proxy"))
    world.faults.add(Fault(kind=FaultKind.EOF, hosts=ended, service="proxy"))

    portable, wire = (
        _verdicts(rehearse(path, lane)) for path, lane in zip(campaigns, lanes, strict=True)
    )

    assert len(portable) >= 4 * 2 * DRUGS
    assert {"tcp_reset", "tcp_eof", "block_page", "proxy_refusal", "dns_nxdomain"} <= {
        str(mechanism) for _, mechanism, _ in portable.values()
    }
    assert portable == wire


def test_lines_use_the_requested_backend(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    path = _campaign(world, origin_file, tmp_path / "run")

    for lane in ("portable", "wire"):
        lines = prepare(path, lane=lane).lines.values()
        assert {lane} == {line._options.lane for line in lines}  # type: ignore[attr-defined]
    assert {"auto"} == {
        line._options.lane  # type: ignore[attr-defined]
        for line in prepare(path).lines.values()
    }
