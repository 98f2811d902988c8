"""``accredit demo``: the whole story on this machine, in under a minute.

A range and a faulty reference service come up; a campaign measures it; plans open for what
fails; the supplier "fixes" one fault; the re-test verifies and closes that plan alone.
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
from harness.cli.conclude import conclude_journal, tell, write_report
from harness.cli.drawing import styled, terminal
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import OUT, REGISTRY, Places
from harness.cli.range import VENDOR_LIST, make_lists
from harness.cli.registry_session import open_book, open_plans
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
title: A filtered internet service for schools, with faults
service: {{name: Example SchoolSafe, supplier: {supplier}}}
origin: range/origin.json
lines:
  - name: proxy
    type: explicit_proxy
    options: {{proxy: "{proxy}"}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  # agreed items: the supplier was told of these names
  - {{pack: canary, categories: [PORN, ADLT, VIOL, DRUG, CRIM, PIRA, MALW.HACK], sample: 60}}
  - {{pack: canary, categories: [DISC, EXTR], sample: 12}}
  - {{pack: canary, categories: [ILL.CSAM]}}                  # a census
  # real items: a sealed sample of somebody's category list, unknown to the supplier
  - {{pack: real/harmful}}
  - {{pack: real/hateful}}                                    # too few to decide
  - {{pack: real/harmless}}
  # content items: pages on hosts that nobody was told of, known by what they say
  - {{pack: range/content-pages, sample: 30}}
scheme: becta-2008
limits: {{timeout: 1, confirmation_timeout: 2, concurrency: 40}}
plain_twins: {{pause: 0.01}}
"""
NAMED = ("PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK")
"""The categories that the scheme names."""
FEW = ("DISC", "EXTR")
"""Of these the assessor draws too few."""
DRUG_MISSES = frozenset(f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 3))
LIST_MISSES = frozenset(f"ill-csam-{number:03d}.canary.accredit.test" for number in (17, 71))


def demo_command(
    out: Annotated[Path, typer.Option(help="Where results go; replaced if it is a demo's.")] = OUT,
) -> None:
    """Show the whole job on this machine: no network, no root. It takes under a minute."""
    home = out / "demo-run"
    _clear(home)
    os.environ.pop(REGISTRY, None)  # its plans are nobody else's
    said = terminal(soft_wrap=True)
    _say(said, "1", "A range comes up on loopback: an origin, and a filtering service with faults")
    pages = make_lists(home / "range")
    policy = load_and_warn("becta-2008").policy
    with running_range(home / "range", policy=policy, pages=pages) as running:
        drugs = Fault(kind=FaultKind.MISS, hosts=DRUG_MISSES)
        running.faults.add(drugs)
        running.faults.add(Fault(kind=FaultKind.MISS, hosts=LIST_MISSES))
        said.print(
            "   faults: a third of the drug sites pass; two entries of the illegal list pass"
        )
        proxy = running.origin.services["reference"]["proxy"]["pupils"]
        path = home / "campaign.yaml"
        path.write_text(CAMPAIGN.format(supplier=SUPPLIER, proxy=proxy), encoding="utf-8")

        _say(said, "2", "An assessor draws sealed samples from a vendor's list of categories")
        _draw(said, home)

        _say(said, "3", f"The campaign in {path} is measured, the control line beside the service")
        places = measure_prepared(prepare_in(path, home), home, said)
        _say(said, "4", "The journal is assessed against the scheme becta-2008")
        assessment, _ = conclude_journal(places.journal)
        tell(assessment, json=False)
        plans = open_plans(assessment, places)
        _say(said, "5", f"{len(plans)} action plans are open")
        _show(said, places)
        _say(said, "6", "The supplier fixes one fault and claims the fix; a re-test decides")
        _claim(said, places, running, drugs)
        for plan in _claimed(places):
            retest, state = retest_plan(plan.id, path, home, ASSESSOR, said)
            said.print(f"   {plan.id}: {retest.outcome}: {retest.statement}; it is now {state}")
        _show(said, places)
    _say(said, "7", "For people, and for programs")
    said.print(f"   plans:          accredit plan list --registry {places.registry}")
    said.print(f"   report:         {write_report(assessment, places)}")
    said.print(f"   allure results: {_run_suite(places)}")


def _draw(said: Console, home: Path) -> None:
    """Import the vendor's list, and draw what is harmful and what is not, for nobody to know."""
    moment = WallClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vendor = home / "real/vendor"
    listed = home / "range" / VENDOR_LIST
    told = import_pack("labelled", listed, vendor, created=moment)
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
        said.print(f"   {sample.size} of {told.items} sites: {home / 'real' / name}")


def _clear(home: Path) -> None:
    if home.exists():
        if not (home / "campaign.yaml").exists() and any(home.iterdir()):
            msg = f"{home} holds something that is not a demo; give another --out"
            raise UsageError(msg)
        shutil.rmtree(home)
    home.mkdir(parents=True)


def _say(said: Console, number: str, sentence: str) -> None:
    said.print()
    said.print(styled(f"{number}. {sentence}", style="bold"))


def _show(said: Console, places: Places) -> None:
    with open_book(places.registry) as book:
        for plan in book.ledger.plans.values():
            finding = book.ledger.finding(plan.finding)
            said.print(
                f"   {plan.id} {plan.state:<12} {finding.requirement} {finding.title} "
                f"(due {plan.due:%Y-%m-%d}, {len(finding.missed)} items)"
            )


def _claim(said: Console, places: Places, running: RangeTestbed, fault: Fault) -> None:
    """What a supplier does: agree, mend, claim. A claim alone changes nothing."""
    running.faults.remove(fault)
    clock = WallClock()
    with open_book(places.registry) as book:
        plan = next(
            plan
            for plan in book.ledger.plans.values()
            if book.ledger.finding(plan.finding).requirement == "URL-04"
        )
        book.record(
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
    said.print(f"   {plan.id}: agreed, in progress, claimed by {SUPPLIER}")


def _claimed(places: Places) -> list[ActionPlan]:
    with open_book(places.registry) as book:
        return [plan for plan in book.ledger.plans.values() if plan.state == "claimed"]


def _run_suite(places: Places) -> str:
    """Run the accreditation suite over the journal, for Allure; a failed outcome is its job."""
    if find_spec("allure_pytest") is None:
        return "not written: pip install 'isp-accredit[pytest]'"
    command = [sys.executable, "-m", "pytest", "-q", "--pyargs", "test_suites.accreditation"]
    command += ["--journal", str(places.journal.resolve()), "-p", "no:cacheprovider"]
    # An empty configuration of its own: whatever stands around the folder is not the suite's.
    settings = places.home / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command += ["-c", str(settings.resolve()), "--rootdir", str(places.home.resolve())]
    command += [f"--alluredir={places.allure.resolve()}", "--clean-alluredir"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if ended.returncode not in (0, 1):
        return f"not written: {ended.stdout[-300:]}{ended.stderr[-300:]}"
    last = io.StringIO(ended.stdout).readlines()[-1].strip()
    return f"{places.allure} ({last})"
