"""What two campaigns that meet were measured with: edited schemes and packs, other lines.

The finding of one campaign, whose fix was claimed, is copied for each test; most are refused before
anything is measured.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from corpora.pack_writer import PackDetails, write_pack
from harness.cli.campaign_meeting import Meeting, compared_journals, with_meetings
from harness.cli.main import app
from harness.errors import HarnessError, InstrumentError, UsageError
from harness.model.action_plan import Retest, RetestResult
from harness.model.content_identity import PACK, SCHEME
from harness.model.journal_header import JournalHeader
from harness.store.journal.reader import JournalReader
from test_suites.kit.campaigns.held import unpacked
from test_suites.kit.campaigns.rehearsal import claim, simulated_origin, write_campaign
from test_suites.kit.hubs.signing_body import register_body
from test_suites.unit.harness.cli.decision_board import ONE_ROW, SERVICE

SCHEME_FILE, PACK_FOLDER, OUT = "one-row.yaml", "drugs", "out"
NAMES = [f"drug-{number:03d}" for number in range(1, 121)]
ALL_BLOCKED = ["DRUG", "copper-meadow.accredit.test"]
ALLOWED = "the supplier moved to another house"


def accredit(*words: str, code: int = 0) -> Result:
    ended = CliRunner().invoke(app, list(words))
    assert ended.exit_code == code, (words, ended.output, ended.exception)
    return ended


def refused(*words: str) -> str:
    ended = CliRunner().invoke(app, list(words))
    assert isinstance(ended.exception, HarnessError), (words, ended.output, ended.exception)
    return str(ended.exception)


class Case:
    """A finding of the campaign ``spring`` whose fix was claimed, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / OUT
        self.scheme, self.pack = folder / SCHEME_FILE, folder / PACK_FOLDER
        self.results = self.out / "spring"
        self.registry = ("--registry", str(self.out / "registry.sqlite"))

    def campaign(self, name: str = "spring", miss: int = 0, **more: Any) -> Path:
        """Write the campaign file, over a service that misses so many items."""
        block = {"block": ALL_BLOCKED, "miss": [f"{one}.{ZONE}" for one in NAMES[:miss]]}
        line = {"name": "proxy", "type": "simulated", "options": block} | more.pop("line", {})
        declared = {
            "campaign": name,
            "corpora": [{"pack": f"./{PACK_FOLDER}", "sample": 30}],
            "scheme": SCHEME_FILE,
            "items": "agreed",
            "control": {"type": "simulated"},
        }
        origin = self.folder / "origin.json"
        return write_campaign(self.folder, origin=origin, lines=[line], **declared | more)

    def retest(self, campaign: Path, *more: str) -> tuple[str, ...]:
        return ("retest", "P-0001", str(campaign), "--out", str(self.out), "--by", "Ann", *more)

    def edit_scheme(self) -> None:
        text = self.scheme.read_text(encoding="utf-8")
        self.scheme.write_text(text + "requirements: [{id: URL-04, threshold: " + LOW + "}]\n")

    def edit_pack(self) -> None:
        shutil.rmtree(self.pack)
        write_drugs(self.pack, suffix="-easy")


ZONE = "canary.accredit.test"
LOW = "{at_least: 0.1, provenance: proposed, source: mine}"


def write_drugs(folder: Path, suffix: str = "") -> None:
    """A pack of canaries; with a ``suffix`` those that the service never missed are others."""
    rows = (
        {
            "id": name,
            "value": f"{name}{suffix if number >= 60 else ''}.{ZONE}",
            "kind": "host",
            "registrable": f"{name}{suffix if number >= 60 else ''}.{ZONE}",
            "labels": "DRUG",
            "sensitivity": "S0",
        }
        for number, name in enumerate(NAMES)
    )
    created = "2026-11-27T00:00:00Z"
    write_pack(folder, rows, PackDetails(name="drugs", version="1.0.0", title="t", created=created))


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = Case(tmp_path_factory.mktemp("claimed"))
    case.scheme.write_text(ONE_ROW, encoding="utf-8")
    write_drugs(case.pack)
    simulated_origin(case.folder)
    key = str(register_body(case.folder, case.out / "registry.sqlite"))
    accredit("scheme", "sign", str(case.scheme), "--key", key)
    accredit("corpus", "sign", str(case.pack), "--key", key)
    campaign = case.campaign(miss=60)
    accredit("run", str(campaign), "--out", str(case.out), code=1)
    claim(CliRunner(), case.out)
    return case.folder


@pytest.fixture
def case(claimed: Path, tmp_path: Path) -> Iterator[Case]:
    """A copy; the folder of the first one is away, so that nothing of it is found."""
    away = claimed.with_name(f"{claimed.name}-away")
    shutil.copytree(claimed, tmp_path / "case")
    claimed.rename(away)
    try:
        yield Case(tmp_path / "case")
    finally:
        away.rename(claimed)


def test_a_scheme_that_was_edited_under_its_version_verifies_nothing(case: Case) -> None:
    case.edit_scheme()

    said = refused(*case.retest(case.campaign()))

    assert "scheme one-row 1 has another content under the same version" in said
    assert "--allow-change" in said
    shown = json.loads(accredit("plan", "show", "P-0001", "--json", *case.registry).stdout)
    assert (shown["state"], shown["retests"]) == ("claimed", [])


def test_a_campaign_is_judged_by_the_scheme_that_it_declared(case: Case) -> None:
    case.edit_scheme()
    journal = str(case.results)

    said = refused("conclude", journal, "--scheme", str(case.scheme))
    ended = accredit("conclude", journal, "--json", code=1)

    assert "one-row.yaml: scheme one-row 1 has another content under the same version" in said
    (row,) = [
        one for one in json.loads(ended.stdout)["outcomes"] if one["requirement"]["id"] == "URL-04"
    ]
    assert row["requirement"]["threshold"]["at_least"] == 0.9


def test_an_edited_file_in_its_place_is_named_in_a_warning(case: Case, claimed: Path) -> None:
    case.edit_scheme()
    claimed.mkdir()
    shutil.copy(case.scheme, claimed)
    try:
        ended = accredit("conclude", str(case.results), code=1)
    finally:
        shutil.rmtree(claimed)

    assert "judged by the scheme as it was when it was measured" in " ".join(ended.stderr.split())


def test_a_bundle_is_made_where_no_file_of_the_scheme_is(case: Case) -> None:
    key, pack = str(case.folder / "body.pem"), str(case.pack)
    case.scheme.unlink()

    bundle = case.folder / "spring.accredit.zip"
    accredit(
        "bundle", "make", str(case.results), "--key", key, "--out", str(bundle), "--pack", pack
    )
    verified = accredit("bundle", "verify", str(bundle), "--key", key.replace(".pem", ".pub.pem"))

    assert "same result" in verified.stdout


def test_the_kept_scheme_cannot_be_edited(case: Case) -> None:
    path = case.results / "journal/scheme.json"
    path.write_text(path.read_text().replace('"at_least": 0.9', '"at_least": 0.1'))

    ended = CliRunner().invoke(app, ["conclude", str(case.results)])

    assert isinstance(ended.exception, InstrumentError)
    assert "scheme.json: its SHA-256 does not match the journal's header" in str(ended.exception)


def test_a_pack_that_was_edited_under_its_version_verifies_nothing(case: Case) -> None:
    case.edit_pack()

    said = refused(*case.retest(case.campaign()))

    assert "pack drugs 1.0.0 has another content under the same version" in said


def test_another_line_origin_profile_and_control_verify_nothing(case: Case) -> None:
    simulated_origin(case.folder, key=b"o" * 32)
    more: dict[str, Any] = {
        "line": {"site": "Another house"},
        "profiles": {"pupils": {"phase": "ks4"}},
        "control": {"type": "simulated", "options": {}},
    }

    said = refused(*case.retest(case.campaign(**more)))

    for part in ("line proxy differs (", "origin differs (", "profile pupils differs ("):
        assert part in said
    assert "control differs" not in said, "the control is the same one"


def test_a_named_person_allows_a_change_for_a_reason(case: Case) -> None:
    moved = case.campaign(line={"site": "Another house"})
    owner = [word if word != "Ann" else "supplier" for word in case.retest(moved)]

    assert "claimed the fix" in refused(*owner, "--allow-change", ALLOWED)
    said = accredit(*case.retest(moved, "--allow-change", ALLOWED)).stdout

    assert "re-test conforms; the plan is now verified" in " ".join(said.split())
    assert "line proxy differs (" in said
    plan = json.loads(accredit("plan", "show", "P-0001", "--json", *case.registry).stdout)
    (change,) = plan["changes"]
    assert (change["by"], change["reason"]) == ("Ann", ALLOWED)
    assert change["differences"][0].startswith("line proxy differs (")

    # a campaign of the soak period over the first line again needs no leave; one elsewhere does
    third = case.campaign("summer", line={"site": "A third house"})
    accredit("measure", str(third), "--out", str(case.out))
    soak = ("plan", "soak", "P-0001", str(case.out / "summer"), "--by", "Ann", *case.registry)
    assert "line proxy differs (" in refused(*soak)
    ended = accredit(*soak, "--allow-change", ALLOWED)
    assert "plan P-0001 is closed" in " ".join(ended.stdout.split())


def test_a_decision_rests_on_what_the_body_signed(case: Case) -> None:
    of = ("--supplier", SERVICE, "--set", f"of={SERVICE}")
    accredit("registry", "add", "version", "2.1", *of, *case.registry)
    propose = ("decision", "propose", "--json", *case.registry)

    def bars(results: Path) -> list[str]:
        ended = accredit(*propose, str(results), code=1)
        found: list[str] = json.loads(ended.stdout)["proposal"]["basis"].get("bars", [])
        return [each for each in found if each.startswith(("pack ", "scheme "))]

    assert bars(case.results) == []
    for signature in (case.results / "journal").glob("signed-*.dsse.json"):
        signature.unlink()
    assert [each.split(" (")[0] for each in bars(case.results)] == ["pack drugs", "scheme one-row"]
    key = str(case.folder / "body.pem")
    accredit("scheme", "sign", str(case.scheme), "--key", key, "--results", str(case.results))
    assert [each.split(" (")[0] for each in bars(case.results)] == ["pack drugs"]
    accredit(
        "registry", "close", "contact", "The Board", "--owner", "--reason", "r", *case.registry
    )
    assert len(bars(case.results)) == 2, "its key is not on record any more"


def test_a_journal_of_an_earlier_version_shows_nothing_and_bars_a_decision(tmp_path: Path) -> None:
    journal = unpacked("clustered", tmp_path / "out")
    ended = CliRunner().invoke(app, ["conclude", str(journal), "--json"])
    registry = ("--registry", str(tmp_path / "out/registry.sqlite"))
    assert json.loads(ended.stdout)["measured_with"] == []

    said = CliRunner().invoke(app, ["decision", "propose", str(journal), *registry])

    header = JournalReader(journal).header
    (sentence,) = compared_journals(header, header)
    assert "it cannot be shown that it was measured with the same" in sentence
    assert said.exit_code != 0


def test_campaigns_whose_pack_was_edited_are_not_compared(case: Case) -> None:
    header = JournalReader(case.results / "journal").header
    for part in (PACK, SCHEME):
        other = edited(header, part)
        with pytest.raises(UsageError, match="another content under the same version"):
            compared_journals(header, other)
    (moved,) = compared_journals(header, edited(header, "line proxy"))
    assert moved.startswith("line proxy differs (")
    assert () == compared_journals(header, header)


def edited(header: JournalHeader, part: str) -> JournalHeader:
    parts = tuple(
        (name, value[:-8] + "0" * 8 if name.startswith(part) else value)
        for name, value in header.measured_with
    )
    return msgspec.structs.replace(header, measured_with=parts)


def test_what_the_service_shows_of_itself_is_compared_after_measuring() -> None:
    retest = Retest(
        campaign="again",
        at=datetime(2026, 11, 27, tzinfo=UTC),
        outcome=RetestResult.CONFORMS,
        statement="attempt 1",
        missed_tested=1,
        missed_still_failing=(),
        fresh_tested=1,
    )
    sentence = "line proxy showed another service (server=a; now server=b)"
    meeting = Meeting("again", (sentence,), (sentence,))

    after = with_meetings(retest, meeting)
    failed = msgspec.structs.replace(retest, outcome=RetestResult.DOES_NOT_CONFORM)

    assert after.outcome is RetestResult.INSUFFICIENT
    assert sentence in after.statement
    assert with_meetings(retest, meeting.as_allowed()).outcome is RetestResult.CONFORMS
    assert with_meetings(failed, meeting).outcome is RetestResult.DOES_NOT_CONFORM
