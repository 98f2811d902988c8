"""What somebody can do to a finished campaign's folder is named, and nothing judges it then.

Each kind of tampering is done to a copy of one campaign, of whose 120 illegal pages two arrived.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli.main import app
from harness.cli.registry_session import OWNERS, open_session
from harness.errors import InstrumentError
from harness.model.retention_event import FilesExpired
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.unit.harness.cli.tampering import (
    FORGED_ROW,
    TAMPERINGS,
    bodies,
    forge_as_before_seals,
    forge_under_another_key,
    forge_with_the_users_key,
    kept_of,
)

NAME, SCHEME, FAILS = "tried", "becta-2008", "does-not-conform"
MISSED = ["ill-csam-007.canary.accredit.test", "ill-csam-008.canary.accredit.test"]
SERVICE = "a service whose faults are known"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a campaign that was measured, concluded and recorded."""
    folder = tmp_path_factory.mktemp("finished")
    origin = simulated_origin(folder, twin_zone="orchard-view.test")
    options = {"block": ["DRUG", "ILL", "copper-meadow.accredit.test"], "miss": MISSED}
    campaign = write_campaign(
        folder / "campaign",
        origin=origin,
        lines=[{"name": "proxy", "type": "simulated", "options": options}],
        categories=["DRUG"],
        sample=8,
        whole=["ILL.CSAM"],
        campaign=NAME,
        control={"type": "simulated"},
        scheme=SCHEME,
        service={"name": SERVICE, "supplier": "Acme"},
    )
    out = folder / "out"
    assert run("run", campaign, "--out", out).exit_code == 1
    of = ("--supplier", "Acme", "--set", f"of={SERVICE}")
    assert run("registry", "add", "version", "2.1", *of, "--out", out).exit_code == 0
    assert run("conclude", out / NAME).exit_code == 1
    return out


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    """A copy of the campaign's folder, with its registry."""
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out" / NAME


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def lines_of(result: Result) -> list[str]:
    """The faults that a command names."""
    assert isinstance(result.exception, InstrumentError), (result.output, result.exception)
    return str(result.exception).splitlines()


def test_a_campaign_that_nobody_touched_is_unchanged_and_judged(home: Path) -> None:
    verified = run("journal", "verify", home)

    assert verified.exit_code == 0, verified.exception
    number = len(bodies(home))
    assert f"evidence: {number} bodies, unchanged" in verified.output
    assert run("conclude", home).exit_code == 1
    assert run("decision", "propose", home).exit_code == 1
    assert rate_of(run("conclude", home, "--json")) == (2, 120, FAILS)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_kind_of_tampering_is_named_and_nothing_is_judged(home: Path, name: str) -> None:
    tampering = TAMPERINGS[name]
    tampering.change(home)

    named = lines_of(run("journal", "verify", home))

    assert any(re.search(tampering.says, line) for line in named), named
    for words in (("conclude",), ("decision", "propose")):
        assert lines_of(run(*words, home)) == named


def test_there_are_more_than_eighteen_kinds() -> None:
    assert len(TAMPERINGS) >= 30


def test_all_faults_are_named_each_once(home: Path) -> None:
    names = ("a byte of a sealed segment", "a byte of evidence", "half of the cache")
    for name in names:
        TAMPERINGS[name].change(home)

    named = lines_of(run("journal", "verify", home))

    assert len(named) == len(set(named)) == len(names)
    for name in names:
        assert any(re.search(TAMPERINGS[name].says, line) for line in named)


def test_the_first_twenty_faults_are_named_and_the_others_counted(home: Path) -> None:
    for path in bodies(home)[:25]:
        path.write_bytes(b"another page")

    named = lines_of(run("conclude", home))

    assert len(named) == 21
    assert named[-1] == "and 5 more faults"


@pytest.mark.parametrize("forge", [forge_as_before_seals, forge_under_another_key])
def test_a_forged_cache_fools_nobody(home: Path, forge: Any, tmp_path: Path) -> None:
    """As its finder did: rewritten so that it agrees with itself, and the row conforms."""
    before = {path: path.read_bytes() for path in home.glob("*-becta-2008.*")}
    forge(home)
    bundle, key = tmp_path / "results.zip", tmp_path / "key.pem"

    for words in (
        ("conclude", home, "--json"),
        ("report", home),
        ("bundle", "make", home, "--out", bundle, "--key", key),
        ("decision", "propose", home, "--json"),
    ):
        lines_of(run(*words))
    assert not bundle.exists()
    assert before == {path: path.read_bytes() for path in home.glob("*-becta-2008.*")}

    shutil.rmtree(home / "verdicts")  # as the message says
    assert rate_of(run("conclude", home, "--json")) == (2, 120, FAILS)


def test_who_holds_the_users_key_forges_views_alone(home: Path) -> None:
    """The cache serves repeated views; what is decided is judged from the journal."""
    forge_with_the_users_key(home)

    viewed = rate_of(run("conclude", home, "--json"))
    proposed = json.loads(run("decision", "propose", home, "--json").stdout)

    assert viewed[2] == "conforms"
    says = f"{FORGED_ROW}[pupils-proxy] is not met (2 of 120 items got through"
    assert says in str(proposed["proposal"]["reasons"])
    assert proposed["proposal"]["status"] == "not-yet"


def test_what_is_decided_writes_no_cache(home: Path) -> None:
    shutil.rmtree(home / "verdicts")

    run("decision", "propose", home)

    assert not (home / "verdicts").exists()


def test_a_cache_of_an_earlier_version_is_no_fault(home: Path) -> None:
    """Earlier versions wrote no seal; their verdicts are of other rules, and are not read."""
    forge_as_before_seals(home)
    path = home / "verdicts/kept.json"
    made_of = kept_of(home).made_of
    path.write_text(path.read_text().replace(made_of, "0" * 64), encoding="utf-8")

    assert run("journal", "verify", home).exit_code == 0
    assert rate_of(run("conclude", home, "--json"))[2] == FAILS


def test_a_cache_that_came_with_a_copied_folder_is_no_fault_if_it_is_right(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of another user"))

    assert run("journal", "verify", home).exit_code == 0
    assert run("conclude", home).exit_code == 1
    assert (tmp_path / "of another user/accredit/verdicts.key").is_file()


def test_without_a_key_nothing_is_cached_and_all_is_judged(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    shutil.rmtree(home / "verdicts")

    assert run("conclude", home).exit_code == 1
    assert not (home / "verdicts").exists()


def test_evidence_that_a_hub_removed_for_its_age_is_no_fault(home: Path) -> None:
    number = len(bodies(home))
    for path in bodies(home)[:2]:
        path.unlink()
    now = datetime(2026, 11, 24, tzinfo=UTC)
    event = FilesExpired(
        at=now, actor="hub", rule="evidence", older_than=now, names=(NAME,), files=2, size=2
    )
    with open_session(home.parent / "registry.sqlite") as session:
        session.record(OWNERS, event)

    verified = run("journal", "verify", home)

    assert verified.exit_code == 0, verified.exception
    assert f"evidence: 2 of {number} bodies not checked: removed for their age" in verified.output
    assert run("conclude", home).exit_code == 1


def test_a_campaign_without_its_evidence_says_so(home: Path) -> None:
    """As the folder of a campaign that came in a bundle."""
    number = len(bodies(home))
    shutil.rmtree(home / "evidence")

    verified = run("journal", "verify", home)

    assert verified.exit_code == 0
    said = f"evidence: {number} of {number} bodies not checked: none is kept here"
    assert said in verified.output


def test_what_a_crash_leaves_is_no_tampering(home: Path) -> None:
    journal = home / "journal"
    (opened,) = journal.glob("segment-*.jsonl")
    for name in (
        "torn-000001.bin",
        "head.json.4711.tmp",
        "segment-000003.gz.tmp",
        ".DS_Store",
    ):
        (journal / name).write_bytes(b"half")
    body = bodies(home)[0]
    body.with_name(f"{body.name}.4711.tmp").write_bytes(b"half")
    shutil.rmtree(home / "verdicts")
    (home / "verdicts").mkdir()

    assert run("journal", "verify", home).exit_code == 0
    opened.write_bytes(b'{"key":')
    assert "a batch is incomplete" in str(run("journal", "verify", home).exception)
    assert run("conclude", home).exit_code == 1, "what does not count is left out"


def test_reports_and_assessments_are_as_private_as_journals(home: Path, tmp_path: Path) -> None:
    path = home / f"assessment-{SCHEME}.json"
    path.chmod(0o644)  # as earlier versions wrote it
    report, table, figures = tmp_path / "r.html", tmp_path / "t.csv", tmp_path / "figures"

    run("report", home, "--out", report, "--table", table, "--figures", figures)
    run("report", home, "--format", "oscal-results")

    made = [path, report, table, *figures.iterdir(), *home.glob("report-*")]
    assert len(made) > 5
    assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def rate_of(result: Result) -> tuple[int, int, str]:
    """The misses, trials and outcome of the row that is forged."""
    (row,) = (
        one for one in json.loads(result.stdout)["outcomes"]
        if one["requirement"]["id"] == FORGED_ROW
    )  # fmt: skip
    metric = row["metric"]
    return metric["k"], metric["n"], row["conformity"]
