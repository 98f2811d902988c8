"""A campaign is handed over in one signed file, and verified by somebody else."""

from __future__ import annotations

import contextlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from corpora.pack_reader import PACKS
from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.errors import UsageError
from harness.model.observation import Observation
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.ooni_cases import measure
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.conftest import BLOCKED_HOSTS, Measured


@pytest.fixture
def hand_over(runner: CliRunner, tmp_path: Path) -> Any:
    """``hand_over(campaign_folder)``: make a bundle of it."""
    private, _ = write_keys(tmp_path)

    def make(folder: Path, *options: str) -> Result:
        words = ["bundle", "make", str(folder), "--key", str(private), *options]
        return runner.invoke(app, [*words, "--out", str(tmp_path / "spring.zip")])

    return make


def verify(runner: CliRunner, tmp_path: Path) -> Result:
    """Verify the bundle that was made."""
    public = str(tmp_path / "ours.pub.pem")
    return runner.invoke(app, ["bundle", "verify", str(tmp_path / "spring.zip"), "--key", public])


def observed(journal: Path) -> list[Observation]:
    opened = open_journal(journal)
    with contextlib.closing(opened):
        return list(opened.observations())


def test_what_was_run_is_handed_over_and_verified(
    runner: CliRunner, simulated: Any, hand_over: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    runner.invoke(
        app, ["run", str(simulated(whole=(), block=[*BLOCKED_HOSTS, "PORN"])), "--out", str(out)]
    )

    made, held = hand_over(out / "simulated"), verify(runner, tmp_path)

    assert (0, 0) == (made.exit_code, held.exit_code), made.output + held.output
    assert "does-not-conform" in made.stdout
    assert "verified; signed by key" in held.stdout
    assert "campaign simulated, scheme becta-2008" in held.stdout
    assert "registry: event " in held.stdout
    with zipfile.ZipFile(tmp_path / "spring.zip") as archive:
        names = set(archive.namelist())
        scheme = json.loads(archive.read("scheme.json"))
    assert {"campaign.json", "assessment.json", "corpora/canary/datapackage.json"} <= names
    assert not [name for name in names if "items" in name or "evidence" in name or "lock" in name]
    assert "URL-01" in {each["id"] for each in scheme["requirements"]}


def test_appeals_are_handed_over_without_those_who_appealed_and_of_tried_items_alone(
    runner: CliRunner, simulated: Any, hand_over: Any, tmp_path: Path
) -> None:
    out, missed = tmp_path / "out", "ill-csam-001"
    journal = measure_campaign(simulated("one", 2, miss=[f"{missed}.canary.accredit.test"]), out)
    untried = next(
        name
        for number in range(1, 121)
        if (name := f"drug-{number:03d}") not in {one.item.id for one in observed(journal)}
    )
    for item in (missed, untried):
        words = ["corpus", "appeal", "canary", item, "--label", "ALW.NEWS", "--reason", "secretive"]
        given = ["--appellant", "Rival Networks", "--by", "panel", "--out", str(out)]
        assert runner.invoke(app, [*words, *given]).exit_code == 0

    made = hand_over(journal.parent)

    assert made.exit_code == 0, made.exception
    with zipfile.ZipFile(tmp_path / "spring.zip") as archive:
        whole = b"".join(map(archive.read, archive.namelist()))
        appeals = json.loads(archive.read("appeals.json"))
    assert [(one["item"], one["before"], one["labels"], one["upheld"]) for one in appeals] == [
        (missed, ["ILL.CSAM"], ["ALW.NEWS"], True)
    ]
    assert not [part for part in (b"Rival Networks", b"secretive") if part in whole]
    assert "same result" in verify(runner, tmp_path).stdout


def test_its_journal_is_concluded_again_wherever_it_is_unpacked(
    runner: CliRunner, measured: Measured, hand_over: Any, tmp_path: Path
) -> None:
    journal = measured(whole=())
    hand_over(journal.parent, "--scheme", "uksic-current")

    with zipfile.ZipFile(tmp_path / "spring.zip") as archive:
        archive.extractall(tmp_path / "there")
    before = json.loads((tmp_path / "there/assessment.json").read_text())
    ran = runner.invoke(
        app, ["conclude", str(tmp_path / "there"), "--scheme", "uksic-current", "--json"]
    )

    for name in ("scheme.json", "assessment.json", "campaign.json"):
        assert "uksic-current" not in (tmp_path / "there" / name).read_text()
    assert "uksic-2024" in verify(runner, tmp_path).stdout
    assert "registry: none" in verify(runner, tmp_path).stdout
    after = json.loads(ran.stdout)
    assert before | {"concluded": ""} == after | {"concluded": ""}


def test_a_changed_bundle_is_refused(
    runner: CliRunner, measured: Measured, hand_over: Any, tmp_path: Path
) -> None:
    hand_over(measured(whole=()))
    with zipfile.ZipFile(tmp_path / "spring.zip", "a") as archive:
        archive.writestr("more.txt", "")

    assert "added after signing" in str(verify(runner, tmp_path).exception)


def test_a_pack_of_ones_own_is_found_where_one_says(
    runner: CliRunner, simulated: Any, hand_over: Any, tmp_path: Path
) -> None:
    own = tmp_path / "simulated" / "mine"
    path = simulated(whole=())
    shutil.copytree(PACKS / "canary", own)
    manifest = json.loads((own / "datapackage.json").read_text())
    (own / "datapackage.json").write_text(json.dumps({**manifest, "name": "mine"}))
    path.write_text(path.read_text().replace("pack: canary", "pack: mine"))
    journal = measure_campaign(path, tmp_path / "out")

    refused = hand_over(journal)
    assert isinstance(refused.exception, UsageError)
    assert "pack 'mine' 1.0.0" in str(refused.exception)
    assert "--pack FOLDER" in str(refused.exception)

    assert 0 == hand_over(journal, "--pack", str(own)).exit_code
    assert 0 == verify(runner, tmp_path).exit_code


def test_other_peoples_measurements_are_handed_over_without_corpora(
    runner: CliRunner, hand_over: Any, tmp_path: Path
) -> None:
    lines = tmp_path / "their.jsonl"
    lines.write_text(json.dumps(measure()))
    theirs = tmp_path / "theirs"
    words = ["bundle", "import", "--format", "ooni", str(lines), "--out", str(theirs)]
    runner.invoke(app, words)

    assert "insufficient" in hand_over(theirs).stdout
    assert 0 == verify(runner, tmp_path).exit_code


def test_a_missing_key_or_bundle_is_the_users_mistake(
    runner: CliRunner, measured: Measured, hand_over: Any, tmp_path: Path
) -> None:
    nothing = verify(runner, tmp_path)
    assert "No such file" in str(nothing.exception)

    (tmp_path / "ours.pem").write_text("")
    journal = measured(whole=())
    assert "no private Ed25519 key" in str(hand_over(journal).exception)
    assert not (tmp_path / "spring.zip").exists()
