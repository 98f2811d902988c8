"""A journal is judged once, and again as soon as anything that it rests on has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from harness.judge.composite_measurements import judge_journal, judge_maker
from harness.model.campaign import Campaign
from harness.model.corpus import Appeal
from harness.model.observation import CONTROL, Observation, Timings
from harness.model.outcome_group import Counts
from harness.model.verdict import State
from harness.model.verdict_basis import VerdictBasis
from harness.pipeline import conclude
from harness.ports.storage import WallClock
from harness.schemes.load import load_scheme
from harness.store.assessments import encode_assessment
from harness.store.journal.journal import SegmentJournal
from harness.verdicts.cached_verdicts import VerdictCache, counted_verdicts
from harness.verdicts.corrected_labels import with_corrected_labels
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.kit.campaigns.trials import batch_of, failed, observation, web

BLOCKED = web(canary="absent", status=403, title="Blocked")
CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "proxy", "type": "explicit_proxy"},),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "canary"},),
    }
)


class Noon(WallClock):
    """It is always noon."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 12, tzinfo=UTC)


def batch(number: int) -> list[Observation]:
    """One blocked item between sentinels."""
    item = f"item-{number}"
    return [
        *batch_of(number, web(), BLOCKED),
        observation(BLOCKED, item=item, batch=number),
        observation(web(), CONTROL, item=item, batch=number),
    ]


@pytest.fixture
def journal(tmp_path: Path) -> SegmentJournal:
    header = {"campaign": CAMPAIGN.model_dump_json(), "corpora": ["canary 1"], "frames": {}}
    made = SegmentJournal.create(tmp_path / "journal", header, segment_rows=15)
    for number in (1, 2):
        made.append(number, batch(number))
    made.close()
    return made


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Who was called to judge."""
    called: list[Any] = []
    maker = judge_maker

    def make(journal: Any) -> Any:
        def called_judge() -> Any:
            called.append(maker(journal)())
            return called[-1]

        return called_judge

    monkeypatch.setattr(sys.modules[__name__], "judge_maker", make)
    return called


def counts(journal: Any, folder: VerdictCache | None, only: set[str] | None = None) -> Counts:
    with counted_verdicts(journal, judge_maker(journal), only, folder) as folded:
        assert folded.basis.preconditions[0].held
        return folded.counts


def test_a_second_conclusion_needs_no_judge(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictCache(tmp_path / "verdicts", b"k" * 32)

    first, second = counts(journal, folder), counts(journal, folder)

    assert first == second
    assert len(judges) == 1
    (group,) = first.groups
    assert (group.items, {one.state for one in group.probe_states}) == (2, {State.BLOCKED})


def test_a_longer_journal_is_judged_anew(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictCache(tmp_path / "verdicts", b"k" * 32)
    counts(journal, folder)
    journal.append(3, batch(3))
    journal.close()

    assert counts(journal, folder).groups[0].items == 3
    assert len(judges) == 2


def test_an_appeal_or_a_choice_is_judged_anew(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictCache(tmp_path / "verdicts", b"k" * 32)
    appeal = Appeal(
        pack="canary",
        item="item-1",
        before=("GAMB",),
        labels=("ALW.ARTS",),
        reason="r",
        appellant="s",
        upheld=True,
    )
    before = counts(journal, folder)
    heard = counts(with_corrected_labels(journal, [appeal]), folder)
    some = counts(journal, folder, {"item-2"})

    assert len(judges) == 3
    assert [len(one.groups) for one in (before, heard, some)] == [1, 2, 1]
    assert some.groups[0].items == 1


def test_without_a_folder_nothing_is_kept(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))

    assert counts(journal, None) == counts(journal, None)
    assert len(judges) == 2
    assert before == sorted(tmp_path.rglob("*"))


def test_what_was_read_is_counted(journal: SegmentJournal) -> None:
    maker = judge_maker(journal)
    with (
        counted_verdicts(journal, maker) as whole,
        counted_verdicts(journal, maker, {"item-1"}) as part,
    ):
        assert (whole.basis.observations, part.basis.observations) == (20, 18)


CODES = ("PORN.NUDE", "GAMB", "DRUG", "ALW.EDU", "ALW.NEWS", "CTRL")
SERVICE = (
    web(),
    web(),
    BLOCKED,
    BLOCKED,
    web(title="A page, and an advertisement"),
    failed("connection_reset", "tls"),
    failed("instrument_overload", "instrument"),
    web(canary="absent", status=None, tunnel_status=503),
)


def lively(random: Random) -> Iterator[list[Observation]]:
    """Batches in which everything happens: every state, void batches, second trials."""
    for number in range(1, 13):
        is_void = random.random() < 0.3
        yield [
            *batch_of(number, web(), web() if is_void else BLOCKED),
            *trials(random, number, place=number),
        ]
        if is_void:
            later = 100 + number
            again = trials(random, later, place=number, turn=1001)
            yield [*batch_of(later, web(), BLOCKED), *again]


def trials(random: Random, batch: int, place: int, turn: int = 1) -> Iterator[Observation]:
    """Three items of a batch, on the service and the control; two share a domain."""
    for number in range(3 * place, 3 * place + 3):
        control = random.choice((web(), web(), web(), failed("generic_timeout_error", "connect")))
        for line, facts in (("proxy", random.choice(SERVICE)), (CONTROL, control)):
            seen = observation(facts, line, item=f"item-{number}", batch=batch)
            named = replace(
                seen.item,
                labels=(CODES[number % len(CODES)],),
                registrable=f"site-{number // 2}.test",
                stratum=("", "head")[number % 2],
            )
            times = Timings(first_byte=random.choice((None, random.random())))
            yield replace(seen, item=named, key=replace(seen.key, round=turn), timings=times)


@contextmanager
def in_memory(journal: Any, *_: Any, twice: bool) -> Iterator[Any]:
    """The other road: everything is judged and folded at once."""
    assert not twice, "the scheme does not ask it"
    found = tuple(journal.observations())
    judgement = judge_journal(journal.header, found)
    folded: Any = MemoryFold(judgement.verdicts)
    folded.basis = VerdictBasis(
        observations=len(found),
        rules_version=judgement.rules_version,
        preconditions=judgement.preconditions,
    )
    yield folded


@pytest.mark.parametrize("seed", range(8))
def test_both_roads_lead_to_the_same_assessment(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged and folded at once in memory, a campaign is concluded byte for byte as on disk."""
    header = {"campaign": CAMPAIGN.model_dump_json(), "corpora": [], "frames": {"GAMB": 40}}
    journal = SegmentJournal.create(tmp_path / "journal", header, segment_rows=60)
    for seen in lively(Random(seed)):
        journal.append(seen[0].batch, seen)
    journal.close()
    scheme, clock = load_scheme("becta-2008"), Noon()

    on_disk = conclude(journal, scheme, clock)
    monkeypatch.setattr("harness.pipeline.counted_verdicts", in_memory)
    at_once = conclude(journal, scheme, clock)

    assert encode_assessment(at_once) == encode_assessment(on_disk)
    assert {one.metric.n > 0 for one in on_disk.outcomes} == {True, False}
    assert any(not one.held for one in on_disk.preconditions)
