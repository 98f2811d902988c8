"""A seed is committed to before the run, and nobody can choose among samples unseen."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from harness.campaign.assemble import read_campaign
from harness.cli import seed as seed_verbs
from harness.cli.compose import COMMITTED_SEED, prepare, seeded
from harness.cli.main import app
from harness.cli.measure import header_of
from harness.cli.paths import CampaignPaths
from harness.cli.seed import Commitment, read_commitment
from harness.cli.seed_commitments import (
    digest_of_seed,
    record_disclosure,
    sample_events,
    with_commitment,
)
from harness.errors import UsageError
from harness.model.journal_header import JournalHeader
from harness.model.run_record import SeedCommitment
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.campaigns.rehearsal import hidden_campaign, hidden_list
from test_suites.kit.clocks.set_clock import SetClock

FIELDS = tuple(each.name for each in msgspec.structs.fields(Commitment))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Assessor:
    """Somebody who commits to samples of one hidden list, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        hidden_list(folder, "a")

    def campaign(self, name: str = "autumn", seed: str = "", **changes: Any) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if not (folder / "a").exists():
            shutil.copytree(self.folder / "a", folder / "a")
        path = hidden_campaign(folder, name, changes.get("pack", "./a"), sample=5)
        stated = f"seed: {seed}\n" if seed else ""
        text = path.read_text().replace(f"seed: {name}\n", stated)
        for old, new in changes.get("replaced", {}).items():
            text = text.replace(old, new)
        path.write_text(text)
        return path

    def commit(self, name: str = "autumn", *words: str, **changes: Any) -> Result:
        file = self.folder / f"{name}.json"
        return CliRunner().invoke(
            app,
            ["seed", "commit", str(self.campaign(name, **changes)), "--file", str(file),
             "--out", str(self.out), *words],
        )  # fmt: skip

    def public(self, name: str = "autumn") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def paths(self, name: str = "autumn") -> CampaignPaths:
        return CampaignPaths(out=self.out, campaign=name)

    def header(self, name: str = "autumn", **changes: Any) -> JournalHeader:
        """The header of the journal that measuring would begin now."""
        path, paths = self.campaign(name, **changes), self.paths(name)
        prepared = prepare(path, seeded(read_campaign(path)[0], paths.journal))
        return with_commitment(header_of(prepared), prepared, paths)

    def begin(self, name: str = "autumn") -> None:
        header = self.header(name)
        SegmentJournal.create(self.paths(name).journal, header.as_document()).close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    clock = SetClock(NOON)
    monkeypatch.setattr(seed_verbs, "clock", clock)
    return clock


@pytest.fixture
def tester(tmp_path: Path, clock: SetClock) -> Assessor:
    return Assessor(tmp_path)


def test_a_commitment_is_public_and_its_seed_is_not(tester: Assessor) -> None:
    ended = tester.commit()
    assert not ended.exit_code, ended.output

    seed_file = tester.paths().home / COMMITTED_SEED
    seed = seed_file.read_text().strip()
    public = tester.public()
    assert public["commitment"] == digest_of_seed(seed)
    assert (public["campaign"], public["items"], len(public["sample"])) == ("autumn", 5, 64)
    assert public["corpora"][0].startswith("real-a 1.0.0 ")
    assert len(public["registry"]) == 64
    assert len(seed) == 32
    assert seed not in ended.output + json.dumps(public)
    assert stat.S_IMODE(seed_file.stat().st_mode) == 0o600
    (event,) = sample_events(tester.paths())
    assert event.at == NOON


def test_what_is_measured_then_notes_the_commitment(tester: Assessor) -> None:
    tester.commit()
    note = tester.header().commitment

    assert isinstance(note, SeedCommitment)
    assert (note.at, note.digest) == (NOON, tester.public()["commitment"])
    assert note.sample == note.drawn == tester.public()["sample"]
    assert (note.unused, note.disclosed) == ((), ())


def test_without_a_commitment_nothing_is_noted(tester: Assessor) -> None:
    header = tester.header()

    assert header.commitment is None
    assert "commitment" not in header.as_document()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.commit(seed="chosen"), "it states its seed, so it could have been chosen"),
        (lambda t: (t.begin(), t.commit())[1], "the campaign has begun"),
        (lambda t: (t.commit(), t.commit())[1], "exists already; choose another --file"),
        (lambda t: (t.commit(), t.commit("winter"))[1], "'autumn' of 2026-03-02 12:00 is not used"),
    ],
)
def test_a_commitment_that_would_show_nothing_is_refused(
    tester: Assessor, spoil: Callable[[Assessor], Result], says: str
) -> None:
    ended = spoil(tester)
    before = len(sample_events(tester.paths()))

    assert ended.exit_code != 0
    assert says in str(ended.exception)
    assert before == len(list(tester.folder.glob("*.json"))), "nothing is kept of what is refused"


def test_a_second_commitment_is_noted_by_the_campaign_that_is_measured(tester: Assessor) -> None:
    tester.commit()
    again = tester.commit("winter", "--again")

    assert not again.exit_code, again.output
    for name, other in (("winter", "autumn"), ("autumn", "winter")):
        note = tester.header(name).commitment
        assert note is not None
        assert note.unused == (f"{other} (2026-03-02 12:00:00)",)


def test_a_second_seed_for_the_same_campaign_is_noted_too(tester: Assessor) -> None:
    tester.commit()
    (tester.folder / "autumn.json").unlink()
    assert not tester.commit("autumn", "--again").exit_code

    note = tester.header().commitment
    assert note is not None
    assert note.digest == tester.public()["commitment"]
    assert len(note.unused) == 1


def test_a_campaign_that_was_measured_is_no_choice_left_open(tester: Assessor) -> None:
    tester.commit()
    tester.begin()

    assert not tester.commit("winter").exit_code
    note = tester.header("winter").commitment
    assert note is not None
    assert note.unused == ()


def test_commitments_for_another_service_or_other_packs_are_no_choice(tester: Assessor) -> None:
    tester.commit()
    other = {"a service whose faults are known": "another service"}
    assert not tester.commit("winter", replaced=other).exit_code

    hidden_list(tester.folder / "winter", "b")
    assert not tester.commit("spring", pack=f"{tester.folder}/winter/b").exit_code


def test_another_sample_than_the_one_committed_to_is_noted(tester: Assessor) -> None:
    tester.commit()
    note = tester.header(replaced={"sample: 5": "sample: 6"}).commitment

    assert note is not None
    assert note.sample == tester.public()["sample"] != note.drawn


def test_a_commitment_is_good_for_its_own_campaign_alone(tester: Assessor) -> None:
    tester.commit()
    other = tester.paths("winter").home
    other.mkdir(parents=True)
    shutil.copy(tester.paths().home / COMMITTED_SEED, other / COMMITTED_SEED)

    assert tester.header("winter").commitment is None


def test_a_run_that_is_resumed_keeps_what_its_journal_says(tester: Assessor) -> None:
    tester.commit()
    tester.begin()
    before = tester.header().commitment
    assert before is not None
    tester.commit("winter", "--again")

    assert tester.header().commitment == before


def test_items_that_were_disclosed_are_noted_by_later_campaigns(
    tester: Assessor, clock: SetClock
) -> None:
    tester.commit()
    tester.begin()
    clock.at += timedelta(days=1)
    record_disclosure(tester.header(), tester.paths(), "bundle", clock)
    own = tester.header().commitment
    tester.commit("winter")
    later = tester.header("winter").commitment

    assert own is not None
    assert own.disclosed == ()
    assert later is not None
    assert later.disclosed == ("autumn",)


def test_public_packs_have_nothing_to_disclose(tester: Assessor, clock: SetClock) -> None:
    header = tester.header()
    known = {m: msgspec.structs.replace(n, audience="public") for m, n in header.packs.items()}
    changed = msgspec.structs.replace(header, packs=known)

    record_disclosure(changed, tester.paths(), "bundle", clock)

    assert sample_events(tester.paths()) == ()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    """A campaign that was committed to, and then measured."""
    tester = Assessor(tmp_path_factory.mktemp("measured"))
    assert not tester.commit().exit_code
    campaign = str(tester.folder / "autumn/campaign.yaml")
    ended = CliRunner().invoke(app, ["measure", campaign, "--out", str(tester.out)])
    assert not ended.exit_code, ended.output
    return tester


def verify(measured: Assessor, file: Path, journal: Path | None = None) -> Result:
    return CliRunner().invoke(
        app,
        ["seed", "verify", str(journal or measured.paths().journal), "--file", str(file),
         "--pack", str(measured.folder / "a")],
    )  # fmt: skip


def test_the_sample_is_drawn_again_from_the_revealed_seed(measured: Assessor) -> None:
    ended = verify(measured, measured.folder / "autumn.json")

    assert not ended.exit_code, ended.output + str(ended.exception)
    assert "gives the 5 items that were tried" in " ".join(ended.output.split())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"commitment": "0" * 64}, "measured with another seed"),
        ({"campaign": "winter"}, "the commitment is for campaign 'winter'"),
        ({"corpora": ["x 1 y"]}, "the commitment is for other packs: x 1 y"),
        ({"at": "2020-01-01T00:00:00Z"}, "does not note this commitment, of this time"),
        ({"at": "2099-01-01T00:00:00Z"}, "before the commitment"),
        ({"sample": "0" * 64}, "gives another sample than the one committed to"),
        ({"format": "other/1"}, "not a commitment of the form accredit-commitment/1"),
        ({"at": "2026-01-01T00:00:00"}, "not a commitment of the form"),
        ({"items": "five"}, "not a commitment"),
    ],
)
def test_a_commitment_that_does_not_fit_is_named(
    measured: Assessor, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    (tmp_path / "c.json").write_text(json.dumps(measured.public() | change))
    ended = verify(measured, tmp_path / "c.json")

    assert isinstance(ended.exception, UsageError), ended.output
    assert says in str(ended.exception)


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff\xfe", b'{"format": 1}', b"{" * 5000])
def test_a_file_that_is_no_commitment_is_refused(
    measured: Assessor, tmp_path: Path, text: bytes
) -> None:
    (tmp_path / "c.json").write_bytes(text)

    assert "not a commitment" in str(verify(measured, tmp_path / "c.json").exception)
    assert "No such file" in str(verify(measured, tmp_path / "none.json").exception)


@given(st.binary(max_size=300) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=9),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_are_a_commitment_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(text)

    with pytest.raises(UsageError, match="not a commitment"):
        read_commitment(file)


def test_a_journal_without_its_seed_cannot_be_verified_or_revealed(
    measured: Assessor, tmp_path: Path
) -> None:
    shutil.copytree(measured.paths().journal, tmp_path / "journal")
    (tmp_path / "journal/seed").unlink()
    for ended in (
        verify(measured, measured.folder / "autumn.json", tmp_path / "journal"),
        CliRunner().invoke(app, ["seed", "reveal", str(tmp_path / "journal")]),
    ):
        assert "the seed of this journal is not revealed" in str(ended.exception)


def test_a_seed_is_revealed_after_the_run_and_that_is_on_record(measured: Assessor) -> None:
    ended = CliRunner().invoke(app, ["seed", "reveal", str(measured.paths().home)])
    with closing(open_journal(measured.paths().journal)) as journal:
        seed = journal.header.campaign.seed

    assert ended.output.strip() == seed
    assert [event.campaign for event in sample_events(measured.paths())] == ["autumn", "autumn"]


def test_a_seed_is_not_revealed_while_batches_are_missing(tester: Assessor) -> None:
    tester.commit()
    tester.begin()
    ended = CliRunner().invoke(app, ["seed", "reveal", str(tester.paths().journal)])

    assert "batches are not measured yet" in str(ended.exception)
    assert len(sample_events(tester.paths())) == 1
