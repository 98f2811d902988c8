"""A census with a dead item is insufficient until the item is tried again successfully."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.cli.main import app
from harness.model.outcome import Conformity
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line
from test_suites.kit.campaigns.rehearsal import read_rehearsal, rehearse, write_campaign

LOST = frozenset({"ill-csam-017.canary.accredit.test"})


def written(world: RangeTestbed, origin_file: Path, tmp_path: Path) -> Path:
    return write_campaign(
        tmp_path / "run", origin=origin_file, lines=[proxy_line(world)], categories=["ILL.CSAM"],
        items="agreed",
    )  # fmt: skip


def test_a_census_is_insufficient_until_a_dead_entry_is_tried_again(
    world: RangeTestbed, origin_file: Path, tmp_path: Path
) -> None:
    dead = world.faults.add(Fault(kind=FaultKind.DEAD, hosts=LOST))
    campaign = written(world, origin_file, tmp_path)

    first = rehearse(campaign)

    census = first.outcome("ILL-01", "proxy")
    assert census.conformity is Conformity.INSUFFICIENT
    assert "1 entries were left out; all must be tried" in census.reasons
    trials = [one for one in first.verdicts if one.item.host in LOST]
    assert len(trials) == 4, "the first, and three more"

    world.faults.remove(dead)
    out = campaign.parent / "out"
    ended = CliRunner().invoke(
        app, ["measure", str(campaign), "--out", str(out), "--only", "undecided"]
    )

    assert 0 == ended.exit_code, ended.output
    then = read_rehearsal(first.journal)
    assert then.outcome("ILL-01", "proxy").conformity is Conformity.CONFORMS
    assert len(then.verdicts) == len(first.verdicts) + 1


def test_a_retry_needs_a_journal(world: RangeTestbed, origin_file: Path, tmp_path: Path) -> None:
    campaign = written(world, origin_file, tmp_path)

    ended = CliRunner().invoke(
        app, ["measure", str(campaign), "--out", str(tmp_path / "none"), "--only", "undecided"]
    )

    assert "there is no journal yet" in str(ended.exception)
