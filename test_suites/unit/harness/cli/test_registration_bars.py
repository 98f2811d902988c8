"""Every try counts: what is tried before, beside or instead of a registered campaign is seen."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.campaign.item_selection import select_items
from harness.cli import measure as measure_verb
from harness.cli import registration_bars
from harness.cli.compose import open_pack
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.registered_runs import RegisteredRun, runs_of
from harness.model.campaign import CorpusSelection
from harness.store.journal.journal import open_journal
from harness.store.journal.reader import JournalReader
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.unit.harness.cli.conftest import simulated_in
from test_suites.unit.harness.cli.decision_board import MISSED, SERVICE, Board, LaterClock

FEW = MISSED[:24]
"""The drug sites that pass: 24 of 120."""
SHORT_CUT = ("the tester alone chose the seed of campaign", "accredit seed contribute")


def board_in(folder: Path) -> Board:
    return Board(simulated_in(folder), folder, LaterClock())


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return board_in(tmp_path)


def runs(board: Board, name: str) -> tuple[RegisteredRun, ...]:
    paths = CampaignPaths(out=board.out, campaign=name)
    return runs_of(paths, JournalReader(paths.journal).header)


def reasons(board: Board, results: Path, *, code: int = 1, words: tuple[str, ...] = ()) -> str:
    ended = board.runner.invoke(app, ["decision", "propose", str(results), "--json", *words])
    assert ended.exit_code == code, (ended.output, ended.exception)
    return " | ".join(json.loads(ended.stdout)["proposal"]["reasons"])


def lucky_seed(missed: list[str]) -> str:
    """The first seed whose 30 of the 120 drug sites are none of those that pass."""
    pack, passing = open_pack("canary"), {host.partition(".")[0] for host in missed}
    items = [item for item in pack.items() if item.category == "DRUG"]

    class Drugs:
        def items(self) -> Any:
            return iter(items)

    chosen = CorpusSelection(pack="canary", categories=("DRUG",), sample=30)
    for number in range(10**6):
        drawn = select_items(chosen, Drugs(), str(number))  # type: ignore[arg-type]
        if not any(item.host.partition(".")[0] in passing for item in drawn):
            return str(number)
    raise AssertionError


def test_a_seed_chosen_offline_grants_nothing(board: Board) -> None:
    campaign = board.campaign("spring", miss=FEW)
    campaign.write_text(campaign.read_text() + f"seed: '{lucky_seed(FEW)}'\n")

    shown = board.accredit("run", str(campaign), "--json", code=0)
    board.version()

    assert '"value": 1.0' in shown, "30 of 30, although a fifth of the sites passes"
    said = reasons(board, board.out / "spring")
    assert all(words in said for words in SHORT_CUT)
    refused = board.refused(
        "decision", "make", "accredited", "--results", str(board.out / "spring"),
        "--reason", "r", "--by", "Di",
    )  # fmt: skip
    assert "the tester alone chose the seed" in refused


def test_a_commitment_without_a_second_party_grants_nothing(board: Board) -> None:
    campaign = board.campaign("spring")
    board.accredit("seed", "commit", str(campaign), "--file", str(campaign.parent / "c.json"))
    board.accredit("run", str(campaign))
    board.version()

    assert SHORT_CUT[0] in reasons(board, board.out / "spring")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A version that failed twice, measured and concluded alone, and conformed the third time."""
    board = board_in(tmp_path_factory.mktemp("tried"))
    with synchronised():
        for name in ("one", "two"):
            campaign = board.campaign(name, miss=MISSED)
            board.seed(campaign)
            board.accredit("measure", str(campaign))
            board.accredit("conclude", str(board.out / name), code=1, folder=False)
        board.measure("three")
        board.version()
    return board


THIRD = f"third registered campaign of {SERVICE} by one-row; 2 before did not conform (one, two)"


def test_earlier_tries_stand_in_every_output(tried: Board) -> None:
    results = tried.out / "three"
    table = results / "outcomes.csv"

    text = tried.accredit("conclude", str(results), folder=False)
    told = json.loads(tried.runner.invoke(app, ["conclude", str(results), "--json"]).stdout)
    page = results / "page.html"
    tried.accredit("report", str(results), "--out", str(page), "--table", str(table), folder=False)

    words = "".join(each for each in text if each.isalnum())
    assert "".join(each for each in THIRD if each.isalnum())[1:] in words
    assert told["registration"]["number"] == 3
    assert [one["end"] for one in told["registration"]["earlier"]] == ["did not conform"] * 2
    assert THIRD[1:] in page.read_text()


def test_a_version_that_was_tried_until_it_passed_is_not_accredited(tried: Board) -> None:
    said = reasons(tried, tried.out / "three")

    assert "2 earlier campaigns of this version did not conform" in said
    assert "(one, two): 'accredit run'" in said


def test_failures_that_are_followed_bar_by_their_findings_alone(tried: Board) -> None:
    """``accredit run`` of the earlier campaigns opens the plans that ``measure`` did not."""
    folder = tried.out.parent
    for name in ("one", "two"):
        ended = tried.runner.invoke(
            app, ["run", str(folder / name / "campaign.yaml"), "--out", str(tried.out)]
        )
        assert ended.exit_code == 1, ended.output
    said = reasons(tried, tried.out / "three")

    assert "earlier campaigns" not in said
    assert "F-0001" in said


def test_each_start_and_stop_is_on_record(tried: Board) -> None:
    first = runs(tried, "one")[0]

    assert first.begun.campaign == "one"
    assert (first.begun.items, first.begun.sizes) == (60, {"ALW.DRUGED": 30, "DRUG": 30})
    assert first.begun.corpora[0].startswith("canary ")
    assert first.starts[0].held == 0
    assert first.stops[0].complete
    assert first.stops[0].held == first.starts[-1].held or len(first.starts) == 1
    with closing(open_journal(tried.out / "one/journal")) as journal:
        began = min(one.started for one in journal.observations())
    assert first.begun.at < began


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """One campaign that is decidable; tests work on copies of its folder."""
    board = board_in(tmp_path_factory.mktemp("measured"))
    with synchronised():
        board.measure("spring")
        board.version()
    return board


@pytest.fixture
def copied(measured: Board, tmp_path: Path) -> Board:
    folder = tmp_path / "copied"
    shutil.copytree(measured.out.parent, folder)
    board = copy(measured)
    board.out = folder / "out"
    return board


def test_a_registered_campaign_of_two_parties_is_decidable(measured: Board) -> None:
    assert "first registered" not in reasons(measured, measured.out / "spring", code=0)
    told = measured.runner.invoke(app, ["conclude", str(measured.out / "spring"), "--json"])
    assert json.loads(told.stdout)["registration"]["number"] == 1


def of(path: str) -> Callable[[Board], Path]:
    return lambda board: board.out / path


def test_a_journal_that_lost_observations_is_named(copied: Board) -> None:
    journal = copied.out / "spring/journal"
    for path in journal.iterdir():
        if path.name not in ("header.json", "seed"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (copied.out / "spring").glob("assessment-*"):
        path.unlink()
    copied.accredit("run", str(copied.out.parent / "spring/campaign.yaml"))

    said = reasons(copied, copied.out / "spring")

    assert "the journal of campaign 'spring' had lost observations at start 2" in said


def test_a_journal_that_was_made_again_is_another_campaign(copied: Board) -> None:
    secret = (copied.out / "spring/committed-seed").read_text()
    shutil.rmtree(copied.out / "spring")
    (copied.out / "spring").mkdir()
    (copied.out / "spring/committed-seed").write_text(secret)
    copied.accredit("run", str(copied.out.parent / "spring/campaign.yaml"))

    assert [one.begun.campaign for one in runs(copied, "spring")] == ["spring", "spring"]
    told = copied.runner.invoke(app, ["conclude", str(copied.out / "spring"), "--json"])
    found = json.loads(told.stdout)["registration"]
    assert found["number"] == 2
    assert found["earlier"][0]["campaign"] == "spring"
    assert "second registered campaign" in reasons(copied, copied.out / "spring", code=0)


@pytest.mark.parametrize("change", ["other registry", "no registry"])
def test_what_no_registry_knows_is_practice(copied: Board, change: str) -> None:
    place = copied.out / "registry.sqlite"
    place.unlink()
    if change == "other registry":
        copied.accredit("registry", "add", "service", SERVICE, "--supplier", copied.supplier)
    told = copied.runner.invoke(app, ["conclude", str(copied.out / "spring"), "--json"])

    assert json.loads(told.stdout)["registration"]["number"] == 0
    shown = copied.accredit("conclude", str(copied.out / "spring"), folder=False)
    assert "Not registered before its first packet: practice" in shown
    if change == "other registry":
        copied.version()
        said = reasons(copied, copied.out / "spring")
        assert "was not registered before its first packet, so it is practice" in said


def test_a_practice_campaign_stays_one(board: Board) -> None:
    campaign = board.campaign("spring")
    board.seed(campaign)
    board.accredit("measure", str(campaign), "--practice")
    board.accredit("run", str(campaign))
    board.version()

    assert runs(board, "spring") == ()
    assert "so it is practice" in reasons(board, board.out / "spring")


def test_a_stopped_campaign_is_on_record(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = board.campaign("spring")

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(measure_verb, "require_both_halves", stop)
        board.runner.invoke(app, ["measure", str(campaign), "--out", str(board.out)])
    board.measure("summer")

    (first, _) = runs(board, "spring")
    assert not first.is_complete
    assert first.end == f"was stopped after {first.stops[0].held:,} observations"
    told = board.runner.invoke(app, ["conclude", str(board.out / "summer"), "--json"])
    assert json.loads(told.stdout)["registration"]["earlier"][0]["end"] == first.end
    board.version()
    assert first.end in reasons(board, board.out / "summer", code=0)


def test_items_chosen_by_id_are_named_first_and_grant_nothing(board: Board) -> None:
    campaign = board.campaign("spring", miss=FEW)
    passing = {host.partition(".")[0] for host in FEW}
    drugs = (item for item in open_pack("canary").items() if item.category == "DRUG")
    chosen = [item.id for item in drugs if item.host.partition(".")[0] not in passing][:30]
    text = campaign.read_text()
    start, end = text.index("corpora:"), text.index("limits:")
    text = (
        f"{text[:start]}corpora:\n  - {{pack: canary, items: [{', '.join(chosen)}]}}\n{text[end:]}"
    )
    campaign.write_text(text)
    board.seed(campaign)
    shown = board.accredit("run", str(campaign), code=0)
    board.version()
    results, table = board.out / "spring", board.out / "outcomes.csv"
    page = board.out / "page.html"
    board.accredit("report", str(results), "--out", str(page), "--table", str(table), folder=False)
    told = board.runner.invoke(app, ["conclude", str(results), "--json"]).stdout

    named = "30 items chosen by id"
    assert f"Conforms: {named}, agreed list only" in shown
    assert told.startswith(f'{{"limited_to": "{named}, agreed list only"')
    first = page.read_text().partition("<h1")[2].partition("</h1>")[0]
    assert named in first
    with table.open(newline="") as file:
        assert {row["limited_to"] for row in csv.DictReader(file)} == {f"{named}, agreed list only"}
    assert f"left out what the scheme asks for ({named})" in reasons(board, results)


def test_categories_left_out_are_named_first_and_grant_nothing(
    measured: Board, tmp_path: Path
) -> None:
    scheme = tmp_path / "two.yaml"
    more = "requirements:\n  - id: URL-04\n    measure: {categories: [DRUG, PIRA]}\n"
    scheme.write_text(measured.scheme.read_text().replace("id: one-row", "id: two") + more)
    words = ("--scheme", str(scheme))

    shown = measured.accredit(
        "conclude", str(measured.out / "spring"), *words, code=3, folder=False
    )
    said = reasons(measured, measured.out / "spring", words=words)

    assert "spring: Not decided: categories left out: PIRA" in shown
    assert "left out what the scheme asks for (categories left out: PIRA)" in said
    assert "was registered for one-row 1, and is judged by two 1" in said


def test_other_content_than_was_registered_grants_nothing(
    measured: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a journal says of itself is compared with what the registry holds."""
    (run,) = runs(measured, "spring")
    parts = dict(run.begun.measured_with)
    scheme = next(name for name in parts if name.startswith("scheme "))
    other = tuple((parts | {scheme: "1 " + "0" * 64}).items())
    begun = msgspec.structs.replace(run.begun, measured_with=other)
    monkeypatch.setattr(registration_bars, "runs_in", lambda _: (run._replace(begun=begun),))

    said = reasons(measured, measured.out / "spring")

    assert f"registered with other content: {scheme} 1 has another content" in said


def test_a_sample_left_unused_grants_nothing(board: Board) -> None:
    first = board.campaign("spring")
    board.seed(first)
    second = board.campaign("summer")
    file = second.parent / "commitment.json"
    board.accredit("seed", "commit", str(second), "--file", str(file), "--again")
    board.accredit("seed", "contribute", "summer", "--by", "Sue")
    board.accredit("run", str(second))
    board.version()

    assert "the best of several samples may have been chosen" in reasons(
        board, board.out / "summer"
    )


def test_a_seed_that_the_registry_does_not_hold_grants_nothing(copied: Board) -> None:
    seed = copied.out / "spring/journal/seed"
    seed.unlink()

    assert "the registry does not hold that the seed of campaign 'spring'" in reasons(
        copied, copied.out / "spring"
    )


def test_a_registry_that_cannot_be_used_refuses_and_names_practice(board: Board) -> None:
    campaign = board.campaign("spring")
    out = board.out.parent / "other"
    (out / "registry.sqlite").mkdir(parents=True)

    ended = CliRunner().invoke(app, ["measure", str(campaign), "--out", str(out)])

    assert "--practice measures without a registry" in str(ended.exception)
    assert read_campaign(campaign)[0].campaign == "spring"
