"""What people do in the story of ``accredit serve --demo``: re-tests, plans and decisions.

Each step is done by the function that the command of the same name calls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from harness.cli.conclude import conclude_journal
from harness.cli.decision_basis import Campaign, read_campaign
from harness.cli.demo_hub_files import BRIGHTWATER, DNS, GATEWAY, HARBOUR, NORTHGATE, DemoService
from harness.cli.demo_hub_people import ASSESSOR, DECISION_MAKER, OF_NORTHGATE
from harness.cli.demo_hub_play import Part, Stage
from harness.cli.demo_hub_story import RETESTS_AFTER, TOO_MANY
from harness.cli.drawing import silent
from harness.cli.monitor_retest import retest_alarm
from harness.cli.paths import CampaignPaths
from harness.cli.plan_soak import count_soaks
from harness.cli.registry_facts import open_plans
from harness.cli.retest import retest_plan
from harness.model.alarm import Alarm
from harness.model.decision import Status
from harness.model.escalation import Level
from harness.model.event import (
    FixClaimed,
    PlanAgreed,
    PlanEscalated,
    PlanEvent,
    PlanProgressed,
    PlanSubmitted,
)
from harness.model.surveillance_event import AlarmAcknowledged

ANNUAL = "The yearly decision"


def play_brightwater(stage: Stage) -> None:
    """Harbour Filter is accredited all the time."""
    part = Part(stage)
    part.monitor(HARBOUR, range(0))
    for version, ago in (("7.0", 100), ("7.1", 55), ("7.2", 10)):
        part.release(stage.calendar.after(ago, days=1), HARBOUR, version, BRIGHTWATER)
        _accredit(part, HARBOUR, version, ago)
    part.agenda.run()
    part.chronicle.flush()


def _accredit(part: Part, service: DemoService, version: str, ago: int) -> None:
    """Accredit a version on a campaign in which nothing fails, three days later."""
    name = f"{service.file_name(version)[:-5]}".replace(".", "-")

    def decide() -> None:
        campaign = part.campaign(service, name, ago)
        part.chronicle.add_campaign(campaign.assessment, ASSESSOR.actor)
        part.clock.at = part.calendar.after(ago, days=5)
        part.chronicle.decide(campaign, version, Status.ACCREDITED, DECISION_MAKER.actor, ANNUAL)

    part.agenda.add(part.calendar.after(ago, days=2), decide)


def play_northgate(stage: Stage) -> None:
    """SchoolShield Gateway drifts, is suspended and recovers; SchoolShield DNS is suspended now."""
    part = _Northgate(stage)
    part.monitor(GATEWAY, range(43, 47))
    part.monitor(DNS, range(2))
    part.plan()
    part.agenda.run()
    part.chronicle.flush()


class _Northgate(Part):
    """The story of Northgate's two services."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.on_alarm = self._alarmed

    def plan(self) -> None:
        """Put on the agenda what happens whatever the runs show."""
        after = self.calendar.after
        for at, version in (
            (after(103, days=-1), "4.5"),
            (after(46, days=1), "4.6"),
            (after(43, days=5), "4.7"),
            (after(40, days=3), "4.8"),
        ):
            self.release(at, GATEWAY, version, NORTHGATE)
        _accredit(self, GATEWAY, "4.5", 97)
        _accredit(self, GATEWAY, "4.6", 46)
        self.release(after(64, days=-1), DNS, "2.1", NORTHGATE)
        self.release(after(1, days=-2), DNS, "2.1 with list feed 118", NORTHGATE)
        _accredit(self, DNS, "2.1", 51)
        self.agenda.add(after(27, days=2), self._find_overblocking)

    def _alarmed(self, alarm: Alarm) -> None:
        """An alarm is re-tested on the next day, and who decides suspends the service."""
        service = GATEWAY if alarm.raised.service == GATEWAY.name else DNS
        ago = 43 if service is GATEWAY else 0
        at = self.calendar.after(ago, hours=RETESTS_AFTER + 1)
        if service is GATEWAY:
            self.agenda.add(self.clock.now(), partial(self._acknowledge, alarm))
        self.agenda.add(at, partial(self._retest, service, alarm))

    def _acknowledge(self, alarm: Alarm) -> None:
        event = AlarmAcknowledged(
            at=self.clock.now(), actor=ASSESSOR.actor, service=alarm.raised.service,
            alarm=alarm.id, note="The re-test is tomorrow; the supplier has been asked",
        )  # fmt: skip
        self.chronicle.add(event)

    def _retest(self, service: DemoService, alarm: Alarm) -> None:
        name, version = ("gateway-retest", "4.6") if service is GATEWAY else ("dns-retest", "2.1")
        self.chronicle.flush()
        self.stage.measuring.wait_for(name)
        paths = CampaignPaths(out=self.stage.out, campaign=name)
        done = retest_alarm(
            alarm.id, paths.home, self.stage.out, self.clock, actor=ASSESSOR.name,
            supplier=NORTHGATE,
        )  # fmt: skip
        (plan,) = open_plans(done.assessment, done.paths, self.clock)
        campaign = read_campaign(paths.home, None, self.clock, self.stage.session)
        now = self.clock.now()
        follow = self._work_on if service is GATEWAY else self._submit_only
        self.agenda.add(_hours(now, 4), partial(self._suspend, campaign, version, alarm.id))
        follow(plan.id, now)

    def _suspend(self, campaign: Campaign, version: str, alarm: str) -> None:
        reason = f"The re-test of alarm {alarm} confirms the failure"
        self.chronicle.decide(campaign, version, Status.SUSPENDED, DECISION_MAKER.actor, reason)

    def _advance(self, plan: str, event: PlanEvent) -> None:
        self.chronicle.flush()
        self.stage.session.advance(plan, event, supplier=NORTHGATE)

    def _add(self, at: datetime, event: PlanEvent) -> None:
        self.agenda.add(at, partial(self._advance, event.plan, event))

    def _submit_only(self, plan: str, now: datetime) -> None:
        """The assessor escalates the plan, the supplier submits it; it waits to be agreed."""
        escalated, at = _hours(now, 5), _hours(now, 6)
        self._add(escalated, PlanEscalated(
            at=escalated, actor=ASSESSOR.actor, plan=plan, level=Level.SUSPENDED,
            reason="A third of the drug sites pass, in all schools",
            exit_criteria="A re-test of the drug sites conforms",
        ))  # fmt: skip
        submitted = PlanSubmitted(
            at=at, actor=OF_NORTHGATE.actor, plan=plan, owner=OF_NORTHGATE.name,
            corrective_action="Withdraw list feed 118, and compare each feed with the one before",
            root_cause="List feed 118 lacks most of the drug sites",
            containment="The list of feed 117 is loaded beside it",
        )  # fmt: skip
        self._add(at, submitted)

    def _work_on(self, plan: str, now: datetime) -> None:
        """The plan of SchoolShield Gateway, from its submission to the claim of the fix."""
        submitted, agreed = _hours(now, 30), _hours(now, 54)
        contained, claimed = _hours(now, 80), self.calendar.after(40, days=4)
        self._add(submitted, PlanSubmitted(
            at=submitted, actor=OF_NORTHGATE.actor, plan=plan, owner=OF_NORTHGATE.name,
            corrective_action="Load the whole list of drug sites again",
            root_cause="The category engine of version 4.6 reads two thirds of the list",
            containment="Version 4.7 sends requests about drugs to the engine of version 4.5",
            preventive_action="A release is held back while a list is shorter than before",
        ))  # fmt: skip
        self._add(agreed, PlanAgreed(
            at=agreed, actor=ASSESSOR.actor, plan=plan, owner=OF_NORTHGATE.name,
            corrective_action="Load the whole list of drug sites again",
        ))  # fmt: skip
        self._add(contained, PlanProgressed(
            at=contained, actor=OF_NORTHGATE.actor, plan=plan, milestone=1,
            note="Version 4.7 is in all schools",
        ))  # fmt: skip
        self._add(claimed, FixClaimed(
            at=claimed, actor=OF_NORTHGATE.actor, plan=plan,
            statement="Version 4.8 reads the whole list",
        ))  # fmt: skip
        self.agenda.add(self.calendar.after(39, days=1), partial(self._verify, plan))
        self.agenda.add(self.calendar.after(36, days=1, hours=2), self._soak)

    def _verify(self, plan: str) -> None:
        """The assessor re-tests the fix: the missed items again, and fresh ones."""
        self.chronicle.flush()
        path = self.stage.folder / "gateway-fixed.yaml"
        retest_plan(
            plan, path, self.stage.out, ASSESSOR.name, silent(), self.clock, supplier=NORTHGATE
        )

    def _soak(self) -> None:
        """A campaign after the soak period closes the plan."""
        self.chronicle.flush()
        self.stage.measuring.wait_for("gateway-soak")
        paths = CampaignPaths(out=self.stage.out, campaign="gateway-soak")
        assessment, _ = conclude_journal(paths.journal, clock=self.clock)
        self.chronicle.add_campaign(assessment, ASSESSOR.actor)
        self.chronicle.flush()
        count_soaks(assessment, paths, at=self.clock)

    def _find_overblocking(self) -> None:
        """A campaign finds that health sites are blocked; the plan about it is overdue now."""
        self.chronicle.flush()
        campaign = self.campaign(GATEWAY, "gateway-4-8", 27, {"ALW.HEALTH": TOO_MANY})
        paths = CampaignPaths(out=self.stage.out, campaign=campaign.assessment.campaign)
        (plan,) = open_plans(campaign.assessment, paths, self.clock)
        submitted, agreed = (self.calendar.after(27, days=days) for days in (5, 9))
        self._add(submitted, PlanSubmitted(
            at=submitted, actor=OF_NORTHGATE.actor, plan=plan.id, owner=OF_NORTHGATE.name,
            corrective_action="Correct the categories of sites about health",
            root_cause="Version 4.8 takes words about medicines for words about drugs",
        ))  # fmt: skip
        self._add(agreed, PlanAgreed(
            at=agreed, actor=ASSESSOR.actor, plan=plan.id, owner=OF_NORTHGATE.name,
            corrective_action="Correct the categories of sites about health",
        ))  # fmt: skip
        progressed = self.calendar.after(20, days=1)
        self._add(progressed, PlanProgressed(
            at=progressed, actor=OF_NORTHGATE.actor, plan=plan.id,
            note="Half of the categories are corrected",
        ))  # fmt: skip
        self.agenda.add(self.calendar.after(25, days=3), partial(self._recover, campaign))

    def _recover(self, campaign: Campaign) -> None:
        """The service is accredited again, with the plan about health sites."""
        reason = "The fix of the drug sites has held; the plan about sites on health is agreed"
        self.chronicle.decide(
            campaign, "4.8", Status.WITH_ACTION_PLAN, DECISION_MAKER.actor, reason
        )


def _hours(moment: datetime, hours: float) -> datetime:
    return moment + timedelta(hours=hours)
