"""The stopper decides by the first whole batches alone, whatever finishes first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import pytest

from harness.campaign.assemble import Prepared
from harness.campaign.item_selection import SelectedItems, check_stopping_plans
from harness.campaign.origin_file import write_origin
from harness.cli.compose import measurement_context, prepare
from harness.cli.measure import header_of
from harness.errors import UsageError
from harness.estimate.stopping_tests import StoppingTests
from harness.judge.judge import batch_judges
from harness.measure.batch_plan import plan_batches, repeat_batch
from harness.measure.early_stopping import EarlyStopping
from harness.model.campaign import Campaign, Stop, Stopping, StoppingPlan
from harness.model.corpus import covers
from harness.model.journal_header import JournalHeader
from harness.model.observation import AttemptKey, Observation
from harness.model.plain_twin import DONE
from harness.pipeline import measure
from harness.ports.corpora import Items
from harness.ports.network import Origin
from harness.ports.storage import WallClock
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.journal_headers import header as header_for
from test_suites.kit.campaigns.rehearsal import write_campaign

PLANS = tuple(
    StoppingPlan(categories=(code,), bad=0.9, good=0.98, beta=0.1) for code in ("DRUG", "VIOL")
)
BLOCK = ["DRUG", "copper-meadow.accredit.test"]
Batches = dict[int, list[Observation]]


def stopper_of(campaign: Campaign, items: Items, journal: Any) -> EarlyStopping:
    judges = batch_judges(campaign.service.block_page)
    tests = StoppingTests(campaign, journal.header.packs)
    return EarlyStopping(campaign, items, journal, judges.judge_batch, tests)


class Memory:
    """A journal in memory."""

    def __init__(self, header: JournalHeader | None = None) -> None:
        self.header = header or header_for()
        self.kept: Batches = {}
        self.written: list[Stop] = []
        self.asked = 0

    def batches(self) -> frozenset[int]:
        self.asked += 1
        return frozenset(self.kept)

    def keys(self) -> frozenset[AttemptKey]:
        return frozenset(one.key for one in self.observations())

    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        assert batch not in self.kept
        self.kept[batch] = list(observations)
        return len(self.kept[batch])

    def observations(self) -> Iterator[Observation]:
        self.asked += 1
        return (one for seen in list(self.kept.values()) for one in seen)

    def sentinels(self) -> Iterator[Observation]:
        return (one for one in self.observations() if one.role != "item")

    def fingerprint(self) -> str:
        return str(len(self.kept))

    def stops(self) -> tuple[Stop, ...]:
        return tuple(self.written)

    def instrument_records(self) -> tuple[()]:
        return ()

    def stop(self, stop: Stop) -> None:
        self.written.append(stop)

    def seal(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("stopping")
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, folder / "origin.json")
    path = write_campaign(
        folder,
        origin=folder / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCK}}],
        categories=["DRUG", "VIOL", "GAMB"],
        profiles={"pupils": {"phase": "ks2"}, "older": {"phase": "ks4"}},
        control={"type": "simulated"},
        limits={"batch": 40, "timeout": 0.7, "concurrency": 40},
    )
    return prepare(path)


@pytest.fixture(scope="module")
def whole(ready: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Batches:
    """All batches of the campaign but retrials, measured without any stopping."""
    folder = tmp_path_factory.mktemp("whole")
    journal = SegmentJournal.create(folder / "journal", header_of(ready).as_document())
    instruments = measurement_context(ready, EvidenceFolder(folder / "evidence"), WallClock())
    asyncio.run(measure(ready.campaign, ready.items, instruments, journal))
    seen = {
        number: list(several)
        for number, several in groupby(journal.observations(), lambda one: one.batch)
        if number < DONE
    }
    journal.close()
    return seen


@pytest.fixture
def campaign(ready: Prepared) -> Campaign:
    return ready.campaign.model_copy(update={"stopping": Stopping(plans=PLANS)})


def place(stops: Iterable[Stop]) -> list[tuple[int, str, dict[str, int], int]]:
    """Where the plans came to rest."""
    return sorted((one.plan, one.profile, one.after, one.settled) for one in stops)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_batches_finish_changes_no_decision(
    ready: Prepared, campaign: Campaign, whole: Batches, seed: int
) -> None:
    straight, shuffled = Memory(), Memory()
    order = list(whole)
    one = stopper_of(campaign, ready.items, straight)
    for number in sorted(order):
        one.store_batch(number, whole[number])
    other = stopper_of(campaign, ready.items, shuffled)
    random.Random(seed).shuffle(order)
    for number in order:
        other.store_batch(number, whole[number])

    assert place(straight.written) == place(shuffled.written)
    assert [(1, "older"), (1, "pupils"), (2, "older"), (2, "pupils")] == [
        (number, profile) for number, profile, _, _ in place(straight.written)
    ]


def test_a_batch_that_is_missing_holds_every_decision_up(
    ready: Prepared, campaign: Campaign, whole: Batches
) -> None:
    journal = Memory()
    stopper = stopper_of(campaign, ready.items, journal)
    for number in sorted(whole)[1:]:
        stopper.store_batch(number, whole[number])

    assert [] == journal.written
    stopper.store_batch(1, whole[1])
    assert 4 == len(journal.written)


@pytest.mark.parametrize("after", [1, 3, 6, 7, 8, 9])
def test_a_killed_campaign_stops_at_the_same_place(
    ready: Prepared, campaign: Campaign, whole: Batches, after: int
) -> None:
    undisturbed, killed = Memory(), Memory()
    stopper = stopper_of(campaign, ready.items, undisturbed)
    for number in sorted(whole):
        stopper.store_batch(number, whole[number])
    stopper = stopper_of(campaign, ready.items, killed)
    for number in sorted(whole)[:after]:
        stopper.store_batch(number, whole[number])
    before = list(killed.written)
    again = stopper_of(campaign, ready.items, killed)
    for number in sorted(whole)[after:]:
        again.store_batch(number, whole[number])

    assert place(undisturbed.written) == place(killed.written)
    assert before == killed.written[: len(before)]


def run(
    stopper: EarlyStopping, campaign: Campaign, items: SelectedItems, whole: Batches, lag: int
) -> None:
    """Plan and finish batches, ``lag`` of them unfinished at a time."""
    aloft = []
    for batch in stopper.without_stopped(plan_batches(campaign, items)):
        aloft.append(batch)
        if len(aloft) > lag:
            done = aloft.pop(0)
            stopper.store_batch(
                done.number, _tried(whole, done.number, {one.id for one in done.items})
            )
    for done in aloft:
        stopper.store_batch(done.number, _tried(whole, done.number, {one.id for one in done.items}))
    stopper.seal()


def _tried(whole: Batches, number: int, items: set[str]) -> list[Observation]:
    return [one for one in whole[number] if one.role != "item" or one.item.id in items]


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_all_ways_of_trying_an_item_are_made_or_none(
    ready: Prepared, campaign: Campaign, whole: Batches, lag: int
) -> None:
    campaign = campaign.model_copy(update={"rounds": 2})
    twice = {
        number: whole[2 * block + way % 2 + 1]
        for block in range(len(whole) // 2)
        for way in range(4)
        for number in [4 * block + way + 1]
    }
    journal = Memory()
    run(stopper_of(campaign, ready.items, journal), campaign, ready.items, twice, lag)

    tried: dict[tuple[str, str], int] = {}
    for seen in journal.kept.values():
        for one in seen:
            if one.role == "item" and one.key.line == "proxy":
                who = (one.item.id, one.key.profile)
                tried[who] = tried.get(who, 0) + 1
    assert {2} == set(tried.values())
    assert set(range(1, len(twice) + 1)) == set(journal.kept), "skipped ones are kept, untried"
    for stop in journal.written:
        [code] = stop.categories
        left = {item.id for item in ready.items if covers(item.category, code)}
        left -= {name for name, profile in tried if profile == stop.profile}
        assert stop.untried == len(left)
        assert stop.attempts == 4 * stop.untried


def test_what_no_plan_names_goes_on(ready: Prepared, campaign: Campaign, whole: Batches) -> None:
    journal = Memory()
    run(stopper_of(campaign, ready.items, journal), campaign, ready.items, whole, 1)

    gambling = {item.id for item in ready.items if item.category == "GAMB"}
    for profile in campaign.profiles:
        assert gambling <= {
            one.item.id for one in journal.observations() if one.key.profile == profile
        }


def test_a_void_batch_leaves_doubt_and_doubt_does_not_stop(
    ready: Prepared, campaign: Campaign, whole: Batches
) -> None:
    journal = Memory()
    stopper = stopper_of(campaign, ready.items, journal)
    for number in sorted(whole):
        stopper.store_batch(number, [one for one in whole[number] if one.role == "item"])

    assert [] == journal.written


def test_the_repetition_of_a_batch_has_the_items_of_the_first_trial(
    ready: Prepared, campaign: Campaign, whole: Batches
) -> None:
    journal = Memory()
    stopper = stopper_of(campaign, ready.items, journal)
    run(stopper, campaign, ready.items, whole, 1)
    plain = list(plan_batches(campaign, ready.items))

    for number in (1, len(plain) - 1):
        again = [
            one.id
            for each in stopper.without_stopped([repeat_batch(plain[number - 1], len(plain))])
            for one in each.items
        ]
        first = {one.item.id for one in journal.kept[number] if one.role == "item"}
        assert first == set(again)


def test_without_plans_nothing_is_read_or_changed(ready: Prepared, whole: Batches) -> None:
    journal = Memory()
    stopper = stopper_of(ready.campaign, ready.items, journal)
    planned = list(plan_batches(ready.campaign, ready.items))

    assert planned == list(stopper.without_stopped(planned))
    assert 0 == stopper.store_batch(1, whole[1])
    assert (0, [1], []) == (journal.asked, list(journal.kept), journal.written)


def test_the_attempts_spared_are_told_once_and_again_on_a_resume(
    ready: Prepared, campaign: Campaign, whole: Batches
) -> None:
    journal = Memory()
    stopper = stopper_of(campaign, ready.items, journal)
    spared = [stopper.store_batch(number, whole[number]) for number in sorted(whole)]
    total = sum(stop.attempts for stop in journal.written)

    assert total == sum(spared)
    del journal.kept[max(whole)]
    resumed = stopper_of(campaign, ready.items, journal)
    assert total == resumed.store_batch(max(whole), whole[max(whole)])


def test_a_plan_for_what_is_not_tried_is_a_mistake(ready: Prepared, campaign: Campaign) -> None:
    check_stopping_plans(campaign, ready.items)
    wrong = PLANS[1].model_copy(update={"categories": ("PORN",)})
    plans = Stopping(plans=(PLANS[0], wrong))
    other = campaign.model_copy(update={"stopping": plans})

    with pytest.raises(UsageError, match=r"plan 2: no item of category 'PORN' is chosen; known: "):
        check_stopping_plans(other, ready.items)


def test_a_stop_names_the_last_batch_that_its_decision_rests_on(
    ready: Prepared, campaign: Campaign, whole: Batches
) -> None:
    journal = Memory()
    stopper = stopper_of(campaign, ready.items, journal)
    for number in sorted(whole):
        before = len(journal.written)
        stopper.store_batch(number, whole[number])
        assert {number} >= {one.settled for one in journal.written[before:]}

    assert journal.written
