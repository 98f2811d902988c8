"""The commands of the guide work in the order in which it gives them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan_soak, plan_step, registry, retest
from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.follow.findings import draft_plan
from harness.model.event import FindingOpened
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.campaigns.rehearsal import claim, simulated_origin, write_campaign
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.rooms import ROOT

GUIDE = (ROOT / "docs/how-to/follow-an-action-plan.md").read_text(encoding="utf-8")
COMMANDS = re.findall(
    r"^(?:\|[^|]*\| `)?((?:accredit (?:plan|registry)|openssl) [^`\n]+)", GUIDE, re.MULTILINE
)
VERBS = {
    "list", "agree", "detail", "show", "add", "sign", "progress", "evidence", "claim", "extend",
    "deviate", "decide-deviation", "check-in", "escalate", "supersede", "correct-clock",
}  # fmt: skip
SUPPLIER = "Example Networks Ltd"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """A folder with a finding and its plan, a document and keys, and the clock of the commands."""
    monkeypatch.chdir(tmp_path)
    clock = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    monkeypatch.setattr(registry, "clock", clock)
    Path("load.log").write_text("41,200 entries", encoding="utf-8")
    for seed, name in enumerate(("ann", "cy"), 1):
        write_keys(tmp_path, name, seed)
    finding = example_finding(severity="Maj", supplier=SUPPLIER)
    with open_session(Path("out/registry.sqlite"), create=True) as book:
        book.record(
            place_of(SUPPLIER),
            FindingOpened(at=NOW, actor="Ann", finding=finding),
            draft_plan(finding, at=NOW, actor="Ann"),
        )
    return clock


def test_the_commands_of_the_guide_work(here: SetClock) -> None:
    told: dict[str, str] = {}

    for command in COMMANDS:
        program, *words = shlex.split(command)
        if program == "openssl":
            if shutil.which(program):  # else the keys of the fixture are used
                subprocess.run([program, *words], check=True, capture_output=True)
            continue
        verb = words[1]
        if verb in {"canaries", "soak"}:
            continue  # see below
        if verb == "correct-clock":
            here.at -= timedelta(hours=1)
        words = [re.sub("^2026-05-01$", "2026-07-01", word) for word in words]
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 0, (command, ended.output, ended.exception)
        told[verb] = " ".join(ended.output.split())

    assert set(told) == VERBS
    assert "milestone 2 Re-test conforms, due 2026-03-31" in told["show"]
    assert "verified when the missed item passes again" in told["show"]
    assert "signed for the assessor by Cy Hall" in told["sign"]
    assert "load.log: unchanged" in told["evidence"]
    shown = " ".join(CliRunner().invoke(app, ["plan", "show", "P-0001"]).output.split())
    assert "milestone 1 List loaded, done 2026-03-02" in shown
    assert shown.count("to be signed again") == 2, "the extension made other terms"


def test_a_plan_for_a_critical_finding_needs_containment_and_a_claim_needs_the_cause(
    here: SetClock,
) -> None:
    finding = example_finding(id="F-0002", campaign="spring", requirement="ILL-01", title="", severity="Crit", scheme="s", scheme_version="1", profile="ks2", line="proxy", statement="", missed=(), categories=(), sampled=1, opened=NOW, supplier=SUPPLIER)  # fmt: skip
    with open_session(Path("out/registry.sqlite")) as book:
        drafted = draft_plan(finding, at=NOW, actor="Ann")
        book.record(
            place_of(SUPPLIER), FindingOpened(at=NOW, actor="Ann", finding=finding), drafted
        )
    given = ["--owner", "o", "--action", "a"]

    refused = CliRunner().invoke(app, ["plan", "agree", "P-0002", *given])
    assert "needs containment" in str(refused.exception)

    for words in (["agree", "P-0001", *given], ["progress", "P-0001", "--note", "n"]):
        assert CliRunner().invoke(app, ["plan", *words]).exit_code == 0
    refused = CliRunner().invoke(app, ["plan", "claim", "P-0001", "--statement", "s"])
    assert "record it: accredit plan detail P-0001" in str(refused.exception)


def simulated_campaign(folder: Path, *miss: str, sample: int | None = None) -> Path:
    """A campaign over a simulated service that lets some sites through."""
    block = ["DRUG", "copper-meadow.accredit.test"]
    options = {"block": block, "miss": list(miss)}
    return write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone="orchard-view.test"),
        lines=[{"name": "proxy", "type": "simulated", "options": options}],
        control={"type": "simulated"},
        categories=["DRUG"],
        sample=sample,
        plain_twins={"pause": 0},
        items="agreed",
    )


def test_new_canaries_and_the_re_test_work_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missed = [f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 3)]
    simulated_campaign(tmp_path, *missed)
    runner = CliRunner()

    def run(command: str, code: int = 0) -> str:
        ended = runner.invoke(app, shlex.split(command.removeprefix("accredit ")))
        assert ended.exit_code == code, (command, ended.output, ended.exception)
        return ended.output

    run("run campaign.yaml", 1)
    today = WallClock().now()  # the clock of this machine counts
    for verb in ("agree", "detail", "progress", "claim"):
        command = next(each for each in COMMANDS if each.startswith(f"accredit plan {verb}"))
        for date, days in (("2026-03-20", 5), ("2026-03-31", 10)):
            command = command.replace(date, f"{today + timedelta(days=days):%Y-%m-%d}")
        run(command)
    command, dry_run = re.findall("^accredit (retest [^\n]+)", GUIDE, re.MULTILINE)
    simulated_campaign(tmp_path)
    early = runner.invoke(app, shlex.split(dry_run))
    assert "only 0 fresh items of DRUG are left, and a re-test needs 120" in str(early.exception)
    early = runner.invoke(app, shlex.split(command))
    assert "only 0 fresh items of DRUG are left, and a re-test needs 120" in str(early.exception)
    [make] = [each for each in COMMANDS if each.startswith("accredit plan canaries")]
    loaded = today + timedelta(days=5)
    make = make.replace("2026-12-01", f"{loaded:%Y-%m-%d}")

    assert "new-canaries.txt: 535 new canaries of DRUG, as squid" in run(make)

    listed = (tmp_path / "new-canaries.txt").read_text(encoding="utf-8").splitlines()
    assert 2 * 535 == len(listed), "and a plain twin of each"
    early = runner.invoke(app, shlex.split(command))
    assert f"canaries are loaded by {loaded:%Y-%m-%d} 09:00 UTC" in str(early.exception)
    clock = SetClock(NOW)
    clock.at = loaded + timedelta(days=1)
    monkeypatch.setattr(retest, "clock", clock)
    said = run(command)
    assert "the plan is now verified: attempt 1, judged at 97.5 %: 0 of 40 missed items" in said
    assert "231 of 231 fresh items were blocked (100 %); at least 90 % is required" in said


def test_a_campaign_of_somebody_else_counts_for_the_soak_period_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan_soak, "current_user", lambda: "supplier")
    runner = CliRunner()

    def run(words: list[str], code: int) -> str:
        ended = runner.invoke(app, words)
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    missed = [f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 2)]
    first = simulated_campaign(tmp_path, *missed, sample=30)
    run(["run", str(first)], 1)
    claim(runner, "out")
    simulated_campaign(tmp_path, sample=30)
    run(["retest", "P-0001", str(first), "--by", "Ann"], 0)
    later = Path("spring-again.yaml")
    later.write_text(first.read_text().replace("campaign: rehearsal", "campaign: spring-again"))
    [command] = [each for each in COMMANDS if each.startswith("accredit plan soak")]

    assert "supplier claimed the fix, and cannot show that it holds" in run(["run", str(later)], 3)
    said = run(shlex.split(command)[1:], 0)
    assert "plan P-0001: campaign spring-again counts for its soak period" in said
