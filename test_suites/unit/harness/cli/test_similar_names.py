"""Names that look alike: another name hides nothing from whoever decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import plan_step
from harness.cli.similar_names import is_similar, looks_like
from test_suites.unit.harness.cli.decision_board import MISSED, SERVICE, Board, LaterClock

ACME = ("Acme Ltd", "Safe Net", "practice")


@pytest.fixture
def board(simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    clock = LaterClock()
    monkeypatch.setattr(plan_step.clock, "source", clock)
    return Board(simulated, tmp_path, clock)


@pytest.mark.parametrize(
    "other",
    [
        ("Acme Limited", "Safe Net", "practice"),
        ("ACME  ltd.", "Safe Net 2", "practice"),
        ("Acme Ltd", "Safe Net", "practise"),
        ("The Acme Co.", "safe-net", "practice"),
    ],
)
def test_a_name_that_is_nearly_the_same_is_similar(other: tuple[str, str, str]) -> None:
    assert is_similar(ACME, other)
    assert is_similar(other, ACME)


@pytest.mark.parametrize(
    "other",
    [
        ACME,
        ("acme  LTD", "safe net", "practice"),  # the same names, under which all is counted
        ("Beta Ltd", "Safe Net", "practice"),
        ("Acme Ltd", "Safe Net", "becta-2008"),
        ("Acme Ltd", "Open Door", "practice"),
    ],
)
def test_the_same_and_another_name_are_not(other: tuple[str, str, str]) -> None:
    assert not is_similar(ACME, other)


@given(st.text(max_size=40))
def test_a_name_looks_like_itself_with_a_legal_form(name: str) -> None:
    assert looks_like(name, f"{name} Limited")


def test_a_proposal_notes_an_open_finding_under_a_similar_name(board: Board) -> None:
    board.measure("winter", code=1, miss=MISSED)
    board.supplier = "Acme Limited"
    results = board.measure("spring")
    board.version()

    proposed = board.propose(results, code=0)["proposal"]

    (noted,) = proposed["basis"]["noted"]
    assert noted == (
        "a similar name has an open finding: F-0001, URL-04 (Crit) of "
        f"{SERVICE!r} of 'Acme' by one-row"
    )
    said = board.accredit("decision", "propose", str(results))
    assert "note: a similar name has an open finding" in said
    board.decide("accredited", results)
    held = json.loads(board.accredit("decision", "show", "D-0001", "--json"))
    assert held["decision"]["proposal"]["basis"]["noted"] == [noted]
