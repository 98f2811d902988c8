"""The short example of ``accredit demo``: a fault is found, planned, fixed, re-tested and closed.

A reference filter with four faults is measured on loopback, with a part of Becta's checks. Each
failure gets an action plan; the faults are removed, re-tests verify the plans, and a later campaign
closes them. Every figure is measured. Samples have a fixed seed, so that all runs show the same
figures, and nothing is about time: a slow or busy machine only takes longer.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from rich.console import Console

from corpora.build_pack import import_pack
from corpora.origin_pack import OriginPages
from corpora.pack_reader import Pack
from corpora.sampler import sample_pack
from harness.cli.compose import load_and_warn, open_pack, running_range
from harness.cli.conclude import conclude_journal, write_report
from harness.cli.drawing import silent, styled
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.cli.plan_soak import count_soaks
from harness.cli.range import VENDOR_LIST, make_lists
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import HeldPlan, open_session
from harness.cli.retest import retest_plan
from harness.errors import InstrumentError
from harness.follow.findings import describe
from harness.follow.retest import CASES_OF_METRIC
from harness.model.action_plan import ActionPlan, PlanState
from harness.model.event import FixClaimed, PlanAgreed, PlanProgressed
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.ports.storage import WallClock
from probes.range.faults import Fault, FaultKind
from probes.range.file_services import HARMFUL
from probes.range.testbed import RangeTestbed

SUPPLIER, SERVICE, ASSESSOR = "Example Networks Ltd", "Example SchoolSafe", "the assessor"
SEED = "demonstration"
BECTA = "becta-2008"
SCHEME = f"""\
id: demo
version: "1.0"
title: "Demonstration: four of Becta's checks, 2008"
parent: {BECTA}
# None of the checks that are left is about time.
without: [ILL-04, URL-01, URL-02, URL-03, URL-05, MAL-05, DYN-06, CIR-01, CIR-02, PRF-02, PRF-03,
  LOG-01, LOG-02, EML-01, EML-02, EML-03, EML-04, AVL-01, TQ-10]
"""
CAMPAIGN = """\
campaign: demo
title: "Demonstration: a filter on this computer, with four deliberate faults"
service: {{name: {service}, supplier: {supplier}}}
origin: range/origin.json
scheme: scheme.yaml
lines:
  - name: proxy
    type: explicit_proxy
    site: school
    options: {{proxy: "{proxy}"}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  # agreed items: the supplier knows this list, and every entry counts
  - pack: agreed/illegal
    items: [{illegal}]
  # real items: sealed samples of a vendor's list; re-tests draw from what is left of them
  - {{pack: real/drugs, sample: 30}}
  - {{pack: real/harmless, sample: 15}}
  # content items: the anti-malware test string, packed in each of the ways that count
  - pack: range/downloads
    items: [{files}]
probes: [web, download]
plain_twins: {{number: 0}}
seed: {seed}
# Nothing here waits, so that only a machine which stands still reaches a limit.
limits:
  {{timeout: 120, confirmation_timeout: 300, reading_timeout: 300, concurrency: 20, batch: 500}}
"""
ILLEGAL, HEALTH = "ILL.CSAM", "ALW.HEALTH"
SAMPLES = {
    "agreed/illegal": (ILLEGAL, 24),
    "real/drugs": ("DRUG", 70),
    "real/harmless": (f"{HEALTH} ALW.CURR ALW.NEWS ALW.ARTS", 34),
}
"""The packs to draw: categories, and items of each; re-tests take what the campaign leaves."""
NESTED = "file:nested-zip"


class Fix(NamedTuple):
    """What the supplier does about the failure of a requirement."""

    cause: str
    action: str
    containment: str
    prevention: str
    note: str


FIXES = {
    "ILL-01": Fix(
        cause="Two entries were lost when the list was converted",
        action="Load the list again, and count its entries",
        containment="The two entries are blocked by hand",
        prevention="A list with fewer entries than its source is not put into service",
        note="The list is loaded again",
    ),
    "URL-04": Fix(
        cause="A node served a truncated list",
        action="Load the whole drug list on every node",
        containment="Requests go to the nodes with the whole list",
        prevention="A node whose list is short is taken out of service",
        note="The list is loaded again",
    ),
    "OVB-01": Fix(
        cause="A rule about drugs also matched sites on health",
        action="Narrow the rule that blocks sites on health",
        containment="Sites on health are allowed by hand",
        prevention="A new rule is tried on harmless sites first",
        note="The rule is narrower",
    ),
    "MAL-01": Fix(
        cause="The scanner opened archives one level deep",
        action="Open archives in archives",
        containment="Archives in archives are blocked",
        prevention="The depth is checked after every update",
        note="The scanner opens 16 levels",
    ),
}
"""What the supplier fixes, by the requirement that failed."""


class Campaign(NamedTuple):
    """A campaign that was measured: its assessment, and where its files are."""

    assessment: Assessment
    paths: CampaignPaths


def play_story(home: Path, console: Console) -> Path:
    """Play the example in its folder; return the report. Raises InstrumentError."""
    begun = perf_counter()
    console.print("A fault is found -> a plan is agreed -> fixed -> re-tested -> closed.")
    console.print("The service is simulated on this computer; every figure is measured now.")
    pages = make_lists(home / "range", SEED)
    policy = load_and_warn(BECTA).policy
    with running_range(home / "range", policy=policy, pages=pages) as running:
        packs = _draw_samples(home)
        faults = _add_faults(running, packs, pages)
        path = _write_campaign(home, running, packs, pages)
        _say(console, "1. Found: a filter with four faults is measured, next to a line without it")
        first = _measure(path, home, console)
        _show_outcomes(first.assessment, console)
        plans = open_plans(*first)
        _say(console, "2. Planned: each failure has a plan; assessor and supplier agree on it")
        for held in held_plans(first.paths):
            fix = FIXES[held.finding.requirement]
            agree(first.paths, held.plan, fix)
            said = f"{held.finding.requirement}, by {held.plan.due:%Y-%m-%d}: {fix.action}"
            console.print(f"   {held.plan.id} {said}")
        _say(console, "3. Fixed: the supplier corrects the service, and claims each fix")
        for fault in faults:
            running.faults.remove(fault)
        for held in held_plans(first.paths):
            fix = FIXES[held.finding.requirement]
            claim(first.paths, held.plan, fix)
            console.print(f"   {held.plan.id} {fix.note}")
        _say(console, "4. Re-tested: what was missed, and fresh items that the supplier never saw")
        _retest(plans, path, home, console)
        _say(console, "5. Closed: a later campaign shows that the fixes hold")
        later = _measure(_write_later(path), home, console)
    count_soaks(*later)
    _show_closed(later, console)
    report = write_report(*first)
    _say(console, f"All of this took {perf_counter() - begun:.0f} s. Look further:")
    registry = CampaignPaths(out=home, campaign="").registry
    console.print(f"   accredit plan list --registry {registry}")
    console.print("   accredit demo --all: log, mail, availability, monitoring, a certificate")
    _say(console, "The report: what failed, and that it is fixed since")
    return report


def _say(console: Console, sentence: str) -> None:
    console.print()
    console.print(styled(sentence, style="bold"))


def _draw_samples(home: Path) -> dict[str, Pack]:
    """Import the vendor's list, and draw samples of it and of the agreed list, by their names."""
    moment = WallClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vendor = home / "real/vendor"
    import_pack("labelled", home / "range" / VENDOR_LIST, vendor, created=moment)
    drawn = {}
    for name, (categories, size) in SAMPLES.items():
        is_agreed = name.startswith("agreed")
        drawn[name] = sample_pack(
            open_pack("canary" if is_agreed else str(vendor)),
            out=home / name,
            seed=SEED,
            size=size,
            categories=tuple(categories.split()),
            audience=None if is_agreed else "sealed",
        )
    return drawn


def _add_faults(
    running: RangeTestbed, packs: dict[str, Pack], pages: OriginPages
) -> tuple[Fault, ...]:
    """Add the four faults, one for each of FIXES in its order."""
    illegal = [item.host for item in packs["agreed/illegal"].items() if item.category == ILLEGAL]
    drugs = [item.host for item in packs["real/drugs"].items()]
    health = [item.host for item in packs["real/harmless"].items() if item.category == HEALTH]
    added = (
        Fault(kind=FaultKind.MISS, hosts=frozenset(illegal[:2])),
        Fault(kind=FaultKind.MISS, hosts=frozenset(drugs[::2])),
        Fault(kind=FaultKind.OVERBLOCK, hosts=frozenset(health)),
        Fault(kind=FaultKind.UNREAD, hosts=nested_archives(pages)),
    )
    return tuple(running.faults.add(fault) for fault in added)


def nested_archives(pages: OriginPages) -> frozenset[str]:
    """The hosts of harmful files in an archive in an archive."""
    return frozenset(
        host
        for host, content in pages.contents.items()
        if content.case == NESTED and content.label == HARMFUL
    )


def _write_campaign(
    home: Path, running: RangeTestbed, packs: dict[str, Pack], pages: OriginPages
) -> Path:
    """Write the campaign file and its scheme, and return the path of the first."""
    (home / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
    path = home / "campaign.yaml"
    illegal = (item.id for item in packs["agreed/illegal"].items() if item.category == ILLEGAL)
    text = CAMPAIGN.format(
        service=SERVICE,
        supplier=SUPPLIER,
        proxy=running.origin.services["reference"]["proxy"]["pupils"],
        illegal=", ".join(illegal),
        files=", ".join(files_of(home, pages, "eicar_variants_passed")),
        seed=SEED,
    )
    path.write_text(text, encoding="utf-8")
    return path


def _write_later(path: Path) -> Path:
    """Write the same campaign under another name beside that at ``path``."""
    later = path.with_name("later.yaml")
    text = path.read_text(encoding="utf-8").replace("campaign: demo\n", "campaign: demo-later\n")
    later.write_text(text, encoding="utf-8")
    return later


def files_of(home: Path, pages: OriginPages, metric: str) -> list[str]:
    """The ids of one harmful file of each case that a metric counts."""
    items = open_pack(str(home / "range/downloads")).items()
    harmful = {host: one.case for host, one in pages.contents.items() if one.label == HARMFUL}
    found = {harmful[item.host]: item.id for item in items if item.host in harmful}
    return [found[case] for case in CASES_OF_METRIC[metric]]


def _measure(path: Path, home: Path, console: Console) -> Campaign:
    """Measure and conclude a campaign; a terminal shows that something happens."""
    with console.status("measuring ..."):
        prepared = prepare_in(path, home)
        scheme = prepared.campaign.scheme
        paths = measure_prepared(prepared, home, silent(), register=scheme)
        return Campaign(*conclude_journal(paths.journal))


def _show_outcomes(assessment: Assessment, console: Console) -> None:
    """Print what failed, in two lines each, and the result."""
    failed = [one for one in assessment.outcomes if _failed(one)]
    for outcome in failed:
        console.print(f"   ✗ {outcome.requirement.id} {outcome.requirement.title}:")
        console.print(f"       {describe(outcome)}")
    checks = len(assessment.outcomes)
    console.print(f"   {SERVICE} fails {len(failed)} of {checks} checks.")
    _require(len(failed) == len(FIXES), "not every fault was found, or more than those")


def _failed(outcome: Outcome) -> bool:
    return outcome.conformity is Conformity.DOES_NOT_CONFORM


def held_plans(paths: CampaignPaths) -> tuple[HeldPlan, ...]:
    """The plans of the supplier as the registry holds them now, each with its finding."""
    with open_session(paths.registry) as session:
        return tuple(session.plans(supplier=SUPPLIER))


def agree(paths: CampaignPaths, plan: ActionPlan, fix: Fix) -> None:
    """Assessor and supplier agree a plan, which says how the failure is fixed."""
    agreed = PlanAgreed(
        at=WallClock().now(),
        actor=ASSESSOR,
        plan=plan.id,
        owner=SUPPLIER,
        corrective_action=fix.action,
        containment=fix.containment,
        preventive_action=fix.prevention,
        root_cause=fix.cause,
    )
    with open_session(paths.registry) as session:
        session.advance(plan.id, agreed, supplier=SUPPLIER)


def claim(paths: CampaignPaths, plan: ActionPlan, fix: Fix) -> None:
    """The supplier claims that the failure of an agreed plan is fixed."""
    at = WallClock().now()
    events = (
        PlanProgressed(at=at, actor=SUPPLIER, plan=plan.id, note=fix.note),
        FixClaimed(at=at, actor=SUPPLIER, plan=plan.id, statement=fix.note),
    )
    with open_session(paths.registry) as session:
        session.advance(plan.id, *events, supplier=SUPPLIER)


def _retest(plans: tuple[ActionPlan, ...], path: Path, home: Path, console: Console) -> None:
    """Re-test each plan; say how many missed items still fail, and what fresh ones show."""
    for plan in plans:
        with console.status(f"re-testing {plan.id} ..."):
            retest, state = retest_plan(
                plan.id, path, home, ASSESSOR, silent(), supplier=SUPPLIER, soak_days=0
            )
        missed, fresh, *_ = retest.statement.partition(": ")[2].split("; ")
        console.print(f"   {plan.id} {missed}; {fresh}")
        _require(state is PlanState.VERIFIED, f"{plan.id} is {state}: {retest.statement}")


def _show_closed(later: Campaign, console: Console) -> None:
    """Print what the later campaign shows of each plan, and the result."""
    outcomes = {one.requirement.id: one for one in later.assessment.outcomes}
    for held in held_plans(later.paths):
        outcome = outcomes[held.finding.requirement]
        said = f"{outcome.requirement.id} {describe(outcome).partition('; ')[0]}"
        console.print(f"   {held.plan.id} {held.plan.state}: ✓ {said}")
        _require(held.plan.state is PlanState.CLOSED, f"{held.plan.id} is {held.plan.state}")
    conformity = later.assessment.conformity
    _require(conformity is Conformity.CONFORMS, f"the later campaign {conformity}")
    console.print(f"   {SERVICE} conforms: it meets {len(outcomes)} of {len(outcomes)} checks.")


def _require(is_so: bool, otherwise: str) -> None:
    """Raise InstrumentError, with what happened instead, unless the story goes as it should."""
    if not is_so:
        msg = f"the demo did not go as planned: {otherwise}; run it again"
        raise InstrumentError(msg)
