"""The second half of ``accredit demo --all``: a service is monitored over twenty weeks.

Five campaigns of another supplier are measured with a clock that is set back, over simulated lines
(``probes.lines.simulated``), so that each takes about a second. The service is accredited, drifts
with a new version, is corrected under an action plan, and is accredited again. Its figures, plans
and decisions come from the same functions as anybody's; only the service and the dates are made up.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec
from rich.console import Console

from harness.cli.certificate import issue_certificate, status_list_of
from harness.cli.certificate_check import check_file, lines_of_check
from harness.cli.conclude import conclude_journal
from harness.cli.decision_basis import matter_of, proposal_for, read_campaign, state_of
from harness.cli.decision_making import WantedDecision, decide, recommend
from harness.cli.drawing import silent, terminal
from harness.cli.identity import make_key, public_path
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.cli.plan_soak import count_soaks
from harness.cli.present_heads import present_journal
from harness.cli.registry_facts import escalate_plans, open_plans
from harness.cli.registry_session import OWNERS, RegistrySession, open_session, place_of_any
from harness.cli.retest import retest_plan
from harness.cli.scheme_signing import sign_scheme
from harness.cli.site import write_site
from harness.cli.two_party_seed import give_both_parts
from harness.errors import InstrumentError
from harness.fleet.witness import Signer
from harness.model.action_plan import ActionPlan, PlanState
from harness.model.certificate import STATUS_LIST_TYPE, Body
from harness.model.event import FixClaimed, PlanAgreed, PlanProgressed, RecordAdded
from harness.model.outcome import Conformity
from harness.model.registry_record import Contact, Identity, Service, ServiceVersion
from harness.ports.storage import WallClock
from harness.signing import private_key_in, signed_document
from harness.store.atomic_write import write_document
from harness.store.receipt_file import add_receipts

SUPPLIER, SERVICE = "Northgate Learning Ltd", "Northgate Gateway"
ASSESSOR, DECISION_MAKER = "the assessor of Northgate", "the decision maker for Northgate"
BOARD, WITNESS = "Example Accreditation Board", "the witness of Northgate"
REVIEWER = "the reviewer for Northgate"
BODY = Body(name=BOARD, address="1 High Street, Leeds")
ISSUER = "the registrar of the board"
GOOD_FOR = timedelta(days=7)
SCHEME_ID = "demo-monitoring"
SCHEME = f"""\
id: {SCHEME_ID}
version: "1.0"
title: "Demonstration: the part of Becta's checks that is monitored on a simulated line"
parent: becta-2008
# A simulated line carries no files, mail or logs, and reads no pages. The illegal list and most
# categories are left out so that a campaign takes a second.
without: [ILL-01, ILL-04, URL-01, URL-02, URL-03, URL-05, MAL-01, MAL-05, DYN-06, CIR-01, CIR-02,
  LOG-01, LOG-02, EML-01, EML-02, EML-03, EML-04, AVL-01, PRF-02]
"""
CAMPAIGN = """\
campaign: {name}
title: "Demonstration: a monitored service, simulated"
service: {{name: {service}, supplier: {supplier}, version: "{version}"}}
scheme: scheme.yaml
origin: ../range/origin.json
lines:
  - name: school
    type: simulated
    options:
      block: [DRUG, copper-meadow.accredit.test]
      miss: [{miss}]
      latency_ms: {latency}
control: {{type: simulated}}
profiles:
  pupils: {{phase: ks2}}
corpora:
  - {{pack: canary, categories: [DRUG], sample: 60}}
items: agreed
plain_twins: {{pause: 0}}
"""


class Behaviour(NamedTuple):
    """How the simulated service behaves: the drug sites that pass, and its delay."""

    version: str
    missed: int
    latency_ms: int


GOOD = Behaviour("1.0", missed=0, latency_ms=60)
SLOWER = Behaviour("1.0", missed=0, latency_ms=110)
FAULTY = Behaviour("2.0", missed=80, latency_ms=160)
FIXED = Behaviour("2.1", missed=0, latency_ms=90)
SETTLED = Behaviour("2.1", missed=0, latency_ms=70)


class StoryClock:
    """The machine's clock, set back by a number of days. Durations are real."""

    def __init__(self) -> None:
        self.days_ago = 0

    def now(self) -> datetime:
        """The time of the story, in UTC."""
        return datetime.now(UTC) - timedelta(days=self.days_ago)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return perf_counter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """The monitored service in the demo's folder, and the clock of its story."""

    home: Path
    console: Console
    clock: StoryClock = field(default_factory=StoryClock)

    @property
    def registry(self) -> Path | str:
        """The registry of the demo."""
        return CampaignPaths(out=self.home, campaign="").registry

    def on(self, days_ago: int) -> None:
        """Go on to a day of the story."""
        self.clock.days_ago = days_ago

    def say(self, sentence: str) -> None:
        """Print what happened on this day."""
        self.console.print(
            f"   {self.clock.now():%Y-%m-%d} {sentence}", markup=False, soft_wrap=True
        )

    def campaign_file(self, name: str, service: Behaviour) -> Path:
        """Write a campaign file over the service as it behaves now."""
        hosts = (f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121))
        missed = [host for number, host in enumerate(hosts) if number < service.missed]
        text = CAMPAIGN.format(
            name=name,
            service=SERVICE,
            supplier=SUPPLIER,
            version=service.version,
            miss=", ".join(missed),
            latency=service.latency_ms,
        )
        path = self.home / "monitoring" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def measure(self, name: str, service: Behaviour) -> CampaignPaths:
        """Measure and conclude a campaign, and follow it up, as ``accredit run`` does."""
        path = self.campaign_file(name, service)
        quiet = silent()
        give_both_parts(path, self.home, WITNESS, self.clock)
        prepared = prepare_in(path, self.home)
        paths = measure_prepared(
            prepared, self.home, quiet, self.clock, register=prepared.campaign.scheme
        )
        assessment, _ = conclude_journal(paths.journal, clock=self.clock)
        failed = [
            f"{one.requirement.id} {one.requirement.title}"
            for one in assessment.outcomes
            if one.requirement.binding and one.conformity is Conformity.DOES_NOT_CONFORM
        ]
        self.say(f"campaign {name}: {'; '.join([str(assessment.conformity), *failed])}")
        for counted in count_soaks(assessment, paths, at=self.clock):
            self.say(str(counted))
        for plan in open_plans(assessment, paths, self.clock):
            self.say(f"plan {plan.id} is open, due {plan.due:%Y-%m-%d}")
        for notice in escalate_plans(assessment, paths, self.clock):
            self.say(f"escalated: {notice}")
        return paths

    def register(self) -> None:
        """The supplier registers the service; the board signs the scheme, and makes its key known.

        The scheme and both private keys are in the folder of this example.
        """
        scheme = self.home / "monitoring" / "scheme.yaml"
        scheme.write_text(SCHEME, encoding="utf-8")
        board = Contact(
            id=BOARD, role="decision-maker", email="board@example.org",
            public_key=make_key(board_key(self.home)),
        )  # fmt: skip
        sign_scheme(scheme, board_key(self.home))
        make_key(self._witness_key)
        now = self.clock.now()
        with open_session(self.registry, create=True, clock=self.clock) as session:
            session.record(OWNERS, RecordAdded(at=now, actor=ASSESSOR, record=board))
            added = RecordAdded(at=now, actor=SUPPLIER, record=Service(id=SERVICE))
            session.record(place_of_any(SUPPLIER, SERVICE), added)

    def release(self, version: str) -> None:
        """The supplier records a version of the service."""
        record = ServiceVersion(id=version, of=SERVICE, released=self.clock.now())
        added = RecordAdded(at=self.clock.now(), actor=SUPPLIER, record=record)
        with open_session(self.registry, clock=self.clock) as session:
            session.record(place_of_any(SUPPLIER, SERVICE), added)
        self.say(f"{SUPPLIER} releases version {version}")

    def decide(self, paths: CampaignPaths, version: str) -> str:
        """Two who took no part review and decide what the rules propose; the decision's id."""
        self._witness(paths)
        with open_session(self.registry, clock=self.clock) as session:
            campaign = read_campaign(paths.home, None, self.clock, session)
            state = state_of(session, campaign.place.stream)
            status = proposal_for(matter_of(campaign, version, state), state, self.clock).status
            reason = f"The rules propose it on campaign {campaign.assessment.campaign}"
            wanted = WantedDecision(status, reason, version, "", (), REVIEWER)
            wanted = wanted._replace(identity=self._identity(session, REVIEWER))
            recommend(session, campaign.place, campaign, wanted, self.clock)
            key = self._identity(session, DECISION_MAKER)
            wanted = wanted._replace(actor=DECISION_MAKER, identity=key)
            held = decide(session, campaign.place, self.home, campaign, wanted, self.clock)
        decided = held.decision
        self.say(f"{decided.id}: version {version} is {decided.status}, decided by {held.by}")
        return decided.id

    def _witness(self, paths: CampaignPaths) -> None:
        """A witness signs the journal and the time: the clock of the story proves nothing."""
        journal = present_journal(paths.journal)
        signer = Signer(WITNESS, private_key_in(self._witness_key))
        receipt = signer.answer(journal.heads, (), self.clock.now()).receipt
        add_receipts(journal.receipts, [receipt] if receipt else [])

    @property
    def _witness_key(self) -> Path:
        return self.home / "monitoring" / "witness.pem"

    def _identity(self, session: RegistrySession, person: str) -> Path:
        """The key of a person, which the body registered."""
        key = self.home / f"{person.replace(' ', '-')}.pem"
        if not key.exists():
            record = Identity(id=person, public_key=make_key(key))
            added = RecordAdded(at=self.clock.now(), actor=ASSESSOR, record=record)
            session.record(OWNERS, added)
        return key

    def plans(self, state: PlanState) -> tuple[ActionPlan, ...]:
        """The plans of the supplier that are in a state."""
        with open_session(self.registry, clock=self.clock) as session:
            held = tuple(session.plans(supplier=SUPPLIER))
        return tuple(one.plan for one in held if one.plan.state is state)

    def agree(self) -> None:
        """Supplier and assessor agree each draft plan, whose failure is contained."""
        for plan in self.plans(PlanState.DRAFT):
            agreed = PlanAgreed(
                at=self.clock.now(),
                actor=ASSESSOR,
                plan=plan.id,
                owner=SUPPLIER,
                corrective_action="Load the whole drug list again",
                containment="Requests go to the nodes of version 1.0",
                preventive_action="A release is held back while a list is shorter than before",
                root_cause="Version 2.0 reads only the first third of the drug list",
            )
            note = "Requests go to the nodes of version 1.0"
            contained = PlanProgressed(
                at=self.clock.now(), actor=SUPPLIER, plan=plan.id, note=note, milestone=1
            )
            self._advance(plan, agreed, contained)
            self.say(f"plan {plan.id} is agreed, and its failure contained")

    def claim(self) -> None:
        """The supplier claims that what is in progress is fixed."""
        for plan in self.plans(PlanState.IN_PROGRESS):
            statement = "Version 2.1 reads the whole list"
            claimed = FixClaimed(
                at=self.clock.now(), actor=SUPPLIER, plan=plan.id, statement=statement
            )
            self._advance(plan, claimed)
            self.say(f"plan {plan.id}: {SUPPLIER} claims that it is fixed")

    def retest(self, name: str, service: Behaviour) -> None:
        """The assessor re-tests what was claimed, with the campaign file of the finding."""
        path, quiet = self.campaign_file(name, service), silent()
        for plan in self.plans(PlanState.CLAIMED):
            retest, state = retest_plan(
                plan.id, path, self.home, ASSESSOR, quiet, self.clock, supplier=SUPPLIER
            )
            self.say(f"plan {plan.id}: the re-test {retest.outcome}; it is now {state}")

    def _advance(self, plan: ActionPlan, *events: PlanAgreed | PlanProgressed | FixClaimed) -> None:
        with open_session(self.registry, clock=self.clock) as session:
            session.advance(plan.id, *events, supplier=SUPPLIER)


def board_key(home: Path) -> Path:
    """The private key of the example's accreditation body."""
    return home / "monitoring" / "board.pem"


def show_site(console: Console, home: Path) -> None:
    """Write the site of the demo's services beside their results, and say where its pages are."""
    from reports.site.page_names import page_name  # noqa: PLC0415 - keep the start light

    registry = CampaignPaths(out=home, campaign="").registry
    site = write_site(home / "site", home, registry, StoryClock())
    trend = page_name(place_of_any(SUPPLIER, SERVICE).stream, SERVICE, SCHEME_ID)
    console.print(f"   public register: {site.register}")
    console.print(f"   trend:           {site.owner.parent / 'trends' / trend}.html")
    console.print(f"   board of plans:  {site.owner.parent / 'plans.html'}")


def certify(home: Path, decision: str, console: Console) -> Path:
    """Issue the certificate of a decision on the monitored service, check it, return its file."""
    clock, folder = WallClock(), home / "certificate"
    folder.mkdir()
    private = board_key(home)
    with open_session(home / "registry.sqlite", clock=clock) as session:
        place = place_of_any(SUPPLIER, SERVICE)
        _, files = issue_certificate(
            session, place, decision, private,
            body=lambda: BODY, actor=ISSUER, pdf=find_spec("typst") is not None,
        )  # fmt: skip
        listed = status_list_of(session, clock.now(), GOOD_FOR)
    for name, content in files.items():
        write_document(folder / name, content)
    signed = signed_document("status_list", STATUS_LIST_TYPE, msgspec.to_builtins(listed), private)
    write_document(folder / "status-list.json", signed)
    last = folder / max(files)
    checked = check_file(last, public_path(private), folder / "status-list.json", clock.now())
    for line in lines_of_check(checked, clock.now()):
        console.print(f"   {line}", markup=False)
    return last


def begin_monitoring(home: Path) -> subprocess.Popen[str]:
    """Begin to play the monitored service in a process of its own, beside the rest of the demo.

    ``home`` is the demo's folder, in which the origin has been written.
    """
    (home / "monitoring").mkdir()
    with (home / STORY).open("w", encoding="utf-8") as told:
        command = [sys.executable, "-m", "harness.cli.demo_monitoring", str(home)]
        return subprocess.Popen(command, stdout=told, stderr=told, text=True)  # noqa: S603 - our own


def end_monitoring(process: subprocess.Popen[str], home: Path, console: Console) -> str:
    """Wait until it ends, print what happened, and return the id of the last decision about it.

    Raises InstrumentError if it failed.
    """
    if process.wait():
        msg = f"{home / STORY}: the simulated campaigns failed; the end of the file says why"
        raise InstrumentError(msg)
    *told, decision = (home / STORY).read_text(encoding="utf-8").splitlines()
    for line in told:
        console.print(line, markup=False)
    return decision


STORY = Path("monitoring", "story.txt")
"""What happened to the monitored service, within the demo's folder; last the id of a decision."""


def play_monitoring(home: Path, console: Console) -> str:
    """Play twenty weeks of a monitored service, which end now, in the demo's folder ``home``.

    Returns the id of the last decision about it.
    """
    story = Monitoring(home=home, console=console)
    story.on(142)
    story.register()
    story.release(GOOD.version)
    story.on(140)
    first = story.measure("northgate-1", GOOD)
    story.on(138)
    story.decide(first, GOOD.version)
    story.on(105)
    story.measure("northgate-2", SLOWER)
    story.on(84)
    story.release(FAULTY.version)
    story.on(70)
    story.measure("northgate-3", FAULTY)
    story.on(67)
    story.agree()
    story.on(60)
    story.release(FIXED.version)
    story.claim()
    story.on(56)
    story.retest("northgate-3", FIXED)
    story.on(40)
    story.measure("northgate-4", FIXED)
    story.on(3)
    last = story.measure("northgate-5", SETTLED)
    story.on(0)
    return story.decide(last, FIXED.version)


if __name__ == "__main__":
    printed = terminal()
    printed.print(play_monitoring(Path(sys.argv[1]), printed), markup=False)
