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

from harness.cli import plan, plan_step
from harness.cli.registry_session import open_session, place_of
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import Retest, RetestResult
from harness.model.event import FindingOpened, RetestConcluded, RetestStarted
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.campaigns.rehearsal import DETAILS
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.held_fix import held_and_closed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    stopped = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", stopped)
    return stopped


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    finding = example_finding(
        statement="58 of 60 were blocked", missed=("gamb-001", "gamb-002"), supplier="Acme"
    )
    where = tmp_path / "registry.sqlite"
    with open_session(where, create=True) as book:
        book.record(
            place_of("Acme"),
            FindingOpened(at=NOW, actor="Ann", finding=finding),
            draft_plan(finding, at=NOW, actor="Ann"),
        )
    return where


@pytest.fixture
def accredit(registry: Path, clock: SetClock) -> Callable[..., str]:
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
        book.advance(
            "P-0001",
            RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign="spring-retest-1"),
            RetestConcluded(at=NOW, actor="Ann", plan="P-0001", retest=retest, service="Safe Net"),
        )


def hold(registry: Path) -> None:
    """What ``accredit run`` records of a campaign after the soak period; the clock is later."""
    soaked, _ = held_and_closed("P-0001", NOW)
    with open_session(registry) as book:
        book.advance("P-0001", soaked)


def test_a_plan_is_followed_from_draft_to_closure(
    accredit: Callable[..., str], registry: Path, clock: SetClock
) -> None:
    agree = ("agree", "P-0001", "--owner", "Acme", "--action", "Update the list", *DETAILS)

    assert accredit(*agree, "--due", "2026-03-20", "--by", "Ann") == (
        "plan P-0001 is agreed, due 2026-03-20\nnext: accredit plan progress P-0001 --note TEXT\n"
    )
    assert "is in-progress" in accredit("progress", "P-0001", "--note", "half", "--milestone", "1")
    assert "is claimed" in accredit("claim", "P-0001", "--statement", "list updated")
    verify(registry)
    with pytest.raises(UsageError, match="P-0001 cannot be closed yet: its soak period ends on"):
        accredit("close", "P-0001")
    hold(registry)
    clock.at = NOW + timedelta(days=15)
    assert "is closed" in accredit("close", "P-0001", "--note", "thanks")

    shown = json.loads(accredit("show", "P-0001", "--json"))
    assert shown["state"] == "closed"
    assert shown["claimed_by"] == "Acme"
    assert shown["finding"]["missed"] == ["gamb-001", "gamb-002"]
    assert shown["possible"] == []
    assert len(shown["history"]) == 8
    assert accredit("list").strip() == "no open plans"
    assert "P-0001" in accredit("list", "--all")


def test_a_claim_alone_cannot_close(accredit: Callable[..., str]) -> None:
    accredit("agree", "P-0001", "--owner", "Acme", "--action", "Mend", *DETAILS)
    accredit("progress", "P-0001", "--note", "done")
    accredit("claim", "P-0001", "--statement", "mended")

    with pytest.raises(
        UsageError, match="is claimed: 'close' is not possible; possible: allow a change, canaries"
    ):
        accredit("close", "P-0001")


def test_lists_what_is_due_and_what_is_late(accredit: Callable[..., str], clock: SetClock) -> None:
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


DEVIATION = (
    *("deviate", "P-0001", "--until", "2026-05-31", "--by", "Ann"),
    *("--reason", "a part is late", "--mitigation", "a second list"),
)


def test_deviations_and_check_ins_are_on_record(
    accredit: Callable[..., str], clock: SetClock
) -> None:
    asked = accredit(*DEVIATION, "--kind", "risk-adjustment", "--severity", "Maj")
    decision = ("decide-deviation", "P-0001", "--reason", "the list is whole")
    accredit(*decision, "--approve", "--by", "Bob")
    accredit("check-in", "P-0001", "--vendor", "Lists Ltd", "--result", "in May")

    clock.at = NOW + timedelta(days=40)
    shown = re.sub(r"\s+", " ", accredit("show", "P-0001"))
    (listed,) = json.loads(accredit("list", "--json"))

    assert "next: accredit plan decide-deviation P-0001 --approve" in asked
    assert (
        "risk-adjustment to Maj until 2026-05-31, approved by Bob (identities by name only). a part is late"
        in shown
    )
    assert "mitigated by a second list" in shown
    assert "Lists Ltd, due 2026-04-01, overdue" in shown
    assert (listed["overdue"], listed["state"]) == (True, "draft"), "it is not contained"
    assert "operational" not in shown
    for choice in ((), ("--approve", "--reject")):
        with pytest.raises(UsageError, match="say which: --approve or --reject"):
            accredit(*decision, *choice)
    with pytest.raises(UsageError, match="no deviation is requested"):
        accredit(*decision, "--reject", "--by", "Bob")


def test_a_critical_finding_is_no_operational_requirement(accredit: Callable[..., str]) -> None:
    with pytest.raises(
        UsageError, match="a critical finding cannot have an operational-requirement"
    ):
        accredit(*DEVIATION, "--kind", "operational-requirement")


def test_a_plan_that_waits_for_a_vendor_says_so(accredit: Callable[..., str]) -> None:
    words = [word.replace("05-31", "03-31") for word in DEVIATION]
    accredit(*words, "--kind", "vendor-dependency", "--vendor", "Lists Ltd")
    accredit("decide-deviation", "P-0001", "--reason", "r", "--approve", "--by", "Bob")

    assert "draft, waits for a vendor" in re.sub(r"\s+", " ", accredit("list"))
    shown = re.sub(r"\s+", " ", accredit("show", "P-0001"))
    assert "vendor-dependency on Lists Ltd until 2026-03-31, approved by Bob" in shown


def test_a_submitted_plan_is_returned_or_agreed(accredit: Callable[..., str]) -> None:
    submit = ("submit", "P-0001", "--owner", "Acme", "--action", "Mend", "--containment", "c")
    said = accredit(*submit, "--by", "Zoe")
    assert "next: accredit plan agree P-0001 --by NAME (NAME is not Zoe; or return it)" in said
    said = accredit("return", "P-0001", "--reason", "name a milestone", "--by", "Ann")
    assert "next: accredit plan submit P-0001 --owner NAME" in said
    accredit(*submit, "--by", "Zoe", "--milestone", "List loaded=2026-03-20")

    with pytest.raises(UsageError, match="but this changes its owner; return it"):
        accredit("agree", "P-0001", "--owner", "Other", "--by", "Ann")
    said = accredit("agree", "P-0001", "--by", "Ann")
    assert said.startswith("plan P-0001 is agreed")
    assert "List loaded" in accredit("show", "P-0001")


def test_a_plan_is_superseded_by_a_new_version_of_the_scheme(accredit: Callable[..., str]) -> None:
    words = ("supersede", "P-0001", "--scheme-version", "2.0", "--reason", "r", "--approver", "Bea")
    said = accredit(*words, "--by", "Ann")

    assert "next: nothing: it is superseded" in said
    assert "no open plans" in accredit("list")
    assert "superseded" in accredit("list", "--all")


def test_rules_escalate_what_is_late_and_a_person_anything(
    accredit: Callable[..., str], clock: SetClock
) -> None:
    assert accredit("escalate") == "no rule asks for an escalation\n"

    clock.at = NOW + timedelta(days=6)
    foreseen = accredit("escalate", "--dry-run")
    assert "finding-review" not in accredit("list")
    said = accredit("escalate", "--by", "Ann")

    assert said == foreseen
    assert said.startswith(
        "Acme, plan P-0001: corrective-action-plan (rule overdue): overdue since 2026-03-07. It "
        "ends when: root cause, milestones and due date are on record"
    )
    assert accredit("escalate", "--supplier", "Acme") == "no rule asks for an escalation\n"
    assert "corrective-action-plan" in re.sub(r"\s+", "", accredit("list"))
    by_hand = ("escalate", "P-0001", "--level", "suspended", "--reason", "edited log")
    accredit(*by_hand, "--exit-criteria", "the log is whole", "--by", "Ann")
    shown = re.sub(r"\s+", " ", accredit("show", "P-0001"))
    assert "2026-03-08 to suspended: edited log; ends when: the log is whole" in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("P-0001",), "give the level (--level)"),
        (("--level", "suspended"), "say which plan to escalate"),
        (("--reason", "late"), "say which plan to escalate"),
        (("--supplier", "Nobody"), "holds nothing of 'Nobody'"),
    ],
)
def test_an_escalation_is_of_one_plan_or_by_rule(
    accredit: Callable[..., str], words: tuple[str, ...], why: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        accredit("escalate", *words)


def test_shows_finding_milestones_and_what_can_be_done(accredit: Callable[..., str]) -> None:
    shown = accredit("show", "P-0001")

    for told in (
        "58 of 60 were blocked",
        "gamb-001, gamb-002",
        "Failure contained",
        "submit, agree, detail, evidence, extend, deviate,",
    ):
        assert told in shown


def test_the_next_step_names_the_supplier_that_was_given(accredit: Callable[..., str]) -> None:
    for words, of in (((), ""), (("--supplier", "Acme"), " --supplier Acme")):
        step = f"accredit plan agree P-0001{of} --owner NAME"
        shown = re.sub(r"\s+", " ", accredit("show", "P-0001", *words))
        (listed,) = json.loads(accredit("list", "--json", *words))
        data = json.loads(accredit("show", "P-0001", "--json", *words))

        assert f"next {step}" in shown
        assert listed["next"].startswith(step)
        assert data["next"] == listed["next"]


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
    accredit: Callable[..., str], clock: SetClock
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
        == "recorded for Acme: the newest event was dated 2036-02-28 09:00; the time now is 2026-03-03 09:00\n"
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

    with pytest.raises(UsageError, match=r"Bea decided .* and cannot become its owner"):
        accredit("agree", "P-0001", "--owner", "\u0412ea", "--action", "Mend", *DETAILS)
    with pytest.raises(UsageError, match=r"Bea decided .* and cannot take any other part in it"):
        accredit("check-in", "P-0001", "--vendor", "V", "--result", "R", "--by", "BEA")
