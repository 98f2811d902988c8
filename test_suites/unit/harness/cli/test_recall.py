"""A rule and an item prove wrong among 20 campaigns: just the decisions that change are recalled."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.judge import judge as judging
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in
from test_suites.unit.harness.cli.decision_board import Board, LaterClock

HALF = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
CAMPAIGNS = range(1, 8)
LENIENT = (2, 3, 6)
"""The services that let half of the list through, which the wrong rule calls blocked."""


@pytest.fixture
def board(tmp_path: Path, later: LaterClock) -> Board:
    return Board(simulated_in(tmp_path), tmp_path, later)


def decided(board: Board, number: int, status: str, *, code: int, miss: list[str]) -> str:
    """Measure a supplier's service, and decide; returns the supplier."""
    board.supplier = f"Supplier {number:02d}"
    results = board.measure(f"campaign-{number:02d}", code=code, miss=miss)
    board.version()
    board.decide(status, results)
    return board.supplier


def recalled(board: Board, *words: str, code: int) -> Any:
    said = board.accredit("recall", "--because", "it was wrong", "--json", *words, code=code)
    return json.loads(said)


def poison(patch: pytest.MonkeyPatch) -> None:
    """A rule that calls every drug site blocked, whatever came back."""
    right = judging.judge_trial

    def wrong(*given: Any, **more: Any) -> Any:
        verdict = right(*given, **more)
        if verdict.item.category == "DRUG" and verdict.state is State.ALLOWED:
            return msgspec.structs.replace(verdict, state=State.BLOCKED)
        return verdict

    patch.setattr(judging, "judge_trial", wrong)


@pytest.mark.timeout(900)
def test_the_recall_of_a_wrong_rule_is_exact(
    board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        poison(patch)
        suppliers = {
            number: decided(
                board, number, "accredited", code=0, miss=HALF if number in LENIENT else []
            )
            for number in CAMPAIGNS
        }
        nothing = recalled(board, code=0)
    assert (nothing["rested_on_it"], nothing["affected"]) == (7, [])

    notices = tmp_path / "notices"
    found = recalled(board, "--notices", str(notices), code=1)

    assert [one["supplier"] for one in found["affected"]] == [suppliers[n] for n in LENIENT]
    for one in found["affected"]:
        (change,) = one["changes"]
        assert change["id"] == "URL-04[pupils-proxy]"
        assert (change["before"], change["after"]) == ("conforms", "does-not-conform")
    written = sorted(notices.iterdir())
    assert [path.name for path in written] == [f"{n:03d}-D-0001.txt" for n in (1, 2, 3)]
    assert "To: Supplier 02" in written[0].read_text()
    assert "it was conforms, and is does-not-conform now" in written[0].read_text()
    reviews = board.accredit("registry", "list", "review")
    assert reviews.count("Recall of D-0001") == 3
    recalled(board, code=1)
    assert board.accredit("registry", "list", "review").count("Recall of D-0001") == 3


MISSING = (2, 4)
"""The services that let one item through that should not have been on the list."""


@pytest.mark.timeout(900)
def test_the_recall_of_a_wrong_item_is_exact(board: Board) -> None:
    board.measure("look")
    with closing(open_journal(board.out / "look/journal")) as journal:
        tried = {one.item.id: one.item.host for one in journal.observations() if one.role == "item"}
    wrong = next(name for name in sorted(tried) if name.startswith("drug-") and "twin" not in name)
    suppliers = {}
    for number in range(1, 6):
        is_missing = number in MISSING
        suppliers[number] = decided(
            board,
            number,
            "not-yet" if is_missing else "accredited",
            code=3 if is_missing else 0,
            miss=[tried[wrong]] if is_missing else [],
        )

    found = recalled(board, "--item", wrong, code=1)

    assert found["rested_on_it"] == 5
    assert [one["supplier"] for one in found["affected"]] == [suppliers[n] for n in MISSING]
    assert recalled(board, "--item", "drug-999", code=0)["rested_on_it"] == 0


@pytest.fixture
def accredited(made: MadeOnce, tmp_path: Path, later: LaterClock) -> Board:
    """One service that was measured and accredited."""

    def decide(folder: Path) -> None:
        board = Board(simulated_in(folder), folder, LaterClock())
        decided(board, 1, "accredited", code=0, miss=[])

    made.copied("one accredited service", decide, tmp_path)
    board = Board(simulated_in(tmp_path), tmp_path, later)
    board.supplier = "Supplier 01"
    return board


@pytest.mark.parametrize(
    ("words", "rested"),
    [
        ((), 1),
        (("--scheme", "one-row"), 1),
        (("--scheme", "kcsie"), 0),
        (("--rules", "0"), 0),
        (("--probe", "dns"), 0),
        (("--item", "drug-999"), 0),
    ],
)
def test_what_did_not_rest_on_it_is_left_alone(
    accredited: Board, words: tuple[str, ...], rested: int
) -> None:
    found = recalled(accredited, *words, code=0)

    assert (found["decisions"], found["rested_on_it"], found["affected"]) == (1, rested, [])


def test_without_a_wrong_probe_nothing_is_left_that_was_seen(accredited: Board) -> None:
    found = recalled(accredited, "--probe", "web", "--dry-run", code=1)

    (one,) = found["affected"]
    assert one["changes"][0]["after"] in {"insufficient", None}
    assert [change["id"] for change in one["changes"] if "none" in change["id"]] == []
    assert "decide anew; until then the accreditation rests on" in one["step"]
    assert "no records" in accredited.accredit("registry", "list", "review"), "a dry run"


@pytest.mark.parametrize("lost", ["journal", "assessment", "measured further"])
def test_what_cannot_be_judged_again_does_not_stand(accredited: Board, lost: str) -> None:
    results = accredited.out / "campaign-01"
    if lost == "journal":
        results.rename(results.with_name("moved"))
    elif lost == "assessment":
        (kept,) = (
            path
            for path in (accredited.out / "decision-evidence").rglob("*")
            if path.is_file() and not path.suffix
        )
        kept.write_bytes(b"{}")
    else:
        (accredited.out / "campaign-01").rename(accredited.out / "first")
        accredited.measure("campaign-01", miss=[])

    said = accredited.accredit("recall", "--because", "a rule was wrong", code=1)

    assert "1 of 1 decisions rested on it; 1 are affected" in said
    assert "it cannot be judged again: " in said
    assert "measure the service again, and decide anew" in said
    assert "Recall of D-0001" in accredited.accredit("registry", "list", "review")


def test_under_a_suspension_the_accreditation_is_recalled(accredited: Board) -> None:
    why = ("--reason", "a list is missing", "--by", "Di")
    accredited.accredit("decision", "make", "suspended", "--of", "D-0001", *why)

    found = recalled(accredited, code=0)

    assert (found["decisions"], found["rested_on_it"]) == (1, 1), "under it is an accreditation"
    accredited.decide("not-yet", accredited.out / "campaign-01")
    other = recalled(accredited, "--scheme", "kcsie", code=0)
    assert (other["decisions"], other["rested_on_it"]) == (1, 0)


def test_a_careless_recall_gets_one_sentence(accredited: Board, tmp_path: Path) -> None:
    assert "say what proved wrong (--because)" == accredited.refused("recall", "--because", " ")
    taken = accredited.refused("recall", "--because", "x", "--notices", str(tmp_path))
    assert "exists already; notices are written into a new folder" in taken
