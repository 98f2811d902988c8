"""Undecided items are tried again, up to three times, spread over the campaign, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from harness.campaign.item_selection import SelectedItems
from harness.judge.liveness import WORDS
from harness.measure.batch_plan import Retries
from harness.model.batch import AGAIN, Batch, count_batches, turn_of
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import AttemptKey
from harness.model.verdict import BRACKET_FAILED, OF_THE_LINE, State, Verdict
from harness.ports.judging import BatchJudges

ITEMS = tuple(Item(id=f"i{n}", value=f"i{n}.test", labels=("DRUG",)) for n in range(12))
Says = Callable[[str, int], State | str | None]
"""What becomes of an item at its trial of a number (0 is the first): a state, a rule that leaves it
undecided, or None for a void batch."""


def campaign(**limits: Any) -> Campaign:
    return Campaign.model_validate(
        {
            "campaign": "c",
            "service": {"name": "s"},
            "lines": ({"name": "proxy", "type": "t"}, {"name": "other", "type": "t"}),
            "profiles": {"ks2": {}},
            "corpora": ({"pack": "p"},),
            "limits": {"batch": 2, **limits},
        }
    )


class Journal:
    """A journal that holds batches by number, and what was said in them."""

    def __init__(self) -> None:
        self.held: dict[int, list[Any]] = {}

    def batches(self) -> frozenset[int]:
        return frozenset(self.held)

    def sentinels(self) -> Iterator[Any]:
        return iter(())

    def observations(self) -> Iterator[Any]:
        return (one for seen in self.held.values() for one in seen)


class Seen:
    """What stands for the observations of one batch, judged as the test says."""

    def __init__(self, batch: int, verdict: Verdict) -> None:
        self.batch, self.verdict = batch, verdict


def judged(seen: Iterable[Any]) -> list[Verdict]:
    return [one.verdict for one in seen]


JUDGES = BatchJudges(judge_batch=judged, judge_trials=judged, void_batches=lambda _: iter(()))


def tried(batch: Batch, says: Says) -> list[Seen]:
    number = max(0, (batch.way.round - 1) // AGAIN - 1)
    return [
        Seen(batch.number, verdict(item, batch, line, says(item.id, number)))
        for item in batch.items
        for line in batch.way.lines
    ]


def verdict(item: Item, batch: Batch, line: str, said: State | str | None) -> Verdict:
    key = AttemptKey(
        campaign="c", item=item.id, probe=batch.way.probe, line=line,
        profile=batch.way.profile, round=batch.way.round,
    )  # fmt: skip
    state = said if isinstance(said, State) else State.INSUFFICIENT
    rule = BRACKET_FAILED if said is None else "r" if isinstance(said, State) else said
    return Verdict(key=key, item=item, state=state, rule=rule, rules_version="1")


def run(
    says: Says, journal: Journal | None = None, *, only: bool = False, **limits: Any
) -> list[tuple[int, tuple[str, ...]]]:
    """Measure as the pipeline does; gives round and items of each batch, in their order."""
    journal = journal or Journal()
    retrier = Retries(campaign(**limits), SelectedItems([ITEMS]), journal, JUDGES)  # type: ignore[arg-type]
    told = []
    for batches in retrier.passes("all", only_undecided=only):
        for batch in batches:
            assert batch.number not in journal.held, "no batch is tried twice under one number"
            seen = tried(batch, says)
            journal.held[batch.number] = seen
            retrier.add_batch(batch.number, seen)  # type: ignore[arg-type]
            told.append((batch.way.round, tuple(item.id for item in batch.items)))
    return told


def again(told: list[tuple[int, tuple[str, ...]]]) -> list[str]:
    return [name for number, names in told if number > AGAIN for name in names]


def test_where_all_is_decided_nothing_is_tried_again() -> None:
    told = run(lambda *_: State.BLOCKED)

    assert [number for number, _ in told] == [1] * count_batches(campaign(), len(ITEMS))


@pytest.mark.parametrize(
    ("rules", "times"),
    [
        (["page-not-recognised"] * 4, 1),  # a third answer would be as unclear as two were
        (["broken-off", "page-unclear", "page-unclear", "page-unclear"], 2),
        (["broken-off", "page-unclear", "broken-off", "page-unclear"], 3),
        (["silence-without-sign-of-life"] * 4, 2),  # the line may recover
        (["trouble-not-seen-alone"] * 3 + ["page-unclear"], 2),
    ],
)
def test_an_undecided_item_is_tried_as_often_as_it_may_be_decided(
    rules: list[str], times: int
) -> None:
    def says(name: str, turn: int) -> str | State:
        return rules[turn] if name == "i0" else State.BLOCKED

    assert again(run(says)) == ["i0"] * times


def test_what_decides_late_is_said_by_the_rules_of_the_line() -> None:
    assert set(WORDS) == OF_THE_LINE


def test_an_item_that_is_down_is_tried_three_times_more_and_spread() -> None:
    told = run(lambda name, _: State.DOWN if name == "i0" else State.BLOCKED)

    assert again(told) == ["i0"] * 3
    places = [place for place, (number, _) in enumerate(told) if number > AGAIN]
    assert places[1] - places[0] > 1, "other batches lie between"
    rounds = [number for number, _ in told if number > AGAIN]
    assert {turn_of(number) for number in rounds} == {1}
    assert len(set(rounds)) == 3, "attempt keys are new"


def test_an_item_that_was_left_out_is_tried_again_until_it_is_decided() -> None:
    told = run(lambda name, turn: State.DOWN if name == "i5" and turn < 2 else State.ALLOWED)

    assert again(told) == ["i5", "i5"]


def test_the_last_item_is_tried_three_times_more_as_well() -> None:
    assert again(run(lambda name, _: State.DOWN if name == "i11" else State.ALLOWED)) == ["i11"] * 3


def test_a_void_retry_is_one_of_the_three() -> None:
    told = run(lambda name, turn: (State.DOWN, None)[turn > 0] if name == "i0" else State.ALLOWED)

    assert again(told) == ["i0"] * 3


def test_the_items_of_a_void_batch_are_not_tried_one_by_one() -> None:
    assert again(run(lambda *_: None)) == []


def test_a_campaign_may_do_without() -> None:
    assert again(run(lambda *_: State.INSUFFICIENT, retries=0)) == []


def test_an_altered_page_is_decided() -> None:
    assert again(run(lambda *_: State.ALTERED)) == []


def test_only_undecided_items_are_tried_alone() -> None:
    journal = Journal()
    run(lambda name, _: State.DOWN if name == "i3" else State.BLOCKED, journal, retries=0)

    told = run(lambda *_: State.BLOCKED, journal, only=True)

    assert told == [(1 + 2 * AGAIN, ("i3",))]
    assert run(lambda *_: State.BLOCKED, journal, only=True) == []


def test_whoever_asks_again_gets_three_more() -> None:
    journal = Journal()
    says: Says = lambda name, _: State.DOWN if name == "i3" else State.BLOCKED  # noqa: E731 - short
    assert again(run(says, journal)) == ["i3"] * 3

    assert run(says, journal) == [], "a whole campaign is not gone through again by itself"
    assert again(run(says, journal, only=True)) == ["i3"] * 3


def test_a_campaign_that_was_broken_off_goes_on_with_its_retries() -> None:
    says: Says = lambda name, _: State.DOWN if name == "i0" else State.BLOCKED  # noqa: E731 - short
    whole, journal = Journal(), Journal()
    run(says, whole)
    journal.held = {number: whole.held[number] for number in sorted(whole.held)[:3]}

    told = run(says, journal)

    assert again(told) == ["i0"] * 3
    assert journal.held.keys() == whole.held.keys()
