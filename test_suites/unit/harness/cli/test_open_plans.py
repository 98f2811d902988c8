"""Plans open once for each failure, and none for want of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_campaign
from harness.cli.registry_session import current_user, open_plans


def test_plans_open_once(simulated: Any, tmp_path: Path) -> None:
    missed = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
    campaign = simulated(miss=missed)
    assessment, places = conclude_journal(measure_campaign(campaign, tmp_path / "out"))

    assert ["P-0001"] == [plan.id for plan in open_plans(assessment, places)]
    assert () == open_plans(assessment, places)


def test_somebody_is_on_record() -> None:
    assert current_user()
