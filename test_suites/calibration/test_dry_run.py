"""A dry run counts the attempts that a campaign on the range then makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.dry_run import dry_run
from harness.cli.measure import measure_campaign, prepare_in
from harness.model.observation import CONTROL
from harness.schemes.load import load_scheme
from harness.store.journal.journal import open_journal
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import proxy_line, resolver_line
from test_suites.kit.campaigns.rehearsal import QUICK, write_campaign

BECTA = load_scheme("becta-2008")
PARTS = {"item": "items", "must_allow": "sentinels", "must_block": "sentinels"}
PARTS |= {"plain_twin": "twins", "retry": "retrials"}


Write = Callable[[int], Path]


@pytest.fixture
def campaign(world: RangeTestbed, origin_file: Path, tmp_path: Path) -> Write:
    """Write a campaign of so many items over two lines, in batches of 50."""
    lines = [proxy_line(world), resolver_line(world, probes=["dns", "web"])]
    return lambda sample: write_campaign(
        tmp_path / "run",
        origin=origin_file,
        lines=lines,
        categories=["DRUG"],
        sample=sample,
        plain_twins={"number": 12, "pause": 0},
        limits=QUICK | {"batch": 50},
    )


def test_the_attempts_of_a_dry_run_are_those_of_the_campaign(
    campaign: Write, tmp_path: Path
) -> None:
    """Three batches for each probe, and more items than are drawn for retrials."""
    path, out = campaign(70), tmp_path / "out"
    plan = dry_run(prepare_in(path, out), BECTA, out)

    journal = open_journal(measure_campaign(path, out))
    made: Counter[tuple[str, str, str]] = Counter(
        (one.key.line, one.key.probe, PARTS[one.role])
        for one in journal.observations()
        if one.role in PARTS
    )
    assert {"pupils"} == {row.profile for row in plan.attempts}
    assert {("proxy", "web"), ("names", "web"), ("names", "dns"), (CONTROL, "web"), (CONTROL, "dns")} == {
        (row.line, row.probe) for row in plan.attempts
    }  # fmt: skip
    for row in plan.attempts:
        counts = {part: made[row.line, row.probe, part] for part in set(PARTS.values())}
        assert counts["items"] == row.items
        assert counts["sentinels"] == row.sentinels
        lines = 2 if (row.line, row.probe) == (CONTROL, "web") else 1
        assert lines * counts["twins"] == row.twins, "the control is visited beside each line"
        assert (row.line != CONTROL) == bool(counts["retrials"])
        assert counts["retrials"] <= row.retrials_at_most


def test_a_complete_journal_leaves_nothing_to_try(campaign: Write, tmp_path: Path) -> None:
    path, out = campaign(3), tmp_path / "out"
    planned = dry_run(prepare_in(path, out), BECTA, out)
    measure_campaign(path, out)

    after = dry_run(prepare_in(path, out), BECTA, out)

    assert (planned.batches, 0) == (after.batches_done, after.batches)
    assert not sum(row.items + row.sentinels for row in after.attempts)
