"""A plan on a log is verified by a new campaign, since no request can be made again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli.log_import import LogSource, import_log
from harness.cli.main import app
from harness.cli.registry_session import open_session
from harness.errors import HarnessError
from harness.follow.exit_query import exit_query_of, in_words
from harness.interop.logs.line_reader import LogOptions
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.conftest import MadeOnce, simulated_in
from test_suites.unit.harness.cli.test_log import Sent, squid_line

SCHEME = """\
id: our-records
version: "1"
title: Records
policy: uk-schools-2026
decision: {alpha: 0.2, soak_days: 0}
requirements:
  - {id: LOG-01, n_min: 8, threshold: {at_least: 0.8, provenance: proposed, source: this test}}
"""
RECORDS = {"users": {"pupils": "pupil7"}, "computers": {"proxy": "192.0.2.7"}}


class Records:
    """Campaigns over a simulated service whose log is written here."""

    def __init__(self, simulated: Any, runner: CliRunner, folder: Path) -> None:
        self._simulated, self.runner, self.out = simulated, runner, folder / "out"
        self.scheme = folder / "our-records.yaml"
        self.scheme.write_text(SCHEME)

    def measure(
        self, name: str, *, keeps: Callable[[int], bool], service: str = "Safe Net"
    ) -> Path:
        """Measure a campaign whose log keeps some entries; gives the folder of its results."""
        path: Path = self._simulated(name, sample=10, categories=["DRUG"], whole=())
        document = YAML(typ="safe").load(path)
        document |= {"scheme": str(self.scheme), "items": "agreed", "scope": "service"}
        document["service"] = {"name": service, "supplier": "Acme", "records": RECORDS}
        with path.open("w") as file:
            YAML().dump(document, file)
        sent = Sent(path, self.runner)
        sent.out = self.out
        sent.journal = self.out / name / "journal"
        assert sent.send("--requests", "60").exit_code == 0
        lines = [squid_line(one) for one in sent.logs().requests]
        sent.write([line for number, line in enumerate(lines) if keeps(number)])
        later = datetime.now(UTC) + timedelta(hours=1)
        self.read(sent, later)
        self.give("run", str(path), "--out", str(self.out), code=None)
        return self.out / name

    def read(self, sent: Sent, at: datetime) -> None:
        source = LogSource(path=sent.log, form="squid-log", options=LogOptions(now=at))
        import_log(sent.journal, source, SetClock(at))

    def give(self, *words: str, code: int | None = 0) -> str:
        ended = self.runner.invoke(app, list(words))
        assert code is None or code == ended.exit_code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    def refused(self, *words: str) -> str:
        ended = self.runner.invoke(app, list(words))
        assert isinstance(ended.exception, HarnessError), ended.output
        assert 2 == ended.exception.exit_code
        return str(ended.exception)

    def claim(self) -> str:
        """Agree the plan and claim its fix; gives what the last command said."""
        where = ["--registry", str(self.out / "registry.sqlite")]
        details = ["--cause", "c", "--containment", "c", "--prevention", "p"]
        for words in (
            ["agree", "P-0001", "--owner", "Acme", "--action", "a", *details],
            ["progress", "P-0001", "--note", "n"],
        ):
            self.give("plan", *words, *where)
        return self.give("plan", "claim", "P-0001", "--statement", "s", *where)

    def retest(self, results: Path, by: str = "Ann") -> tuple[str, ...]:
        return ("retest", "P-0001", str(results), "--out", str(self.out), "--by", by)


def spring_in(folder: Path) -> Records:
    """Records of a campaign that failed."""
    records = Records(simulated_in(folder), CliRunner(), folder)
    records.measure("spring", keeps=lambda number: number % 2 == 0)
    return records


def summer_in(folder: Path) -> None:
    """The same after a claim, and a new campaign that shows the fix."""
    records = spring_in(folder)
    records.claim()
    records.measure("summer", keeps=lambda _: True)


@pytest.fixture
def unclaimed(made: MadeOnce, runner: CliRunner, tmp_path: Path) -> Records:
    made.copied("half of the log kept", spring_in, tmp_path)
    return Records(simulated_in(tmp_path), runner, tmp_path)


@pytest.fixture
def records(unclaimed: Records) -> Records:
    unclaimed.claim()
    return unclaimed


@pytest.fixture
def fixed(made: MadeOnce, runner: CliRunner, tmp_path: Path) -> Records:
    """Records of a campaign that failed, of a claim, and of the campaign ``summer``."""
    made.copied("the whole log kept", summer_in, tmp_path)
    return Records(simulated_in(tmp_path), runner, tmp_path)


def test_a_campaign_from_before_the_claim_says_nothing_of_the_fix(unclaimed: Records) -> None:
    results = unclaimed.measure("summer", keeps=lambda _: True)
    assert "retest" in unclaimed.refused(*unclaimed.retest(results))

    unclaimed.claim()

    said = unclaimed.refused(*unclaimed.retest(results))
    assert "campaign 'summer' began on" in said
    assert "before the fix was claimed" in said


def test_a_new_campaign_whose_record_is_complete_verifies_the_plan(fixed: Records) -> None:
    told = fixed.give(*fixed.retest(fixed.out / "summer"))

    assert "re-test conforms; the plan is now verified: attempt 1" in told
    assert "are on record (100 %); at least 80 % is required" in told
    shown = fixed.give("plan", "show", "P-0001", "--registry", str(fixed.out / "registry.sqlite"))
    assert "summer" in shown


def test_a_campaign_that_failed_is_not_used_again_after_a_new_claim(records: Records) -> None:
    results = records.measure("summer", keeps=lambda number: number % 2 == 0)

    assert "the plan is now in-progress" in records.give(*records.retest(results), code=1)

    where = ["--registry", str(records.out / "registry.sqlite")]
    records.give("plan", "claim", "P-0001", "--statement", "again", *where)
    said = records.refused(*records.retest(results))
    assert "a re-test needs a campaign of its own, not 'summer'" in said


def test_a_campaign_whose_log_was_not_read_verifies_nothing(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Records, "read", lambda *_: None)
    results = records.measure("summer", keeps=lambda _: True)

    told = records.give(*records.retest(results), code=3)

    assert "the plan is now claimed" in told
    assert "too little evidence" in told


def test_the_claimant_verifies_nothing(fixed: Records) -> None:
    assert "Acme" in fixed.refused(*fixed.retest(fixed.out / "summer", by="Acme"))


@pytest.mark.parametrize("wrong", ["itself", "service", "file"])
def test_what_shows_nothing_of_the_claim_is_refused(records: Records, wrong: str) -> None:
    before = records.out / "spring"
    if wrong == "service":
        results = records.measure("summer", keeps=lambda _: True, service="Another Net")
        assert "of service 'Another Net'" in records.refused(*records.retest(results))
    elif wrong == "file":
        said = records.refused(*records.retest(records.out.parent / "spring/campaign.yaml"))
        assert "LOG-01 is not re-tested by trying items again; measure a new campaign" in said
        assert "accredit retest P-0001 out/CAMPAIGN" in said
    else:
        assert "needs a campaign of its own" in records.refused(*records.retest(before))


def test_the_claim_says_that_a_new_campaign_is_measured(unclaimed: Records) -> None:
    said = unclaimed.claim()

    assert "next: measure a new campaign, then: accredit retest P-0001 out/CAMPAIGN" in said


def test_the_exit_criteria_name_a_new_campaign(records: Records) -> None:
    with open_session(records.out / "registry.sqlite") as session:
        (held,) = session.plans()
    assert held.finding.metric == "events_recorded"
    assert not held.finding.rests_on_items
    shown = records.give(
        "plan", "show", "P-0001", "--registry", str(records.out / "registry.sqlite")
    )
    assert "measure a new campaign, then: accredit retest P-0001 out/CAMPAIGN --by NAME" in shown
    told = in_words(exit_query_of(held.finding))
    assert told.startswith(
        "a new campaign, which began after the claim, meets LOG-01 on line proxy"
    )
    assert "missed" not in told
