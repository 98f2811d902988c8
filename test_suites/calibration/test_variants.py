"""Variants of a site: one open variant is a miss, and one wrongly blocked is over-blocking."""

from __future__ import annotations

from pathlib import Path

from harness.model.verdict import State
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign

OPEN = "www.porn-003.canary.accredit.test"
GONE = "www.porn-004.canary.accredit.test"
WRONGED = "www.porn-005.twin.accredit.test"
PROBES = ["web", "web_www"]
ITEMS = [f"porn-{number:03}{kind}" for number in range(1, 11) for kind in ("", "-twin")]


def test_one_open_variant_is_a_miss_and_one_blocked_variant_is_over_blocking(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({OPEN})))
    world.faults.add(Fault(kind=FaultKind.GONE, hosts=frozenset({GONE}), service="names"))
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=frozenset({WRONGED})))
    path = write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=[proxy_line(world, probes=PROBES)],
        corpora=[{"pack": "canary", "items": ITEMS}],
        probes=PROBES,
    )
    came = rehearse(path)
    blocked, overblocked = (came.outcome(name, "proxy") for name in ("URL-01", "OVB-01"))

    assert {"porn-003"} == came.items(State.ALLOWED, "PORN", "proxy", "web_www")
    assert {"porn-004"} == came.items(State.DOWN, "PORN", "proxy", "web_www")
    assert not came.items(State.ALLOWED, "PORN", "proxy", "web")
    assert (blocked.metric.n, blocked.metric.k) == (10, 9)
    assert ("porn-003",) == blocked.metric.witnesses
    assert ("porn-005-twin",) == overblocked.metric.witnesses
    assert (overblocked.metric.n, overblocked.metric.k) == (10, 1)
