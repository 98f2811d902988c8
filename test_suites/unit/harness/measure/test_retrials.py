"""Retrials: kept in batches after all others, written as they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from harness.campaign.item_selection import SelectedItems
from harness.errors import InstrumentError
from harness.judge.judge import judge_batch
from harness.measure.batch_plan import RetrialBatches
from harness.measure.repeated_attempts import in_batches
from harness.measure.retrials import Retrials
from harness.model.campaign import Campaign
from harness.model.observation import AttemptKey, Observation
from harness.model.plain_twin import DONE
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.trials import observation, web
from test_suites.unit.harness.measure.test_blocked_retrials import Denying, Stern, blocked
from test_suites.unit.harness.measure.test_early_stopping import Memory
from test_suites.unit.harness.measure.test_silence_retrials import Line, silences
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


SMALL = Campaign.model_validate(
    CAMPAIGN.model_dump() | {"limits": {**CAMPAIGN.limits.model_dump(), "batch": 10}}
)


class Full(Memory):
    """A journal that can hold so many batches of retrials."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        if batch > DONE and sum(number > DONE for number in self.kept) == self.most:
            msg = "no space left"
            raise InstrumentError(msg)
        return super().append(batch, observations)


async def retry_blocked(journal: Memory, measured: list[Observation]) -> None:
    """Measure what the journal lacks of batches of blocked items, and retry them."""
    context = replace(tools(Denying()), second_client=Stern())
    retrials = Retrials(SMALL, SelectedItems([(item(),)]), context, journal, judge_batch)
    async with AsyncExitStack() as stack:
        await retrials.open(stack)
        for batch in map(list, in_batches(measured)):
            if batch[0].batch not in journal.kept:
                journal.append(batch[0].batch, batch)
                await retrials.add_batch(batch)
        await retrials.finish()


def keys_of(journal: Memory) -> Counter[AttemptKey]:
    return Counter(one.key for one in journal.observations() if one.role == "retry")


async def test_they_are_written_in_batches_of_ordinary_size_before_all_are_made() -> None:
    sizes = {1: 12, 2: 12, 3: 35}
    measured = [one for batch, size in sizes.items() for one in blocked(size, batch)]
    journal = Memory()
    await retry_blocked(journal, measured)

    order = list(journal.kept)
    assert 3 * sum(sizes.values()) == sum(keys_of(journal).values())
    assert order.index(DONE + 1) < order.index(3)
    assert 10 + 2 * 10 + 3 >= max(  # a batch, and what ended while it was written
        sum(one.look in ("at_end", "other_client") for one in seen)
        for seen in journal.kept.values()
    )


async def test_heartbeats_and_retrials_belong_to_the_batch_in_which_they_are_written() -> None:
    class Beats:
        joined: ClassVar[list[int]] = []

        def join(self, batch: int) -> None:
            self.joined.append(batch)

        def leave(self, batch: int) -> list[Observation]:
            self.joined.remove(batch)
            return [observation(web(), "a", item=f"heartbeat@{batch}", batch=batch)]

    journal, beats = Memory(), Beats()
    batches = RetrialBatches(journal, 10)
    batches.join(beats)  # type: ignore[arg-type]  # all that is asked of it
    begun = observation(web(), "a", item="begun", batch=batches.number)
    await batches.write()
    assert [DONE + 2] == beats.joined
    batches.add(begun)
    await batches.finish()

    assert [] == beats.joined
    assert {DONE + 1: ["heartbeat@1000000001"], DONE + 2: ["heartbeat@1000000002", "begun"]} == {
        number: [one.key.item for one in seen] for number, seen in journal.kept.items()
    }
    assert [DONE + 1, DONE + 2, DONE + 2] == [one.batch for one in journal.observations()]


@pytest.mark.parametrize("written", [1, 3])
async def test_a_journal_that_stopped_among_them_resumes_and_holds_each_once(written: int) -> None:
    measured = [one for batch in range(1, 4) for one in blocked(30, batch)]
    whole, stopped = Memory(), Full(written)
    await retry_blocked(whole, measured)
    with pytest.raises(InstrumentError, match="no space left"):
        await retry_blocked(stopped, measured)
    before = keys_of(stopped)
    stopped.most = 1000
    await retry_blocked(stopped, measured)

    assert 10 * written <= len(before) < 3 * 90
    assert before.keys() <= keys_of(stopped).keys()
    assert {1} == set(keys_of(stopped).values())
    assert keys_of(whole) == keys_of(stopped)
