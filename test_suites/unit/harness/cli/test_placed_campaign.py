"""Journals of bundles are put into the results whole, once, and only if they continue what is there."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.paths import CampaignPaths
from harness.cli.placed_campaign import BUILDING, Continuation, continuation, place_campaign
from harness.errors import InstrumentError, UsageError
from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation
from harness.model.outcome import Assessment
from harness.store.assessments import read_assessment
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.campaigns.example import example_assessment
from test_suites.kit.campaigns.journal_headers import CAMPAIGN, header

NAME, SIZES = "spring", (3, 4, 1, 5)
AT = datetime(2026, 3, 2, tzinfo=UTC)


def observation(number: int, nonce: str = "") -> Observation:
    item = Item(id=f"i-{number}", value=f"{number}.example", kind="host", labels=("PORN",))
    key = AttemptKey(campaign=NAME, item=item.id, probe="web", line="proxy", profile="ks2")
    return Observation(key=key, item=item, started=AT, batch=1, nonce=nonce)


def journal(
    folder: Path, batches: int, *, seals: frozenset[int] = frozenset(), site: str = "", **odd: str
) -> SegmentJournal:
    """A journal of so many batches, sealed after those in ``seals`` and at the end.

    ``odd`` maps ``i3`` to another nonce of the observation 3.
    """
    campaign = CAMPAIGN.model_copy(update={"campaign": NAME, "title": site})
    made = SegmentJournal.create(folder, header(campaign).as_document())
    first = 0
    for number, size in enumerate(SIZES[:batches], 1):
        rows = range(first, first + size)
        made.append(number, [observation(each, odd.get(f"i{each}", "")) for each in rows])
        first += size
        if number in seals:
            made.seal()
    made.seal()
    made.close()
    return open_journal(folder)


def assessed(made: SegmentJournal) -> Assessment:
    return example_assessment(
        campaign=NAME, observations=made.rows, journal_head=made.head.printed()
    )


def placed(results: Path, made: SegmentJournal) -> Continuation:
    with closing(made):
        return place_campaign(results, made, assessed(made))


def held(results: Path) -> list[Observation]:
    with closing(open_journal(results / NAME / "journal")) as opened:
        opened.verify()
        return list(opened.observations())


prefixes = st.lists(
    st.tuples(st.integers(1, len(SIZES)), st.frozensets(st.integers(1, len(SIZES)))),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, deadline=None)
@given(sent=prefixes)
def test_prefixes_in_any_order_leave_each_attempt_once(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[int, frozenset[int]]]
) -> None:
    folder = tmp_path_factory.mktemp("placed")
    longest = 0
    for number, (batches, seals) in enumerate(sent):
        found = placed(folder / "out", journal(folder / str(number), batches, seals=seals))
        expected = (
            Continuation.NEW if not longest
            else Continuation.LONGER if batches > longest
            else Continuation.SAME if batches == longest
            else Continuation.SHORTER
        )  # fmt: skip
        assert expected == found
        longest = max(longest, batches)

        rows = held(folder / "out")
        assert [f"i-{each}" for each in range(sum(SIZES[:longest]))] == [
            each.key.item for each in rows
        ]
    paths = CampaignPaths(out=folder / "out", campaign=NAME)
    assessment = read_assessment(paths.assessment(example_assessment().scheme))
    assert sum(SIZES[:longest]) == assessment.observations


def test_a_new_campaign_is_left_as_a_run_leaves_it(tmp_path: Path) -> None:
    placed(tmp_path / "out", journal(tmp_path / "sent", 2))

    scheme = example_assessment().scheme
    names = {each.name for each in (tmp_path / "out" / NAME).iterdir()}
    assert {"journal", f"assessment-{scheme}.json"} == names
    kept = {each.name for each in (tmp_path / "out" / NAME / "journal").iterdir()}
    assert {"header.json", "head.json", "manifest.jsonl", "segment-000001.gz"} <= kept
    assert 0o700 == (tmp_path / "out" / NAME / "journal").stat().st_mode & 0o777


def test_what_contradicts_the_results_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    placed(tmp_path / "out", journal(tmp_path / "sent", 2))
    before = held(tmp_path / "out")
    other = journal(tmp_path / "other", 3, i4="another")

    with pytest.raises(UsageError, match=r"observation 5 \(i-4 on line proxy\) contradicts"):
        placed(tmp_path / "out", other)
    with pytest.raises(UsageError, match="another run of the campaign 'spring'"):
        placed(tmp_path / "out", journal(tmp_path / "third", 3, site="Elsewhere"))
    assert before == held(tmp_path / "out")


@pytest.mark.parametrize("name", ["registry.sqlite-wal", "Registry.db", "taken"])
def test_a_name_that_is_taken_by_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/taken").write_text("x")
    with closing(journal(tmp_path / "sent", 1)) as made, pytest.raises(UsageError, match="named"):
        place_campaign(tmp_path / "out", made, example_assessment(campaign=name))


def test_where_somebody_measures_nothing_is_replaced(tmp_path: Path) -> None:
    placed(tmp_path / "out", journal(tmp_path / "sent", 1))
    with closing(open_journal(tmp_path / "out" / NAME / "journal")) as measuring:
        measuring.write()
        with pytest.raises(InstrumentError, match="is writing here"):
            placed(tmp_path / "out", journal(tmp_path / "more", 3))
    assert 3 == len(held(tmp_path / "out"))
    assert Continuation.LONGER is placed(tmp_path / "out", journal(tmp_path / "again", 3))


@pytest.fixture
def renames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of renames that still succeed, in a list of one."""
    left, rename = [1000], Path.rename

    def counted(path: Path, target: Path) -> Path:
        if left[0] <= 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", counted)
    return left


@pytest.mark.parametrize("succeed", range(3))
def test_after_a_crash_between_two_renames_the_next_try_is_whole(
    tmp_path: Path, renames: list[int], succeed: int
) -> None:
    placed(tmp_path / "out", journal(tmp_path / "sent", 1))
    renames[0] = succeed
    with suppress(KeyboardInterrupt):
        placed(tmp_path / "out", journal(tmp_path / "more", 3))
    renames[0] = 1000

    placed(tmp_path / "out", journal(tmp_path / "again", 3))
    assert sum(SIZES[:3]) == len(held(tmp_path / "out"))
    left = [each for each in (tmp_path / "out" / BUILDING).rglob("*") if each.is_file()]
    assert [] == left


def test_a_journal_is_compared_with_what_is_there(tmp_path: Path) -> None:
    with closing(journal(tmp_path / "sent", 2)) as made:
        assert Continuation.NEW is continuation(tmp_path / "absent", made)
        assert Continuation.SAME is continuation(tmp_path / "sent", made)
