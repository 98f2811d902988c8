"""The commands of ``accredit decision``, from a campaign to an appeal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from harness.cli.decision_view import margin_in_words
from harness.model.decision import Margin
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.rehearsal import claim
from test_suites.unit.harness.cli.conftest import BoardOf
from test_suites.unit.harness.cli.decision_board import MISSED, SERVICE, SUPPLIER, Board


@pytest.fixture
def board(board_of: BoardOf) -> Board:
    """A board whose campaign ``spring`` meets everything."""
    return board_of()


def test_a_service_that_meets_everything_is_accredited_for_a_year(board: Board) -> None:
    results = board.out / "spring"
    board.version()
    of = ("--supplier", SUPPLIER, "--set", f"of={SERVICE}", "--set", "seller=County IT")
    board.accredit("registry", "add", "white-label", "County Filter", *of)

    proposed = board.propose(results, code=0)
    said = board.decide("accredited", results)

    assert proposed["proposal"]["status"] == "accredited"
    assert f"decision D-0001: {SERVICE} 2.1 by one-row 1: accredited, until" in said
    held = board.shown("D-0001")
    assert (held["status_now"], held["by"], held["supplier"]) == ("accredited", "Di", SUPPLIER)
    decision = held["decision"]
    assert decision["white_labels"] == ["County Filter"]
    assert decision["proposal"]["basis"]["limited_to"] == "agreed list only"
    (margin,) = [one for one in decision["proposal"]["margins"] if one["requirement"] == "URL-04"]
    assert margin["threshold"] == 0.9
    assert margin["exceeds"] == pytest.approx(margin["bound"] - 0.9)
    assert margin["bound"] < 1, "the bound, not the rate of 30 of 30"
    told = board.accredit("decision", "show", "D-0001")
    assert "white labels: County Filter" in told
    assert "limited to: agreed list only" in told
    assert "certainly at least 90.5 %; at least 90 % is required: met with 0.497 percentage" in told
    assert "its assessment in" in told
    assert "kept, unchanged" in told
    board.accredit("conclude", str(results / "journal"), "--json", folder=False)
    assert "kept, unchanged" in board.accredit("decision", "show", "D-0001")
    name = decision["proposal"]["basis"]["assessment"]
    (kept,) = (board.out / "decision-evidence").rglob(name)
    kept.write_bytes(kept.read_bytes().replace(b"conforms", b"deforms "))
    assert "MISSING OR CHANGED" in board.accredit("decision", "show", "D-0001")
    board.clock.days = 366
    assert board.shown("D-0001")["status_now"] == "expired"
    assert "expired" in board.accredit("decision", "list")


def test_a_failing_service_is_not_accredited_whoever_wants_it(board_of: BoardOf) -> None:
    board = board_of(code=1, miss=MISSED)
    results = board.out / "spring"
    board.version()

    assert board.propose(results, code=1)["proposal"]["status"] == "not-yet"
    refused = board.refused(
        "decision", "make", "accredited", "--results", str(results), "--reason", "r", "--by", "Di"
    )
    assert "the rules propose not-yet" in refused
    board.decide("not-yet", results)
    listed = json.loads(board.accredit("decision", "list", "--json"))
    assert [(one["id"], one["status_now"]) for one in listed] == [("D-0001", "not-yet")]


def test_a_verified_fix_gives_an_accreditation_with_an_action_plan(board_of: BoardOf) -> None:
    board = board_of(code=1, miss=MISSED)
    results = board.out / "spring"
    board.version()
    claim(board.runner, board.out)
    fixed = board.campaign("spring")
    board.accredit("retest", "P-0001", str(fixed), "--by", "Ann")

    proposed = board.propose(results, code=0)["proposal"]

    assert proposed["status"] == "accredited-with-action-plan"
    assert [one["plan"] for one in proposed["conditions"]] == ["P-0001"]
    board.measure("summer")
    assert board.propose(results, code=0)["proposal"]["status"] == "accredited"


def test_who_measured_the_service_does_not_decide(
    board_of: BoardOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.registry_facts.current_user", lambda: "Mo")
    board = board_of("by-mo")
    results = board.out / "by-mo"
    board.version()
    words = ("decision", "make", "accredited", "--results", str(results), "--reason", "r", "--by")

    assert "Mo measured the service or judged evidence of it, has a part" in board.refused(
        *words, "mo"
    )


def test_an_accreditation_is_suspended_and_appealed_against(board: Board) -> None:
    results = board.out / "spring"
    board.version()
    board.decide("accredited", results, "--until", f"{WallClock().now():%Y}-12-31")
    why = ("--reason", "a list is not loaded")

    said = board.accredit("decision", "make", "suspended", "--of", "D-0001", *why, "--by", "Di")

    assert "decision D-0002:" in said
    assert "suspended, decided by Di" in said
    listed = board.accredit("decision", "list")
    assert "D-0001" not in listed
    assert "accredited (replaced)" in board.accredit("decision", "list", "--all")
    board.accredit("decision", "appeal", "D-0002", "--appellant", SUPPLIER, *why)
    assert "(appeal open)" in board.accredit("decision", "list")
    answer = ("decision", "review", "D-0002", "--uphold", *why, "--by")
    assert "Di made the decision" in board.refused(*answer, "Di")
    assert "the appeal is upheld: measure again, and decide anew" in board.accredit(*answer, "Eve")
    listed = " ".join(board.accredit("decision", "list").split())
    assert "suspended (by a decision of the accreditation body)" in listed
    assert "upheld by Eve" in board.accredit("decision", "show", "D-0002")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("make", "accredited"), "give the campaign (--results FOLDER), or the decision"),
        (("make", "not-yet", "--of", "D-0007"), "no decision 'D-0007'"),
        (("show", "D-0007"), "no decision 'D-0007'"),
        (("appeal", "D-1", "--appellant", "a", "--reason", "r"), "no decision 'D-1'"),
    ],
)
def test_a_careless_command_gets_one_sentence(
    board: Board, words: tuple[str, ...], message: str
) -> None:
    assert message in board.refused("decision", *words)


def test_the_version_has_to_be_clear(board: Board) -> None:
    results = board.out / "spring"

    assert "none is on record: accredit registry add version" in board.refused(
        "decision", "propose", str(results)
    )
    board.version()
    board.version("2.2")
    assert "(--version); known: 2.1, 2.2" in board.refused("decision", "propose", str(results))
    board.accredit("decision", "propose", str(results), "--version", "2.2")


def test_a_campaign_of_another_registry_is_no_basis(board: Board, tmp_path: Path) -> None:
    results = board.out / "spring"
    board.version()
    other = tmp_path / "other.sqlite"
    of = ("--supplier", SUPPLIER, "--set", f"of={SERVICE}", "--registry", str(other))
    board.accredit("registry", "add", "service", SERVICE, "--supplier", SUPPLIER, *of[-2:])
    board.accredit("registry", "add", "version", "2.1", *of)

    refused = board.refused(
        "decision", "make", "accredited", "--results", str(results),
        "--reason", "r", "--by", "Di", "--registry", str(other),
    )  # fmt: skip

    assert "campaign 'spring'" in refused
    assert "is not in the registry; 'accredit run' records it" in refused


@pytest.mark.parametrize(
    ("unit", "side", "bound", "exceeds", "said"),
    [
        (
            "share",
            "at-least",
            0.88,
            -0.02,
            "at least 88 %; at least 90 % is required: missed by 2 p",
        ),
        ("s", "at-most", 0.12, 0.78, "at most 120 ms; at most 900 ms is required: met with 780 ms"),
    ],
)
def test_a_margin_says_whether_it_is_met(
    unit: str, side: Literal["at-least", "at-most"], bound: float, exceeds: float, said: str
) -> None:
    margin = Margin(
        requirement="R", profile="p", line="l", unit=unit, side=side, threshold=0.9, bound=bound,
        exceeds=exceeds,
    )  # fmt: skip

    assert said in margin_in_words(margin)
