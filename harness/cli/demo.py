"""``accredit demo``: a complete example on this machine, in under a minute.

It starts a range with a faulty reference service, measures a campaign, opens plans for what fails,
lets the supplier "fix" one fault, and re-tests: only that plan is verified and closed.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from corpora.build_pack import import_pack
from corpora.sampler import sample_pack
from harness.cli.compose import load_and_warn, open_pack, running_range
from harness.cli.conclude import conclude_journal, show_assessment, write_report
from harness.cli.drawing import styled, terminal
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import OUT, REGISTRY, CampaignPaths
from harness.cli.range import VENDOR_LIST, make_lists
from harness.cli.registry_session import open_plans, open_session
from harness.cli.retest import retest_plan
from harness.errors import UsageError
from harness.model.action_plan import ActionPlan
from harness.model.event import FixClaimed, PlanAgreed, PlanProgressed
from harness.ports.storage import WallClock
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

SUPPLIER, ASSESSOR = "Example Networks Ltd", "the assessor"
CAMPAIGN = """\
campaign: demo
title: "Demonstration: a filter on this computer, with two faults put in on purpose"
service: {{name: Example SchoolSafe, supplier: {supplier}}}
origin: range/origin.json
lines:
  - name: proxy
    type: explicit_proxy
    options: {{proxy: "{proxy}"}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  # agreed items: the supplier knows these names
  - {{pack: canary, categories: [PORN, ADLT, VIOL, DRUG, CRIM, PIRA, MALW.HACK], sample: 60}}
  - {{pack: canary, categories: [DISC, EXTR], sample: 12}}
  - {{pack: canary, categories: [ILL.CSAM]}}                  # a census
  # real items: a sealed sample of a category list, unknown to the supplier
  - {{pack: real/harmful}}
  - {{pack: real/hateful}}                                    # too few to decide
  - {{pack: real/harmless}}
  # content items: pages on unannounced hosts, recognisable only by their text
  - {{pack: range/content-pages, sample: 30}}
  # files with the anti-malware test string, and harmless ones; one of each kind
  - {{pack: range/downloads, sample: 1}}
probes: [web, download]
scheme: becta-2008
limits: {{timeout: 1, confirmation_timeout: 2, concurrency: 40}}
plain_twins: {{pause: 0.01}}
"""
NAMED = ("PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK")
"""The categories that the scheme names."""
FEW = ("DISC", "EXTR")
"""The categories of which the assessor draws too few items."""
DRUG_MISSES = frozenset(f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 3))
LIST_MISSES = frozenset(f"ill-csam-{number:03d}.canary.accredit.test" for number in (17, 71))


def demo_command(
    out: Annotated[
        Path, typer.Option(help="Where results go; an earlier demo there is replaced.")
    ] = OUT,
) -> None:
    """Run a complete example on this machine: no network, no root. It takes under a minute."""
    home = out / "demo-run"
    _clear(home)
    os.environ.pop(REGISTRY, None)  # the demo's plans do not belong in a shared registry
    console = terminal()
    _say(
        console, "1", "A range comes up on loopback: an origin, and a filtering service with faults"
    )
    pages = make_lists(home / "range")
    policy = load_and_warn("becta-2008").policy
    with running_range(home / "range", policy=policy, pages=pages) as running:
        drugs = Fault(kind=FaultKind.MISS, hosts=DRUG_MISSES)
        running.faults.add(drugs)
        running.faults.add(Fault(kind=FaultKind.MISS, hosts=LIST_MISSES))
        console.print(
            "   faults: a third of the drug sites pass; two entries of the illegal list pass"
        )
        proxy = running.origin.services["reference"]["proxy"]["pupils"]
        path = home / "campaign.yaml"
        path.write_text(CAMPAIGN.format(supplier=SUPPLIER, proxy=proxy), encoding="utf-8")

        _say(console, "2", "An assessor draws sealed samples from a vendor's list of categories")
        _draw(console, home)

        _say(
            console, "3", f"The campaign in {path} is measured, the control line beside the service"
        )
        paths = measure_prepared(prepare_in(path, home), home, console)
        _say(console, "4", "The journal is assessed against the scheme becta-2008")
        assessment, _ = conclude_journal(paths.journal)
        show_assessment(assessment, json=False)
        plans = open_plans(assessment, paths)
        _say(console, "5", f"{len(plans)} action plans are open")
        _show(console, paths)
        _say(console, "6", "The supplier fixes one fault and claims the fix; a re-test decides")
        _claim(console, paths, running, drugs)
        for plan in _claimed(paths):
            retest, state = retest_plan(plan.id, path, home, ASSESSOR, console)
            console.print(f"   {plan.id}: {retest.outcome}: {retest.statement}; it is now {state}")
        _show(console, paths)
    _say(console, "7", "For people, and for programs")
    console.print(f"   plans:          accredit plan list --registry {paths.registry}")
    console.print(f"   report:         {write_report(assessment, paths)}")
    console.print(f"   allure results: {_run_suite(paths)}")


def _draw(console: Console, home: Path) -> None:
    """Import the vendor's list, and draw sealed samples of harmful and harmless sites."""
    moment = WallClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vendor = home / "real/vendor"
    listed = home / "range" / VENDOR_LIST
    imported = import_pack("labelled", listed, vendor, created=moment)
    pack = open_pack(str(vendor))
    many = tuple(code for code in NAMED if code not in FEW)
    for name, categories, size in (
        ("harmful", many, 40),
        ("hateful", FEW, 12),
        ("harmless", ("ALW",), 5),
    ):
        sample = sample_pack(
            pack,
            out=home / "real" / name,
            seed=secrets.token_hex(16),
            size=size,
            categories=categories,
            audience="sealed",
        )
        console.print(f"   {sample.size} of {imported.items} sites: {home / 'real' / name}")


def _clear(home: Path) -> None:
    if home.exists():
        if not (home / "campaign.yaml").exists() and any(home.iterdir()):
            msg = f"{home} holds files that are not a demo's; choose another --out"
            raise UsageError(msg)
        shutil.rmtree(home)
    home.mkdir(parents=True)


def _say(console: Console, number: str, sentence: str) -> None:
    console.print()
    console.print(styled(f"{number}. {sentence}", style="bold"))


def _show(console: Console, paths: CampaignPaths) -> None:
    with open_session(paths.registry) as session:
        for plan in session.state.plans.values():
            finding = session.state.finding(plan.finding)
            console.print(
                f"   {plan.id} {plan.state:<12} {finding.requirement} {finding.title} "
                f"(due {plan.due:%Y-%m-%d}, {len(finding.missed)} items)"
            )


def _claim(console: Console, paths: CampaignPaths, running: RangeTestbed, fault: Fault) -> None:
    """Play the supplier: agree the plan, fix the fault, claim the fix."""
    running.faults.remove(fault)
    clock = WallClock()
    with open_session(paths.registry) as session:
        plan = next(
            plan
            for plan in session.state.plans.values()
            if session.state.finding(plan.finding).requirement == "URL-04"
        )
        session.record(
            PlanAgreed(
                at=clock.now(),
                actor=ASSESSOR,
                plan=plan.id,
                owner=SUPPLIER,
                corrective_action="Load the whole drug list on every node",
                root_cause="A node served a truncated list",
            ),
            PlanProgressed(
                at=clock.now(), actor=SUPPLIER, plan=plan.id, note="The list is loaded again"
            ),
            FixClaimed(at=clock.now(), actor=SUPPLIER, plan=plan.id, statement="List complete"),
        )
    console.print(f"   {plan.id}: agreed, in progress, claimed by {SUPPLIER}")


def _claimed(paths: CampaignPaths) -> list[ActionPlan]:
    with open_session(paths.registry) as session:
        return [plan for plan in session.state.plans.values() if plan.state == "claimed"]


def _run_suite(paths: CampaignPaths) -> str:
    """Run the accreditation suite over the journal, for Allure; failed outcomes are expected."""
    if find_spec("allure_pytest") is None:
        return "not written: pip install 'isp-accredit[pytest]'"
    command = [sys.executable, "-m", "pytest", "-q", "--pyargs", "test_suites.accreditation"]
    command += ["--journal", str(paths.journal.resolve()), "-p", "no:cacheprovider"]
    # An empty configuration, so that pytest reads none from the folders around.
    settings = paths.home / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command += ["-c", str(settings.resolve()), "--rootdir", str(paths.home.resolve())]
    command += [f"--alluredir={paths.allure.resolve()}", "--clean-alluredir"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if ended.returncode not in (0, 1):
        return f"not written: {ended.stdout[-300:]}{ended.stderr[-300:]}"
    last = io.StringIO(ended.stdout).readlines()[-1].strip()
    return f"{paths.allure} ({last})"
