"""Retrials: kept in batches after all others."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from harness.campaign.item_selection import SelectedItems
from harness.judge.judge import judge_batch
from harness.measure.retrials import Retrials
from harness.model.plain_twin import DONE
from harness.store.journal.journal import SegmentJournal
from test_suites.unit.harness.measure.test_patience import Line, silences
from test_suites.unit.harness.scripted import CAMPAIGN, Played, item, tools


async def test_a_new_run_keeps_its_retrials_after_those_of_the_last_one(tmp_path: Path) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {})
    journal.append(1, silences(3))
    for run in (1, 2):
        retrials = Retrials(
            CAMPAIGN, SelectedItems([(item(),)]), tools(Played(Line())), journal, judge_batch
        )
        async with AsyncExitStack() as stack:
            await retrials.open(stack)
            await retrials.finish()
        later = [one for one in journal.sentinels() if one.look == "patience"]
        assert len(later) == 3, run
    journal.close()

    assert later[0].batch > DONE
