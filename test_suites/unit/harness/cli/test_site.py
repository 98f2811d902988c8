"""``accredit site build``, from campaigns and decisions in a real registry to files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.site import MARK
from harness.errors import InstrumentError, UsageError
from test_suites.unit.harness.cli.conftest import BoardOf
from test_suites.unit.harness.cli.decision_board import SERVICE, Board, LaterClock

ACME, OTHER = "Acme", "Northgate"


@pytest.fixture
def board(board_of: BoardOf) -> Board:
    """A board whose campaign ``spring`` meets everything."""
    return board_of()


def build(out: Path, results: Path, code: int = 0) -> str:
    words = ["site", "build", "--out", str(out), "--results", str(results)]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == code, (ended.output, ended.exception)
    return " ".join(ended.output.split())


def refused(out: Path, results: Path, kind: type[Exception] = UsageError) -> str:
    words = ["site", "build", "--out", str(out), "--results", str(results)]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, kind), ended.output
    return str(ended.exception)


def contents(folder: Path) -> str:
    return "\n".join(
        f"{path.relative_to(folder)}\n{path.read_text(encoding='utf-8')}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def test_a_decided_service_is_on_the_register_and_has_a_trend(
    board: Board, later: LaterClock, tmp_path: Path
) -> None:
    board.decide("accredited", _measured_version(board))
    board.supplier = OTHER
    later.days = 10
    board.measure("failing", code=1, miss=[f"drug-{n:03d}.canary.accredit.test" for n in range(99)])
    site = tmp_path / "site"

    said = build(site, board.out)

    assert "the public register, 1 version of services; publish this folder alone" in said
    (service,) = json.loads((site / "public/register.json").read_text())["services"]
    assert (service["name"], service["supplier"], service["status"]) == (
        SERVICE, ACME, "accredited",
    )  # fmt: skip
    assert service["features"] == {"url": "tested-agreed"}
    public, owner = contents(site / "public"), contents(site / "owner")
    assert OTHER not in public, "a service that was not decided about is not public"
    assert "drug-" not in public
    assert "spring" not in public
    assert {ACME in owner, OTHER in owner} == {True}
    assert "One service does not conform" in owner
    own, others = (contents(path) for path in sorted((site / "suppliers").iterdir()))
    assert (ACME in own, OTHER in own) == (True, False)
    assert (ACME in others, OTHER in others) == (False, True)
    assert "One open action plan" in others
    for private in ("owner", "suppliers"):
        assert stat.S_IMODE((site / private).stat().st_mode) == 0o700


def test_a_second_build_leaves_no_page_of_the_first(board: Board, tmp_path: Path) -> None:
    results = _measured_version(board)
    site = tmp_path / "site"
    build(site, board.out)
    stale = site / "public/services/stale.html"
    stale.parent.mkdir()
    stale.write_text("stale")
    board.decide("accredited", results)

    build(site, board.out)

    assert not stale.exists()
    assert len(list((site / "public/services").iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_assessment_of_another_journal_is_no_evidence(board: Board, tmp_path: Path) -> None:
    results = _measured_version(board)
    board.decide("accredited", results)
    path = results / "assessment-one-row.json"
    text = path.read_text(encoding="utf-8")
    for changed in (
        text.replace('"hash": "', '"hash": "0'),
        text.replace(SERVICE, "another service"),
        "{",
    ):
        path.write_text(changed, encoding="utf-8")
        build(tmp_path / "site", board.out)
        owner = contents(tmp_path / "site/owner")
        assert "no assessment of its journal is in the results folder" in owner
        assert "One service is not decided" in owner
    register = json.loads((tmp_path / "site/public/register.json").read_text())
    assert register["services"][0]["outcomes"], "the kept one is still there"
    name = board.shown("D-0001")["decision"]["proposal"]["basis"]["assessment"]
    (kept,) = (board.out / "decision-evidence").rglob(name)
    kept.write_bytes(kept.read_bytes().replace(b"conforms", b"deforms "))
    build(tmp_path / "site", board.out)
    register = json.loads((tmp_path / "site/public/register.json").read_text())
    assert register["services"][0]["outcomes"] == []


def test_a_folder_with_other_files_is_never_replaced(board: Board, tmp_path: Path) -> None:
    _measured_version(board)
    folder = tmp_path / "mine"
    folder.mkdir()
    build(folder, board.out)
    (folder / MARK).unlink()
    assert "holds files that are not of a site" in refused(folder, board.out)
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is not a folder" in refused(file, board.out)
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert "is not a folder" in refused(link, board.out)
    assert (folder / "public/index.html").exists()
    assert file.read_text() == "mine"


def test_what_cannot_be_written_or_read_is_told(board: Board, tmp_path: Path) -> None:
    _measured_version(board)
    (tmp_path / "file").write_text("x")

    assert "the site cannot be written" in refused(
        tmp_path / "file/site", board.out, InstrumentError
    )
    assert "no registry here" in refused(tmp_path / "site", tmp_path / "nowhere")
    assert not (tmp_path / "site").exists()


def _measured_version(board: Board) -> Path:
    board.version()
    return board.out / "spring"


def test_a_clock_that_is_behind_publishes_nothing(
    board: Board, later: LaterClock, tmp_path: Path
) -> None:
    """It could publish an accreditation that expired as one that holds."""
    board.decide("accredited", _measured_version(board))
    site = tmp_path / "site"
    build(site, board.out)
    later.days = -10

    assert "after this machine's clock" in refused(site, board.out)
    assert (site / "public/index.html").exists(), "the earlier site stays"
