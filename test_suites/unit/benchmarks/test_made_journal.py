"""The journal that the benchmarks make is a journal that the harness accepts and concludes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import made_journal
from benchmarks.concluding import made_scheme
from harness.pipeline import conclude
from harness.store.journal.journal import open_journal


def test_a_made_journal_is_whole_and_decides_each_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_journal, "BATCHES", 10)

    made = made_journal.make_journal(tmp_path / "journal", made_journal.ROWS * 10)
    assessment = conclude(open_journal(tmp_path / "journal"), made_scheme())

    assert made_journal.ROWS * 10 == made == assessment.observations
    rates = {each.id.split("[")[0]: each.metric.value or 0 for each in assessment.outcomes}
    assert rates["URL-00"] == pytest.approx(0.98, abs=0.02)
    overblocked = f"OVB-{2 * made_journal.CATEGORIES.index('ALW.EDU'):02d}"
    assert rates[overblocked] == pytest.approx(0.02, abs=0.02)
