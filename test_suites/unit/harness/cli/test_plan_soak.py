"""The soak period of a verified plan: what later campaigns do to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from harness.cli import plan_soak
from harness.cli.main import app
from harness.errors import UsageError
from test_suites.kit.campaigns.rehearsal import claim
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in

MISSED = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
NO_SOAK = """\
id: {id}
version: "1"
title: Becta's requirements, that verify at once
parent: becta-2008
decision: {{soak_days: 0}}
"""


class Verified:
    """A plan whose fix a re-test has just verified, and later campaigns of its service."""

    def __init__(self, runner: CliRunner, simulated: Any, folder: Path) -> None:
        self._runner, self._simulated = runner, simulated
        self.out = folder / "out"
        self.scheme = ""

    def verify(self, soak_days: int) -> None:
        if soak_days == 0:
            path = self.out.parent / "at-once.yaml"
            path.write_text(NO_SOAK.format(id="at-once"), encoding="utf-8")
            self.scheme = str(path)
        campaign = self.campaign("first", miss=MISSED)
        self.accredit("run", str(campaign), "--out", str(self.out), code=1)
        claim(self._runner, self.out)
        fixed = self.campaign("first")
        said = self.accredit("retest", "P-0001", str(fixed), "--out", str(self.out), "--by", "Ann")
        assert "the plan is now verified" in said

    def campaign(self, name: str, **options: Any) -> Path:
        path: Path = self._simulated(name=name, sample=30, categories=["DRUG"], whole=(), **options)
        text = path.read_text(encoding="utf-8")
        path.write_text(text + (f"scheme: {self.scheme}\n" if self.scheme else ""))
        return path

    def later(self, name: str, *, code: int = 3, **options: Any) -> str:
        """Run a later campaign; some requirements are insufficient in it."""
        path = self.campaign(name, **options)
        return self.accredit("run", str(path), "--out", str(self.out), code=code)

    def accredit(self, *words: str, code: int = 0) -> str:
        ended: Result = self._runner.invoke(app, list(words))
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    def plan(self, *words: str, code: int = 0) -> str:
        where = str(self.out / "registry.sqlite")
        return self.accredit("plan", *words, "--registry", where, code=code)

    def refused(self, *words: str) -> str:
        """The message of a command that is refused."""
        where = ("--registry", str(self.out / "registry.sqlite"))
        ended = self._runner.invoke(app, ["plan", *words, *where])
        assert isinstance(ended.exception, UsageError), ended.output
        return str(ended.exception)

    def shown(self) -> Any:
        return json.loads(self.plan("show", "P-0001", "--json"))


@pytest.fixture
def verified(
    runner: CliRunner, simulated: Any, made: MadeOnce, tmp_path: Path
) -> Callable[[int], Verified]:
    def make(soak_days: int) -> Verified:
        def verify_in(folder: Path) -> None:
            Verified(runner, simulated_in(folder), folder).verify(soak_days)

        made.copied(f"verified, to soak for {soak_days} days", verify_in, tmp_path)
        plan = Verified(runner, simulated, tmp_path)
        plan.scheme = str(tmp_path / "at-once.yaml") if soak_days == 0 else ""
        return plan

    return make


def test_a_campaign_after_the_soak_period_closes_the_plan(
    verified: Callable[[int], Verified],
) -> None:
    plan = verified(0)

    said = plan.later("second")

    assert "plan P-0001 is closed: the fix held for its soak period" in said
    shown = plan.shown()
    assert shown["state"] == "closed"
    assert [one["campaign"] for one in shown["soaks"]] == ["second"]
    assert "closed" not in plan.later("third")
    assert len(plan.shown()["soaks"]) == 1


def test_a_campaign_within_the_soak_period_counts_and_closes_nothing(
    verified: Callable[[int], Verified],
) -> None:
    plan = verified(14)

    first = plan.later("second")
    again = plan.later("second")

    assert "plan P-0001: campaign second counts for its soak period" in first
    assert "P-0001" not in again, "a campaign counts once"
    shown = plan.shown()
    assert (shown["state"], shown["overdue"], shown["soak_ends"] is None) == (
        "verified",
        False,
        False,
    )
    assert "measure the service after that under a new campaign name" in shown["next"]
    assert "plan P-0001 cannot be closed yet: its soak period ends on" in plan.refused(
        "close", "P-0001"
    )


def test_a_fix_that_does_not_hold_leads_back_to_work(verified: Callable[[int], Verified]) -> None:
    plan = verified(0)

    said = plan.later("second", code=1, miss=MISSED)

    assert "plan P-0001 is in progress again, the fix did not hold:" in said
    assert "opened for" not in said, "no new finding is opened, the plan continues"
    shown = plan.shown()
    assert (shown["state"], shown["relapses"]) == ("in-progress", 1)
    assert shown["soaks"][0]["fault"]
    assert "accredit plan claim P-0001" in shown["next"]


def test_one_item_that_failed_at_first_and_fails_again_is_enough(
    verified: Callable[[int], Verified],
) -> None:
    plan = verified(0)
    missed = plan.shown()["finding"]["missed"][0]
    host = f"{missed}.canary.accredit.test" if "." not in missed else missed

    said = plan.later("second", miss=[host.lower()])

    assert re.search("1 of [0-9]+ items that failed at first fail again", said)
    assert plan.shown()["state"] == "in-progress"


def test_a_campaign_with_the_filter_off_shows_nothing(verified: Callable[[int], Verified]) -> None:
    plan = verified(0)

    said = plan.later("second", block=[])

    assert "P-0001" not in said
    assert plan.shown()["state"] == "verified"
    refused = plan.refused("soak", "P-0001", str(plan.out / "second"), "--by", "Ann")
    assert "give a campaign in which it was measured and the filter was on" in refused


def test_who_claimed_the_fix_does_not_show_that_it_holds(
    verified: Callable[[int], Verified], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = verified(0)
    monkeypatch.setattr(plan_soak, "current_user", lambda: "supplier")

    said = plan.later("second")

    assert "not counted for the soak period: plan P-0001: supplier claimed the fix" in said
    assert plan.shown()["state"] == "verified"
    counted = plan.plan("soak", "P-0001", str(plan.out / "second"), "--by", "Ann")
    assert "plan P-0001 is closed: the fix held" in counted
    assert "nothing: it is closed" in counted


def test_who_claimed_the_fix_may_show_that_it_does_not_hold(
    verified: Callable[[int], Verified], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = verified(0)
    monkeypatch.setattr(plan_soak, "current_user", lambda: "supplier")

    plan.later("second", code=1, miss=MISSED)

    assert plan.shown()["state"] == "in-progress"


def test_a_plan_that_is_not_verified_has_no_soak_period(
    verified: Callable[[int], Verified],
) -> None:
    plan = verified(0)
    plan.later("second")

    assert "plan P-0001 is closed; only a verified plan has a soak period" == plan.refused(
        "soak", "P-0001", str(plan.out / "second")
    )


def test_the_items_of_a_soak_period_count_once(verified: Callable[[int], Verified]) -> None:
    plan = verified(14)

    plan.later("second")
    plan.later("third")

    first, second = plan.shown()["soaks"]
    assert first["tested"] == 30
    assert second.get("tested", 0) == 0, "the same seed draws the same items"
    assert msgspec.json.encode(first) != msgspec.json.encode(second)
