"""A journal is judged once, and again as soon as anything that it rests on has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.appealed import hear
from harness.judged import judged
from harness.model.appeal import Appeal
from harness.model.campaign import Campaign
from harness.model.fate import Counts
from harness.model.observation import CONTROL, Observation
from harness.model.verdict import State
from harness.stages.judge.together import judge_of
from harness.store.journal import SegmentJournal
from harness.store.verdicts import VerdictFolder
from test_suites.calibration.trials import batch_of, observation, web

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

    def judge(*given: Any) -> Any:
        called.append(judge_of(*given))
        return called[-1]

    monkeypatch.setattr("harness.judged.judge_of", judge)
    return called


def counts(journal: Any, folder: VerdictFolder | None, only: set[str] | None = None) -> Counts:
    with judged(journal, only, folder) as folded:
        assert folded.basis.preconditions[0].held
        return folded.counts


def test_a_second_conclusion_needs_no_judge(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictFolder(tmp_path / "verdicts")

    first, second = counts(journal, folder), counts(journal, folder)

    assert first == second
    assert len(judges) == 1
    (fate,) = first.fates
    assert (fate.items, {one.state for one in fate.sights}) == (2, {State.BLOCKED})


def test_a_longer_journal_is_judged_anew(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictFolder(tmp_path / "verdicts")
    counts(journal, folder)
    journal.append(3, batch(3))
    journal.close()

    assert counts(journal, folder).fates[0].items == 3
    assert len(judges) == 2


def test_an_appeal_or_a_choice_is_judged_anew(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    folder = VerdictFolder(tmp_path / "verdicts")
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
    heard = counts(hear(journal, [appeal]), folder)
    some = counts(journal, folder, {"item-2"})

    assert len(judges) == 3
    assert [len(one.fates) for one in (before, heard, some)] == [1, 2, 1]
    assert some.fates[0].items == 1


def test_without_a_folder_nothing_is_kept(
    journal: SegmentJournal, judges: list[Any], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))

    assert counts(journal, None) == counts(journal, None)
    assert len(judges) == 2
    assert before == sorted(tmp_path.rglob("*"))


def test_what_was_read_is_counted(journal: SegmentJournal) -> None:
    with judged(journal) as whole, judged(journal, {"item-1"}) as part:
        assert (whole.basis.observations, part.basis.observations) == (20, 18)
