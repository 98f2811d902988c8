"""A second party adds to a committed seed, so that nobody chooses the sample alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from harness.cli import seed as seed_verbs
from harness.cli import seed_contribution
from harness.cli.compose import COMMITTED_SEED
from harness.cli.main import app
from harness.cli.seed_commitments import digest_of_seed, sample_events
from harness.cli.seed_parts import is_of_both, own_part, seed_of_both
from harness.errors import UsageError
from harness.model.run_record import SeedPart
from harness.store.journal.reader import JournalReader
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.test_seed import NOON, Assessor

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


def contribute(tester: Assessor, *words: str) -> Result:
    return CliRunner().invoke(app, ["seed", "contribute", *words, "--out", str(tester.out)])


@pytest.fixture
def tester(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assessor:
    clock = SetClock(NOON)
    monkeypatch.setattr(seed_verbs, "clock", clock)
    monkeypatch.setattr(seed_contribution, "clock", clock)
    monkeypatch.setattr(seed_verbs, "current_user", lambda: "Tess Ter")
    return Assessor(tmp_path)


def without_seed(tester: Assessor, name: str = "autumn") -> str:
    return str(tester.folder / name / "campaign.yaml")


@given(HEX, st.text(max_size=40), st.text(max_size=40))
def test_both_parts_make_the_seed(own: str, value: str, other: str) -> None:
    seed = seed_of_both(own, value)
    part = SeedPart(at=NOON, by="Sue", value=value)

    assert len(seed.encode()) == 64, "the sampler reads 64 bytes"
    assert own_part(seed, part) == own
    assert is_of_both(seed, part)
    if other != value:
        assert seed_of_both(own, other) != seed


def test_the_second_part_comes_from_another_person_once(tester: Assessor) -> None:
    assert not tester.commit().exit_code

    for by, says in (
        ("Tess Ter", "another person has to contribute"),
        ("tess  TER", "another person has to contribute"),
        ("", "say which person adds to the seed"),
    ):
        assert says in str(contribute(tester, "autumn", "--by", by).exception)
    chosen = contribute(tester, "autumn", "--by", "Sue", "--value", "7")
    assert "the value of a person is drawn, not chosen" in str(chosen.exception)
    done = contribute(tester, without_seed(tester), "--by", "Sue")
    assert not done.exit_code, done.exception
    event = sample_events(tester.paths())[-1]
    assert event.actor == "Sue"
    assert len(getattr(event, "value")) == 32  # noqa: B009 - of this kind of event
    again = contribute(tester, "autumn", "--by", "Sam")
    assert "has added to the seed of campaign 'autumn' already" in str(again.exception)


def test_there_is_nothing_to_add_to_without_a_commitment(tester: Assessor) -> None:
    said = contribute(tester, "autumn", "--by", "Sue").exception

    assert isinstance(said, UsageError)
    assert "no commitment to the seed of campaign 'autumn'" in str(said)


def test_a_begun_campaign_takes_no_second_part(tester: Assessor) -> None:
    tester.commit()
    tester.begin()

    assert "has begun" in str(contribute(tester, "autumn", "--by", "Sue").exception)


def measure(tester: Assessor, name: str = "autumn") -> Result:
    return CliRunner().invoke(
        app, ["measure", without_seed(tester, name), "--out", str(tester.out)]
    )


def verify(tester: Assessor, **changes: Any) -> Result:
    words = ["seed", "verify", str(tester.paths().journal), "--file"]
    words += [str(tester.folder / "autumn.json"), "--pack", str(tester.folder / "a")]
    return CliRunner().invoke(app, words)


def test_a_campaign_waits_for_its_public_value_and_is_verified_with_it(
    tester: Assessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not tester.commit("autumn", "--public", "the draw of 7 March").exit_code
    assert "its seed waits for 'the draw of 7 March'" in str(measure(tester).exception)
    missing = contribute(tester, "autumn")
    assert "its commitment names 'the draw of 7 March'" in str(missing.exception)
    monkeypatch.setattr(seed_contribution, "clock", SetClock(NOON + timedelta(days=5)))
    assert not contribute(tester, "autumn", "--value", "3 17 22 40").exit_code
    ended = measure(tester)
    assert not ended.exit_code, (ended.output, ended.exception)

    header = JournalReader(tester.paths().journal).header
    own = (tester.paths().home / COMMITTED_SEED).read_text().strip()
    assert header.campaign.seed == seed_of_both(own, "3 17 22 40")
    assert header.seed_part is not None
    assert header.seed_part.public == "the draw of 7 March"
    assert header.commitment is not None
    assert header.commitment.digest == digest_of_seed(own) == tester.public()["commitment"]
    assert header.commitment.sample == header.commitment.drawn
    shown = verify(tester)
    assert not shown.exit_code, shown.exception
    assert "the draw of 7 March gave 3 17 22 40" in " ".join(shown.output.split())
    resumed = measure(tester)
    assert not resumed.exit_code, resumed.exception
    for old, new, says in (
        ('"public": "the draw of 7 March"', '"public": "another"', "lacks the value of 'another'"),
        (tester.public()["commitment"], "0" * 64, "another seed than the one committed to"),
    ):
        file, text = tester.folder / "autumn.json", (tester.folder / "autumn.json").read_text()
        file.write_text(text.replace(old, new))
        assert says in str(verify(tester).exception)
        file.write_text(text)


def test_sizes_that_were_changed_after_committing_are_noted(tester: Assessor) -> None:
    tester.commit()
    contribute(tester, "autumn", "--by", "Sue")
    path = Path(without_seed(tester))
    path.write_text(path.read_text().replace("sample: 5", "sample: 6"))
    assert not measure(tester).exit_code

    note = JournalReader(tester.paths().journal).header.commitment
    assert note is not None
    assert note.sample != note.drawn


def test_a_commitment_with_a_second_part_counts_as_used_once_measured(tester: Assessor) -> None:
    tester.commit()
    contribute(tester, "autumn", "--by", "Sue")
    assert not measure(tester).exit_code

    ended = tester.commit("winter")
    assert not ended.exit_code, ended.exception
