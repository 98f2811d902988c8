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
from test_suites.calibration.conftest import proxy_line, resolver_line
from test_suites.rehearsal import Rehearsal, rehearse, write_campaign

MISSED = frozenset({"drug-003.canary.accredit.test"})
RESET = frozenset({"drug-004.canary.accredit.test"})
ENDED = frozenset({"drug-005.canary.accredit.test"})


def _campaign(world: RangeTestbed, origin_file: Path, folder: Path) -> Path:
    lines: list[dict[str, Any]] = [
        proxy_line(world, probes=["web", "web_https"]),
        resolver_line(world, probes=["dns", "web"]),
    ]
    return write_campaign(
        folder, origin=origin_file, lines=lines, categories=["DRUG"], probes=["web"]
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
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=MISSED))
    world.faults.add(Fault(kind=FaultKind.RESET, hosts=RESET, service="proxy"))
    world.faults.add(Fault(kind=FaultKind.EOF, hosts=ENDED, service="proxy"))
    lanes: tuple[LaneName, LaneName] = ("portable", "wire")
    portable, wire = (
        _verdicts(rehearse(_campaign(world, origin_file, tmp_path / lane), lane)) for lane in lanes
    )

    assert len(portable) > 400
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
