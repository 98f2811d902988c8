"""``accredit plan``, from a draft to its closure, and its mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import plan
from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding, Retest, RetestResult
from harness.model.event import FindingOpened, RetestConcluded, RetestStarted

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class StoppedClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    stopped = StoppedClock()
    monkeypatch.setattr(plan, "clock", stopped)
    return stopped


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    finding = Finding(
        id="F-0001",
        campaign="spring",
        requirement="URL-01",
        title="Gambling is blocked",
        severity="Crit",
        scheme="becta-2008",
        scheme_version="1.0",
        profile="ks2",
        line="proxy",
        statement="58 of 60 were blocked",
        missed=("gamb-001", "gamb-002"),
        categories=("GAMB",),
        sampled=60,
        opened=NOW,
        supplier="Acme",
    )
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as book:
        book.record(
            FindingOpened(at=NOW, actor="Ann", finding=finding),
            draft_plan(finding, at=NOW, actor="Ann"),
        )
    return where


@pytest.fixture
def accredit(registry: Path, clock: StoppedClock) -> Callable[..., str]:
    """Run ``accredit plan ...``; gives what it printed, raises what it raised."""

    def run(*words: str) -> str:
        ended = CliRunner().invoke(
            plan.app, [*words, "--registry", str(registry)], catch_exceptions=False
        )
        assert ended.exit_code == 0, ended.output
        return ended.output

    return run


def verify(registry: Path) -> None:
    """What ``accredit retest`` records when a re-test conforms."""
    retest = Retest(
        campaign="spring-retest-1",
        at=NOW,
        outcome=RetestResult.CONFORMS,
        statement="0 of 2 missed items still fail",
        missed_tested=2,
        missed_still_failing=(),
        fresh_tested=60,
    )
    with open_session(registry) as book:
        book.record(
            RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign="spring-retest-1"),
            RetestConcluded(at=NOW, actor="Ann", plan="P-0001", retest=retest, service="Safe Net"),
        )


def test_a_plan_is_followed_from_draft_to_closure(
    accredit: Callable[..., str], registry: Path
) -> None:
    agree = ("agree", "P-0001", "--owner", "Acme", "--action", "Update the list")

    assert accredit(*agree, "--cause", "stale list", "--due", "2026-03-20", "--by", "Ann") == (
        "plan P-0001 is agreed, due 2026-03-20\nnext: accredit plan progress P-0001 --note TEXT\n"
    )
    assert "is in-progress" in accredit("progress", "P-0001", "--note", "half", "--milestone", "1")
    assert "is claimed" in accredit("claim", "P-0001", "--statement", "list updated")
    verify(registry)
    assert "is closed" in accredit("close", "P-0001", "--note", "thanks")

    shown = json.loads(accredit("show", "P-0001", "--json"))
    assert shown["state"] == "closed"
    assert shown["claimed_by"] == "Acme"
    assert shown["finding"]["missed"] == ["gamb-001", "gamb-002"]
    assert shown["possible"] == []
    assert len(shown["history"]) == 7
    assert accredit("list").strip() == "no open plans"
    assert "P-0001" in accredit("list", "--all")


def test_a_claim_alone_cannot_close(accredit: Callable[..., str]) -> None:
    accredit("agree", "P-0001", "--owner", "Acme", "--action", "Mend")
    accredit("progress", "P-0001", "--note", "done")
    accredit("claim", "P-0001", "--statement", "mended")

    with pytest.raises(
        UsageError, match="is claimed: 'close' is not possible; possible: canaries, check-in, d"
    ):
        accredit("close", "P-0001")


def test_lists_what_is_due_and_what_is_late(
    accredit: Callable[..., str], clock: StoppedClock
) -> None:
    (listed,) = json.loads(accredit("list", "--json"))
    assert (listed["id"], listed["overdue"]) == ("P-0001", False)
    assert listed["due"] == "2026-04-01T09:00:00Z"

    clock.at = NOW + timedelta(days=31)
    (listed,) = json.loads(accredit("list", "--json"))
    assert listed["overdue"] is True
    table = re.sub(r"\s+", " ", accredit("list"))
    assert "(overdue)" in table
    assert "URL-01[ks2-proxy]" in table


def test_an_extension_is_shown_beside_the_original_date(accredit: Callable[..., str]) -> None:
    extend = ("extend", "P-0001", "--due", "2026-05-01", "--reason", "parts", "--approver", "Bea")

    assert accredit(*extend).startswith("plan P-0001 is draft, due 2026-05-01\n")

    shown = accredit("show", "P-0001")
    assert "2026-05-01 (at first 2026-04-01)" in shown
    assert "approved by Bea" in re.sub(r"\s+", " ", shown)


def test_departures_check_ins_and_escalation_are_on_record(
    accredit: Callable[..., str], clock: StoppedClock
) -> None:
    accredit(
        *("deviate", "P-0001", "--kind", "risk-adjustment", "--until", "2026-06-01"),
        *("--reason", "a part is late", "--mitigation", "a second list", "--approver", "Bob"),
    )
    accredit("check-in", "P-0001", "--vendor", "Lists Ltd", "--result", "in May")
    level = ("--level", "finding-review", "--exit-criteria", "the fix is claimed")
    accredit("escalate", "P-0001", *level, "--reason", "late")

    clock.at = NOW + timedelta(days=40)
    shown = re.sub(r"\s+", " ", accredit("show", "P-0001"))
    (listed,) = json.loads(accredit("list", "--json"))

    assert "risk-adjustment until 2026-06-01, approved by Bob: a part is late" in shown
    assert "mitigated by a second list" in shown
    assert "Lists Ltd, due 2026-04-01, overdue" in shown
    assert "finding-review; ends when: the fix is claimed" in shown
    assert (listed["overdue"], listed["state"]) == (False, "draft")
    assert "operational" not in shown


def test_a_critical_finding_is_no_operational_requirement(accredit: Callable[..., str]) -> None:
    with pytest.raises(
        UsageError, match="a critical finding cannot have an operational-requirement"
    ):
        accredit(
            *("deviate", "P-0001", "--kind", "operational-requirement", "--until", "2026-06-01"),
            *("--reason", "r", "--mitigation", "m", "--approver", "Bob"),
        )


def test_shows_finding_milestones_and_what_can_be_done(accredit: Callable[..., str]) -> None:
    shown = accredit("show", "P-0001")

    for told in (
        "58 of 60 were blocked",
        "gamb-001, gamb-002",
        "Failure contained",
        "agree, extend, deviate, check-in, escalate",
    ):
        assert told in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "P-9"), "no plan 'P-9'; known: P-0001"),
        (("claim", "P-9", "--statement", "x"), "no plan 'P-9'; known: P-0001"),
        (
            ("extend", "P-0001", "--due", "soon", "--reason", "r", "--approver", "Bob"),
            "'soon' is not a date; write it like 2026-03-31",
        ),
    ],
)
def test_mistakes_are_named(accredit: Callable[..., Any], words: tuple[str, ...], why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        accredit(*words)


def test_without_a_registry_the_way_to_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = CliRunner().invoke(plan.app, ["list"], catch_exceptions=False)

    assert 0 == ended.exit_code
    assert "no open plans: " in ended.stdout
    assert "'accredit run' makes one" in ended.stdout


def test_a_registry_that_is_named_must_be_there(tmp_path: Path) -> None:
    words = ["list", "--registry", str(tmp_path / "none.sqlite")]

    with pytest.raises(UsageError, match="no registry here"):
        CliRunner().invoke(plan.app, words, catch_exceptions=False)


def test_a_clock_that_was_set_back_is_noticed_and_a_wrong_one_corrected_on_record(
    accredit: Callable[..., str], clock: StoppedClock
) -> None:
    check_in = ("check-in", "P-0001", "--vendor", "Lists Ltd", "--result", "soon")
    clock.at = NOW + timedelta(days=3650)
    accredit(*check_in)
    clock.at = NOW + timedelta(days=1)

    with pytest.raises(UsageError, match="check this machine's clock; if it is right now"):
        accredit(*check_in)

    said = accredit("correct-clock", "--reason", "the laptop's battery was flat", "--by", "Ann")
    assert (
        said
        == "recorded: the newest event was dated 2036-02-28 09:00; the time now is 2026-03-03 09:00\n"
    )
    accredit(*check_in)
    shown = re.sub(r"\s+", " ", accredit("show", "P-0001"))
    assert "Ann: events before this may be dated too late: the laptop's battery was flat" in shown
    (told,) = json.loads(accredit("show", "P-0001", "--json"))["clock_corrections"]
    assert "2026-03-03 09:00 Ann" in told
    with pytest.raises(UsageError, match="there is nothing to correct"):
        accredit("correct-clock", "--reason", "again")


def test_the_approver_takes_no_other_part(accredit: Callable[..., str]) -> None:
    extend = ("extend", "P-0001", "--due", "2026-05-01", "--reason", "parts", "--approver", "Bea")
    accredit(*extend)

    with pytest.raises(UsageError, match=r"Bea approved .* and cannot become its owner"):
        accredit("agree", "P-0001", "--owner", "\u0412ea", "--action", "Mend")
    with pytest.raises(UsageError, match=r"Bea approved .* and cannot take any other part in it"):
        accredit("check-in", "P-0001", "--vendor", "V", "--result", "R", "--by", "BEA")
