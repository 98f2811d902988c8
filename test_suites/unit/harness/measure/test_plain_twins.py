"""Plain twins: drawn from a campaign's items, tried over lines as a pupil uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.judge.judge import judge_batch
from harness.measure.measurement_context import MeasurementContext
from harness.measure.plain_twins import KEPT_TOGETHER, ROUND, PlainTwinRun, with_plain_twins
from harness.measure.progress import ProgressCounter
from harness.model.corpus import Item
from harness.model.observation import CONTROL, Observation
from harness.model.plain_twin import TRIES, PlainTwins
from harness.model.verdict import Verdict
from harness.ports.network import Attempt, Origin, ProbeResult
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.trials import observation, web
from test_suites.unit.harness.scripted import CAMPAIGN, GOOD, RESET, SILENT, Played, Wire, tools

ORIGIN = Origin(
    zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k" * 32,
    twin_zone="orchard-view.test",
)  # fmt: skip
TWINS = PlainTwins(number=4, pause=0)


class Pupil:
    """A client that answers as it is told, and remembers what it was asked."""

    def __init__(self, **answers: list[ProbeResult]) -> None:
        self.answers = answers
        self.attempts: list[Attempt] = []

    def line_for(self, line: Any, source: str) -> Any:
        del source
        return line

    async def visit(self, attempt: Attempt, probe: Any, line: Any) -> ProbeResult:
        del probe, line
        self.attempts.append(attempt)
        left = self.answers.get(attempt.item.id)
        if attempt.key.line == CONTROL or not left:
            return GOOD
        return left.pop(0) if len(left) > 1 else left[0]


class World:
    """A journal, the tools, and what was drawn from and tried."""

    def __init__(self, folder: Path, pupil: Pupil | None = None, **twins: Any) -> None:
        self.journal = SegmentJournal.create(folder / "journal", {})
        self.pupil = pupil or Pupil()
        self.campaign = CAMPAIGN.model_copy(
            update={"plain_twins": PlainTwins(**({"number": 4, "pause": 0} | twins))}
        )
        places: Any = {(name, "ks2"): Wire() for name in (CONTROL, "a")}
        self.tools: MeasurementContext = tools(Played(), pupil=self.pupil, twin_lines=places)
        object.__setattr__(self.tools, "origin", ORIGIN)

    async def run(
        self, items: Iterable[Item], tally: ProgressCounter | None = None
    ) -> list[Observation]:
        visits = PlainTwinRun(self.campaign, self.tools, self.journal, judged)
        visits.resume_from(self.journal.sentinels())
        visits.add_batch([seen(one) for one in items])
        await visits.finish(tally)
        return list(self.journal.sentinels())


def judged(trials: Iterable[Observation]) -> Iterable[Verdict]:
    return judge_batch(trials)


def seen(item: Item, **changes: Any) -> Observation:
    one = observation(web(), item=item.id)
    return replace(one, item=item, key=replace(one.key, line="a", profile="ks2"), **changes)


def canaries(number: int, label: str = "DRUG") -> list[Item]:
    return [
        Item(id=f"{label}-{n}", value=f"{label.lower()}-{n}.canary.accredit.test", labels=(label,))
        for n in range(number)
    ]


def real(number: int) -> list[Item]:
    return [Item(id=f"r{n}", value=f"r{n}.example", labels=("PORN",)) for n in range(number)]


async def test_items_are_tried_without_a_mark_on_both_lines(tmp_path: Path) -> None:
    world = World(tmp_path)

    found = await world.run(canaries(9))

    assert Counter(one.key.line for one in found) == {CONTROL: 5, "a": 5}
    assert {("plain_twin", "", "alone")} == {(one.role, one.nonce, one.look) for one in found}
    for attempt in world.pupil.attempts:
        assert attempt.marker is not None
        assert not attempt.marker.nonce
        assert attempt.item.host.endswith(".orchard-view.test")
        assert attempt.item.id.startswith("DRUG-")


async def test_items_elsewhere_are_their_own_twins(tmp_path: Path) -> None:
    world = World(tmp_path)

    await world.run(real(4))

    assert {f"r{n}.example" for n in range(4)} == {one.item.host for one in world.pupil.attempts}
    assert {None} == {one.marker for one in world.pupil.attempts}


async def test_half_of_them_have_other_names_and_ordinary_ones_are_among_them(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)

    found = await world.run([*canaries(9), *real(9), *canaries(9, "ALW")])

    tried = Counter(one.item.labels[0] for one in found if one.key.line == "a")
    assert {"DRUG": 2, "PORN": 3, "ALW": 3} == tried


async def test_where_there_are_few_of_one_sort_there_are_more_of_the_other(tmp_path: Path) -> None:
    world = World(tmp_path)

    found = await world.run([*canaries(1), *real(9)])

    assert {"DRUG": 1, "PORN": 4} == Counter(
        one.item.labels[0] for one in found if one.key.line == "a"
    )


async def test_one_item_of_a_registrable_domain_is_enough(tmp_path: Path) -> None:
    world = World(tmp_path)
    same = [replace(one, registrable="one.example") for one in real(9)]

    assert 2 == len(await world.run(same))


async def test_what_cannot_be_tried_is_not_drawn(tmp_path: Path) -> None:
    world = World(tmp_path)
    visits = PlainTwinRun(world.campaign, world.tools, world.journal, judged)
    (item,) = canaries(1)
    one = seen(item)

    visits.add_batch(
        [
            replace(one, key=one.key.on(CONTROL)),
            replace(one, role="must_allow"),
            replace(one, key=replace(one.key, probe="web_www")),
            replace(one, key=replace(one.key, profile="staff")),
            replace(one, key=replace(one.key, round=2)),
            replace(one, item=replace(item, value="")),
            replace(one, item=replace(item, value="a_b.accredit.test")),
            replace(one, item=replace(item, stratum="DRUG/frame")),
            replace(one, item=replace(item, stratum="twin:DRUG/viewer:cache")),
        ]
    )
    await visits.finish()

    assert [] == world.pupil.attempts


@pytest.mark.parametrize("trouble", [SILENT, RESET])
async def test_trouble_is_looked_at_again_beside_an_ordinary_page(
    tmp_path: Path, trouble: ProbeResult
) -> None:
    world = World(tmp_path, Pupil(**{"DRUG-0": [trouble]}))

    found = await world.run([*canaries(1), *canaries(2, "ALW")])

    (drug,) = [one for one in found if one.item.id == "DRUG-0" and one.key.line == "a"]
    assert drug.heartbeats is not None
    assert drug.heartbeats.shows_life
    patience = [one.timeout for one in world.pupil.attempts if one.item.id == "DRUG-0"]
    assert [1.0, 1.0, 2.0] == patience


async def test_without_an_ordinary_page_there_is_no_sign_of_life(tmp_path: Path) -> None:
    world = World(tmp_path, Pupil(**{"DRUG-0": [SILENT], "ALW-0": [SILENT]}))

    found = await world.run([*canaries(1), *canaries(1, "ALW")])

    beats = [one.heartbeats for one in found if one.item.id == "DRUG-0" and one.key.line == "a"]
    assert [False] * TRIES == [one is not None and one.shows_life for one in beats]


async def test_what_was_tried_before_is_not_tried_again(tmp_path: Path) -> None:
    world = World(tmp_path, number=KEPT_TOGETHER + 5)
    items = real(KEPT_TOGETHER + 5)
    first = await world.run(items)
    asked = len(world.pupil.attempts)

    again = await world.run(items)

    assert len(first) == len(again) == asked == len(world.pupil.attempts)
    assert len({one.batch for one in again}) == 2


@pytest.mark.parametrize(
    ("answers", "tries"),
    [([SILENT, SILENT, GOOD], 2), ([SILENT] * 4 + [GOOD], 3), ([SILENT], 3), ([GOOD], 1)],
)
async def test_an_undecided_twin_is_tried_again_after_the_others(
    tmp_path: Path, answers: list[ProbeResult], tries: int
) -> None:
    """A silent visit is repeated at once, with a longer timeout: two visits are one try."""
    world = World(tmp_path, Pupil(r0=answers))

    found = await world.run(real(4))

    rounds = Counter(one.key.round for one in found if one.item.id == "r0")
    assert rounds == {ROUND + turn: 2 for turn in range(1, tries + 1)}
    assert Counter(one.item.id for one in found if one.item.id != "r0") == {
        f"r{n}": 2 for n in range(1, 4)
    }
    assert len({one.batch for one in found}) == tries


async def test_a_resumed_campaign_goes_on_with_the_tries(tmp_path: Path) -> None:
    world = World(tmp_path, Pupil(r0=[SILENT]))
    await world.run(real(2))
    held = [one for one in world.journal.sentinels() if one.key.round < ROUND + TRIES]
    later = World(tmp_path / "later", Pupil(r0=[SILENT]))
    for number, batch in enumerate((held[:4], held[4:]), 1_000_000_001):
        later.journal.append(number, [replace(one, batch=number) for one in batch])

    found = await later.run(real(2))

    assert Counter(one.key.round - ROUND for one in found if one.item.id == "r0") == {
        1: 2, 2: 2, 3: 2,
    }  # fmt: skip
    assert 2 == len([one for one in found if one.item.id == "r1"])


async def test_what_the_sentinels_taught_decides_a_twin(tmp_path: Path) -> None:
    """A block page with status 200 is known by that of the sentinel, so nothing is tried again."""
    block = web(canary="absent", title="Stop", body_length=90, sketch=(1, 2, 3))
    page = replace(GOOD, facts=block)
    world = World(tmp_path, Pupil(r0=[page]))
    visits = PlainTwinRun(world.campaign, world.tools, world.journal, judged)
    (blocked, passed) = canaries(2)
    sentinels = [
        seen(blocked, role="must_block", facts=block), seen(passed, role="must_allow", facts=web()),
    ]  # fmt: skip
    controls = [replace(one, key=one.key.on(CONTROL), facts=web()) for one in sentinels]

    visits.add_batch([*controls, *sentinels, *(seen(one) for one in real(1))])
    await visits.finish()

    assert 2 == len(world.pupil.attempts)


async def test_an_exception_of_the_client_is_our_own_trouble(tmp_path: Path) -> None:
    class Broken(Pupil):
        async def visit(self, attempt: Attempt, probe: Any, line: Any) -> ProbeResult:
            raise RuntimeError("a mistake")

    found = await World(tmp_path, Broken()).run(real(1))

    assert {"instrument_error"} == {one.failure.name for one in found if one.failure}


def test_a_suppliers_list_holds_the_twins_among_the_items() -> None:
    items = canaries(3)

    both = with_plain_twins([*items, *real(1)], ORIGIN)

    assert 7 == len(both)
    assert sorted(one.value for one in both) == [one.value for one in both]
    assert Counter(one.id for one in both) == {"DRUG-0": 2, "DRUG-1": 2, "DRUG-2": 2, "r0": 1}


def test_a_technique_has_no_plain_twin() -> None:
    technique = Item(
        id="CV-1",
        value="url http://{host}./",
        labels=("MALW.BYPASS",),
        kind="vector",
        registrable="cv-1.ways.accredit.test",
    )

    assert [technique] == with_plain_twins([technique], ORIGIN)
