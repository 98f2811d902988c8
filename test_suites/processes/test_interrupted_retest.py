"""An interrupted re-test resumes under its own name with its own items, and spends nothing twice."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.registry_session import open_session
from harness.errors import UnfinishedError
from harness.model.action_plan import PlanState
from harness.model.observation import CONTROL
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import SITES, claim, hidden_campaign, hidden_list
from test_suites.kit.processes.running import accredit, half_way

AGAIN = "spring-p-0001-retest-1"


def claimed_plan(folder: Path, out: Path) -> Path:
    """A plan about sites of a hidden list, whose fix is claimed; gives the campaign file."""
    runner, pack = CliRunner(), hidden_list(folder, "sites")
    missed = [f"site-{n:03d}.example" for n in range(1, SITES + 1, 2)]
    campaign = hidden_campaign(folder, "spring", pack, sample=30, miss=missed)
    runner.invoke(app, ["run", str(campaign), "--out", str(out)])
    claim(runner, out)
    return hidden_campaign(folder, "spring", pack, sample=30)


def tries(out: Path) -> Counter[str]:
    """How often each item of the re-test was tried on the service."""
    journal = open_journal(out / AGAIN / "journal")
    seen = [one for one in journal.observations() if one.role == "item"]
    journal.close()
    return Counter(one.item.value for one in seen if one.key.line != CONTROL)


def state(out: Path) -> tuple[PlanState, int]:
    """The state of the plan, and how many re-tests it had."""
    with open_session(out / "registry.sqlite") as session:
        plan = session.plan("P-0001").plan
    return plan.state, len(plan.retests)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_stopped_re_test_resumes_with_its_own_items(tmp_path: Path, name: str) -> None:
    out, number = tmp_path / "out", signal.Signals[name]
    campaign = claimed_plan(tmp_path, out)
    words = ("retest", "P-0001", campaign, "--out", out, "--by", "assessor")

    stopped = accredit(*words, before=half_way(f"os.kill(os.getpid(), {int(number)})"))

    assert stopped.returncode in (-signal.SIGKILL, 128 + number), stopped.stderr
    assert (PlanState.VERIFYING, 0) == state(out)
    planned = open_journal(out / AGAIN / "journal").header.campaign.corpora[0].items
    # meanwhile another campaign of the service shows nearly the whole list
    other = hidden_campaign(tmp_path, "autumn", "./sites", sample=SITES - 10)
    assert 0 == CliRunner().invoke(app, ["measure", str(other), "--out", str(out)]).exit_code
    # and the filter is off for a while
    hidden_campaign(tmp_path, "spring", "./sites", sample=30, works_for=0)
    held = tries(out)

    dead = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(dead.exception, UnfinishedError)
    assert "no item was tried, and the plan is still verifying" in str(dead.exception)
    assert (PlanState.VERIFYING, 0) == state(out)
    assert held == tries(out)
    hidden_campaign(tmp_path, "spring", "./sites", sample=30)
    resumed = accredit(*words)

    assert 0 == resumed.returncode, resumed.stderr
    assert (PlanState.VERIFIED, 1) == state(out)
    assert {1} == set(tries(out).values()), "no item was tried twice"
    assert len(planned) == len(tries(out))
    assert not list(out.glob("*retest-2*"))


def test_a_re_test_on_a_dead_line_ends_with_three_and_says_what_to_do(tmp_path: Path) -> None:
    out = tmp_path / "out"
    claimed_plan(tmp_path, out)
    off = hidden_campaign(tmp_path, "spring", "./sites", sample=30, works_for=0)
    before = sorted(out.iterdir())

    ended = accredit("retest", "P-0001", off, "--out", out, "--by", "assessor")

    assert 3 == ended.returncode
    assert "the filter seems to be off: copper-meadow.accredit.test should have" in ended.stderr
    assert "no item was tried, and the plan is still claimed" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (PlanState.CLAIMED, 0) == state(out)
    assert before == sorted(out.iterdir())
