"""The whole example of ``accredit demo --all``, in some minutes.

It starts a range with a faulty reference service, measures a campaign, tests the service's log, its
mail and its availability, and opens plans for what fails. The supplier "fixes" two faults, and
re-tests verify their plans alone. A later campaign closes them; the demo has no soak period. The
log is not corrected, so the service does not conform. Another service is monitored over five
simulated campaigns, and has a certificate; the register, trends and plans of both become a site.
"""

from __future__ import annotations

import io
import secrets
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill, indent

from rich.console import Console

from corpora.build_pack import import_pack
from corpora.origin_pack import OriginPages
from corpora.sampler import sample_pack
from harness.cli.compose import load_and_warn, open_pack, running_range
from harness.cli.conclude import conclude_journal, show_assessment, write_report
from harness.cli.decision_basis import (
    decision_on,
    matter_of,
    read_campaign,
    record_decision,
)
from harness.cli.demo_monitoring import begin_monitoring, certify, end_monitoring, show_site
from harness.cli.demo_service_side import (
    TesterMailbox,
    declared_service,
    play_service_side,
    receiving_mail,
)
from harness.cli.demo_story import (
    ASSESSOR,
    FIXES,
    SERVICE,
    SUPPLIER,
    agree,
    claim,
    files_of,
    held_plans,
    nested_archives,
)
from harness.cli.drawing import styled
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.cli.plan_soak import count_soaks
from harness.cli.range import VENDOR_LIST, make_lists
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import open_session
from harness.cli.retest import retest_plan
from harness.errors import UsageError
from harness.follow.state import StreamState
from harness.model.action_plan import PlanState
from harness.model.content_form import FORMS
from harness.model.decision import Status
from harness.model.decision_event import DecisionMade
from harness.model.event import RecordAdded
from harness.model.registry_record import ServiceVersion
from harness.ports.storage import WallClock
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed

VERSION, DECISION_MAKER = "1.0", "the decision maker"

FIXED = ("URL-04", "MAL-01")
"""The requirements whose failures the supplier fixes: the drug list, then the scanner."""

DRUG_MISSES = frozenset(f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 2))
"""Half of the drug sites: of any 60 drawn, so many pass that URL-04 is surely not met."""
UNRECORDED = 0.03
LIST_MISSES = frozenset(f"ill-csam-{number:03d}.canary.accredit.test" for number in (17, 71))

CAMPAIGN = """\
campaign: demo
title: "Demonstration: a filter on this computer, with four deliberate faults"
service:
  name: {service}
  supplier: {supplier}
{declared}origin: range/origin.json
lines:
  - name: proxy
    type: explicit_proxy
    site: school
    options: {{proxy: "{proxy}"}}
# availability is checked from two places
availability_lines:
  - name: branch
    type: explicit_proxy
    site: branch of the school
    options: {{proxy: "{proxy}"}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  # agreed items: the supplier knows these names
  - {{pack: canary, categories: [DRUG], sample: 60}}          # about half of them pass
  - {{pack: canary, categories: [ILL.CSAM]}}                  # a census
  # real items: a sealed sample of a category list, unknown to the supplier
  - {{pack: real/harmful}}
  - {{pack: real/hateful}}                                    # too few to decide
  - {{pack: real/harmless}}
  # content items: pages on unannounced hosts, recognisable only by their text: 29 plain ones, and
  # 30 in each ordinary form
  - pack: range/content-pages
    items:
{content}
  # files with the anti-malware test string, and harmless ones; one of each kind
  - {{pack: range/downloads, sample: 1}}
probes: [web, download]
scheme: becta-2008
limits: {{timeout: 3, confirmation_timeout: 6, concurrency: 40, batch: 250}}
plain_twins: {{pause: 0.01}}
"""
LATER = """\
corpora:
  - {{pack: canary, categories: [DRUG], sample: 30}}
  - {{pack: real/harmful, categories: [DRUG]}}
  - {{pack: range/downloads, items: [{files}]}}
"""
"""What the later campaign measures: the lists of FIXED."""

NAMED = ("PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "MALW.HACK")
"""The categories that the scheme names."""
FEW = ("DISC", "EXTR")
"""The categories of which the assessor draws too few items."""


CONTENT = ("PORN", "ADLT", "VIOL", "DRUG", "GAMB")
"""The categories of content pages: of so many, at least 29 pages come in each form."""
FEWEST = 29
"""How many items decide a rate of at least 90 %."""


def play_whole(home: Path, console: Console) -> Path:
    """Play the example in its folder ``home``, and return the report."""
    _say(console, "1", "A range comes up on loopback: an origin, and a service with faults")
    pages = make_lists(home / "range")
    policy = load_and_warn("becta-2008").policy
    with (
        receiving_mail(home / "mail") as mailbox,
        running_range(home / "range", policy=policy, pages=pages, mail=mailbox.relay()) as running,
    ):
        monitoring = begin_monitoring(home)
        fixable = _add_faults(console, running, pages)
        path = write_campaign(home, running)

        _say(console, "2", "An assessor draws sealed samples from a vendor's list of categories")
        draw_samples(console, home)

        paths = _measure(console, path, home, mailbox)
        _say(console, "5", "The journal is assessed against the scheme becta-2008")
        assessment, _ = conclude_journal(paths.journal)
        show_assessment(assessment, json=False)
        _say(console, "6", f"{len(open_plans(assessment, paths))} action plans are open")
        _show(console, paths)
        _say(console, "7", "The supplier fixes two faults and claims the fixes; re-tests decide")
        for fault, requirement in zip(fixable, FIXED, strict=True):
            running.faults.remove(fault)
            _claim(console, paths, requirement)
        _retest(console, paths, path)
        _say(console, "8", "A later campaign shows whether the fixes hold")
        _measure_later(console, path, home, pages)
        _show(console, paths)
    _say(console, "9", "The rules propose a decision, and somebody who took no part decides")
    _decide(console, paths)
    suite = _begin_suite(paths)
    _say(console, "10", "Another service is monitored: five simulated campaigns in twenty weeks")
    accredited = end_monitoring(monitoring, home, console)
    _say(console, "11", "Its certificate is issued, and checked without network")
    certificate = certify(home, accredited, console)
    _say(console, "12", "For people, and for programs")
    show_site(console, home)
    _show_results(console, paths, certificate)
    report = write_report(assessment, paths)
    console.print(f"   report:          {report}")
    console.print(f"   allure results:  {_end_suite(suite, paths)}")
    return report


def _measure(console: Console, path: Path, home: Path, mailbox: TesterMailbox) -> CampaignPaths:
    """Measure the campaign, and test what web pages do not show."""
    _say(console, "3", f"The campaign in {path} is measured, with the control line")
    prepared = prepare_in(path, home)
    paths = measure_prepared(prepared, home, console, register=prepared.campaign.scheme)
    _say(console, "4", "Its log, its mail, and 25 simulated hours of availability are tested")
    play_service_side(prepared, paths, home, mailbox, console)
    return paths


def _show_results(console: Console, paths: CampaignPaths, certificate: Path) -> None:
    """Say where the certificate is, and which commands list what the registry holds."""
    console.print(f"   certificate:     {certificate}")
    console.print(f"   plans:           accredit plan list --registry {paths.registry}")
    console.print(f"   decisions:       accredit decision list --registry {paths.registry}")


def _add_faults(console: Console, running: RangeTestbed, pages: OriginPages) -> tuple[Fault, Fault]:
    """Add the faults of the service; return those that FIXED are about, in its order."""
    running.faults.add(Fault(kind=FaultKind.MISS, hosts=LIST_MISSES))
    running.faults.add(Fault(kind=FaultKind.LOG_DROPPED, share=UNRECORDED))
    console.print(
        "   faults: half of the drug sites pass; two entries of the illegal list pass; the "
        "scanner does not open an archive in an archive; 3 of 100 requests are not in its log"
    )
    return (
        running.faults.add(Fault(kind=FaultKind.MISS, hosts=DRUG_MISSES)),
        running.faults.add(Fault(kind=FaultKind.UNREAD, hosts=nested_archives(pages))),
    )


def _say(console: Console, number: str, sentence: str) -> None:
    console.print()
    console.print(styled(f"{number}. {sentence}", style="bold"))


def _show(console: Console, paths: CampaignPaths) -> None:
    for held in held_plans(paths):
        plan, finding = held.plan, held.finding
        console.print(
            f"   {plan.id} {plan.state:<12} {finding.requirement} {finding.title} "
            f"(due {plan.due:%Y-%m-%d}, {len(finding.missed)} items)"
        )


def _claim(console: Console, paths: CampaignPaths, requirement: str) -> None:
    """Play the supplier: agree the plan of a requirement, and claim that the fault is fixed."""
    plans = {held.finding.requirement: held.plan for held in held_plans(paths)}
    if (plan := plans.get(requirement)) is None:
        msg = (
            f"no action plan for {requirement} was opened: the draw of this run does not "
            "show the fault; run the demo again"
        )
        raise UsageError(msg)
    agree(paths, plan, FIXES[requirement])
    claim(paths, plan, FIXES[requirement])
    console.print(f"   {plan.id}: agreed, in progress, claimed by {SUPPLIER}")


def _retest(console: Console, paths: CampaignPaths, path: Path) -> None:
    """Re-test the plans whose fixes were claimed."""
    for plan in [held.plan for held in held_plans(paths)]:
        if plan.state is PlanState.CLAIMED:
            retest, state = retest_plan(
                plan.id, path, paths.out, ASSESSOR, console, supplier=SUPPLIER, soak_days=0
            )
            console.print(f"   {plan.id}: {retest.outcome}: {retest.statement}; it is now {state}")


def _measure_later(console: Console, path: Path, home: Path, pages: OriginPages) -> None:
    """Measure what was fixed again under a new name; plans whose fixes hold are closed."""
    later = write_later_campaign(path, home, pages)
    prepared = prepare_in(later, home)
    paths = measure_prepared(prepared, home, console, register=prepared.campaign.scheme)
    assessment, _ = conclude_journal(paths.journal)
    for counted in count_soaks(assessment, paths, allow_change="Only the fixes are measured again"):
        console.print(f"   {counted}", markup=False)
    console.print(
        "   (not in a demo, a plan is closed two weeks after its re-test at the earliest)"
    )


def _decide(console: Console, paths: CampaignPaths) -> None:
    """Record the version that was measured, and a decision on its accreditation."""
    clock = WallClock()

    def made(state: StreamState) -> DecisionMade:
        reason = "A plan is not agreed, and a requirement is undecided"
        matter = matter_of(campaign, VERSION, state)
        decision = decision_on(matter, state, Status.NOT_YET, clock, reason=reason)
        return DecisionMade(at=clock.now(), actor=DECISION_MAKER, decision=decision)

    with open_session(paths.registry) as session:
        campaign = read_campaign(paths.home, None, clock, session)
        version = ServiceVersion(id=VERSION, of=SERVICE)
        added = RecordAdded(at=clock.now(), actor=SUPPLIER, record=version)
        session.record(campaign.place, added)
        held = record_decision(session, campaign.place, made)
    proposal = held.decision.proposal
    for reason in proposal.reasons:
        console.print(f"   {proposal.status} is proposed: {reason}", markup=False)
    console.print(f"   {held.decision.id}: {held.decision.status}, decided by {held.by}")


def _begin_suite(paths: CampaignPaths) -> subprocess.Popen[str] | None:
    """Start the accreditation suite over the journal, for Allure; ``None`` if it is missing."""
    if find_spec("allure_pytest") is None:
        return None
    command = [sys.executable, "-m", "pytest", "-q", "--pyargs", "test_suites.accreditation"]
    command += ["--journal", str(paths.journal.resolve()), "-p", "no:cacheprovider"]
    # An empty configuration, so that pytest reads none from the folders around.
    settings = paths.home / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command += ["-c", str(settings.resolve()), "--rootdir", str(paths.home.resolve())]
    command += [f"--alluredir={paths.allure.resolve()}", "--clean-alluredir"]
    return subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _end_suite(suite: subprocess.Popen[str] | None, paths: CampaignPaths) -> str:
    """Where the suite's results are, and what it says at its end; failures are expected."""
    if suite is None:
        return "not written: pip install 'isp-accredit[pytest]'"
    said, _ = suite.communicate()
    if suite.returncode not in (0, 1):
        return f"not written: {said[-300:]}"
    last = io.StringIO(said).readlines()[-1].strip()
    return f"{paths.allure} ({last})"


def draw_samples(console: Console, home: Path) -> None:
    """Import the vendor's list, and draw sealed samples of harmful and harmless sites."""
    moment = WallClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vendor = home / "real/vendor"
    listed = home / "range" / VENDOR_LIST
    imported = import_pack("labelled", listed, vendor, created=moment)
    pack = open_pack(str(vendor))
    many = tuple(code for code in NAMED if code not in FEW)
    for name, categories, size in (
        ("harmful", many, 30),
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


def write_campaign(home: Path, running: RangeTestbed) -> Path:
    """Write the campaign file, and return its path."""
    path = home / "campaign.yaml"
    text = CAMPAIGN.format(
        service=SERVICE,
        supplier=SUPPLIER,
        declared=declared_service(running, "proxy"),
        proxy=running.origin.services["reference"]["proxy"]["pupils"],
        content=_content_items(home),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _content_items(home: Path) -> str:
    """The ids of the content pages of the campaign, as lines of its file."""
    items = tuple(open_pack(str(home / "range/content-pages")).items())
    plain = [item.id for item in items if item.stratum == CONTENT[0]][:FEWEST]
    ordinary = [form.name for form in FORMS.values() if form.family == "ordinary"]
    strata = {f"{code}/{form}" for code in CONTENT for form in ordinary}
    formed = [item.id for item in items if item.stratum in strata]
    return indent(fill(", ".join([*plain, *formed]), 90, initial_indent="["), " " * 6) + "]"


def write_later_campaign(path: Path, home: Path, pages: OriginPages) -> Path:
    """Write a campaign like that at ``path``, with the lists and files that were fixed."""
    head, _, rest = path.read_text(encoding="utf-8").partition("corpora:\n")
    head = head.replace("campaign: demo\n", "campaign: demo-later\n")
    settings = rest[rest.index("probes: ") :]
    later = home / "later.yaml"
    measured = LATER.format(files=", ".join(files_of(home, pages, "eicar_variants_passed")))
    later.write_text(f"{head}{measured}{settings}", encoding="utf-8")
    return later
