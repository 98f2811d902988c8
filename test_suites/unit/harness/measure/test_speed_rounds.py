"""Rounds of transfers: both lines in turn, in a drawn order, alone on the line, without a mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.measure.speed_rounds import SpeedExtent
from harness.model.observation import CONTROL, Observation
from harness.model.transfer import Transfer, transfer_of
from harness.model.transfer_facts import TransferFacts
from harness.store.journal.journal import open_journal
from test_suites.kit.clocks.simulated_speed import FEW_BYTES, SpeedCampaign

EXTENT = SpeedExtent(
    rounds=4, requests=3, connections=3, seconds=0.2, items=8, sizes=FEW_BYTES, samples=1
)


class Timed(NamedTuple):
    """A transfer over a line, and when it began and ended."""

    transfer: Transfer
    seen: Observation
    began: float
    ended: float


def measured(folder: Path, extent: SpeedExtent = EXTENT, **more: object) -> list[Observation]:
    """The observations of one measurement of speed."""
    made = SpeedCampaign(folder=folder, rows=("PRF-02",))
    made.measure(made.write(**more), extent)
    with closing(open_journal(folder / "out" / "rehearsal" / "journal")) as journal:
        return [one for one in journal.sentinels() if one.role == "speed"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Observation]:
    return measured(tmp_path_factory.mktemp("speed"))


def timed(seen: list[Observation]) -> Iterator[Timed]:
    for one in seen:
        transfer = transfer_of(one.item.stratum)
        if transfer is not None:
            assert isinstance(one.facts, TransferFacts)
            assert one.timings.total is not None
            yield Timed(transfer, one, one.facts.began, one.facts.began + one.timings.total)


def test_each_transfer_alone_is_made_over_both_lines_one_right_after_the_other(
    seen: list[Observation],
) -> None:
    alone = [one for one in timed(seen) if one.transfer.situation == "alone"]
    by_item: dict[str, list[Timed]] = {}
    for one in alone:
        by_item.setdefault(one.seen.item.id, []).append(one)

    assert len(by_item) == 4 * (4 + 3)
    for first, second in by_item.values():
        assert {first.seen.key.line, second.seen.key.line} == {CONTROL, "line"}
        assert 0 <= second.began - first.ended < 0.001


def test_either_line_comes_first_and_forms_change_their_order(seen: list[Observation]) -> None:
    alone = [one for one in timed(seen) if one.transfer.situation == "alone"]
    alone.sort(key=lambda one: one.began)
    assert {one.seen.key.line for one in alone[::2]} == {CONTROL, "line"}
    orders = {
        tuple(dict.fromkeys(one.transfer.form for one in alone if one.transfer.round == turn))
        for turn in range(1, 5)
    }
    assert len(orders) > 1


def test_nothing_else_is_under_way_while_a_transfer_is_timed(seen: list[Observation]) -> None:
    found = sorted(timed(seen), key=lambda one: one.began)
    for one in found:
        others = [each for each in found if each.began < one.ended and each.ended > one.began]
        assert {each.seen.key.line for each in others} == {one.seen.key.line}
        if one.transfer.situation == "alone":
            assert len(others) == 1


def test_a_sample_is_the_same_transfers_over_both_lines(seen: list[Observation]) -> None:
    samples = Counter(
        (one.seen.key.line, one.transfer.direction)
        for one in timed(seen)
        if one.transfer.situation == "sample"
    )
    assert len(samples) == 4
    assert len(set(samples.values())) <= 2
    ups = {one.transfer.form for one in timed(seen) if one.transfer.direction == "up"}
    assert ups == {"upload"}


def test_short_pages_and_items_are_tried_beside_the_load(seen: list[Observation]) -> None:
    load = [one for one in timed(seen) if one.transfer.situation == "load"]
    for one in timed(seen):
        if one.transfer.situation == "beside":
            beside = [
                each
                for each in load
                if each.seen.key.line == one.seen.key.line
                if each.began < one.ended and each.ended > one.began
            ]
            assert beside
    tried = Counter(one.item.id.rpartition("@")[2] for one in seen if "GAMB" in one.item.labels)
    assert tried == {"idle": 16, "load": 16}


def test_no_transfer_bears_a_mark_and_no_host_is_used_twice(seen: list[Observation]) -> None:
    hosts: dict[str, str] = {}
    for one in timed(seen):
        assert not one.seen.nonce
        assert one.seen.item.host.endswith(".twins.test")
        assert hosts.setdefault(one.seen.item.host, one.seen.item.id) == one.seen.item.id


def test_sentinels_are_tried_before_and_after_each_round(seen: list[Observation]) -> None:
    sides = Counter(
        one.item.id.rpartition(".")[2] for one in seen if one.item.id.startswith("sentinel")
    )
    assert sides == {"before": 4 * 4, "after": 4 * 4}
    assert len({one.batch for one in seen}) == 4


def test_a_second_measurement_has_other_hosts_and_a_number_of_its_own(tmp_path: Path) -> None:
    extent = replace(EXTENT, rounds=1, items=0)
    measured(tmp_path, extent)
    both = [one.seen for one in timed(measured(tmp_path, extent))]

    rounds = Counter(
        one.key.round for one in both if one.item.stratum.startswith("CTRL/transfer:page:alone")
    )
    assert set(rounds.values()) == {2}
    assert len(rounds) == 2
    assert len({one.item.host for one in both}) == len({one.item.id for one in both})


def test_nothing_is_uploaded_where_uploads_are_blocked(tmp_path: Path) -> None:
    profiles = {"pupils": {"phase": "ks2", "uploads": "block"}}
    found = measured(tmp_path, replace(EXTENT, rounds=1), profiles=profiles)
    assert {one.transfer.direction for one in timed(found)} == {"down"}


def test_items_that_are_too_few_are_tried_in_several_rounds(tmp_path: Path) -> None:
    extent = replace(EXTENT, rounds=2, items=30, samples=0)
    items = [one for one in measured(tmp_path, extent) if "GAMB" in one.item.labels]
    assert len({(one.key.item, one.key.line) for one in items}) == 2 * 2 * 30
    assert len({one.item.id.partition("@")[0] for one in items}) == 20
