"""What the overview and a service's page tell of a service, kept as documents of a hub.

They hold dates, and nothing that depends on the time at which they are read, but for the weeks of
the strip, which are those up to the day on which the documents were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from harness.follow.standing import Suspension
from harness.model.decision import FAVOURABLE, Status
from harness.model.obligation import Lane, Party
from harness.model.stream import same_name
from harness.model.surveillance_event import Intensity
from reports.dashboard.result_facts import CurrentFacts
from reports.site.page_names import page_name
from reports.site.trend_causes import Cause, Consequence
from reports.site.trend_facts import WORST_FIRST, State

SERVICE, SERVICE_PAGE, REQUIREMENT, WAITING = "service", "service-page", "requirement", "waiting"
"""The kinds of documents: a row of the overview, a page, a requirement of a service, and what waits
for somebody."""

WEEKS_SHOWN = 104
"""How many weeks a strip shows."""

WeekState = State | Literal["silent"]

LETTERS: dict[WeekState, str] = {
    "conforms": "c",
    "does-not-conform": "d",
    "insufficient": "i",
    "information": "o",
    "no-data": "n",
    "silent": "s",
}
"""The letters by which a strip is kept."""

STATES = {letter: state for state, letter in LETTERS.items()}

URGENCY = {
    "stopped": "0",
    "does-not-conform": "1",
    "insufficient": "2",
    "no-data": "3",
    "information": "4",
    "conforms": "5",
}
"""The states of documents of the kind ``SERVICE``, by how a service stands: the worst first."""

PATIENCE = timedelta(days=1)
"""How much later than twice its interval a site may be measured before its probe is silent."""


class Accreditation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The status of a version of a service by a scheme; ``until`` is the end of its validity.

    ``why`` says what stopped it, as everybody may read it; empty if nothing did.
    """

    version: str
    scheme: str
    status: Status
    since: datetime
    decision: str
    until: datetime | None = None
    certificate: str = ""
    why: str = ""

    def status_at(self, now: datetime) -> Status:
        """The status at a time: an accreditation ends on its date."""
        is_over = self.until is not None and now > self.until
        return Status.EXPIRED if is_over and self.status in FAVOURABLE else self.status


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A monitored site: since when, when it was measured last, and how often it should be.

    ``every`` are the seconds between due runs of its most frequent schedule, 0 if not known.
    """

    site: str
    since: datetime
    measured: datetime | None = None
    every: float = 0.0

    def is_silent(self, now: datetime) -> bool:
        """Whether it should have been measured since, and was not."""
        if not self.every:
            return False
        return now - (self.measured or self.since) > 2 * timedelta(seconds=self.every) + PATIENCE


class OpenPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open plan of a service, when it is due, and whether it is escalated.

    It is overdue after ``late_after``; ``None`` once its fix is verified.
    """

    plan: str
    requirement: str
    due: datetime
    late_after: datetime | None = None
    is_escalated: bool = False

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is late."""
        return self.late_after is not None and now > self.late_after


class Audit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest campaign that no schedule made. ``since`` are the states of runs after it.

    Of each schedule at each site the last run counts.
    """

    at: datetime
    campaign: str
    since: tuple[str, ...] = ()


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The worst newest result of a requirement, for tables of several services."""

    title: str
    state: State
    measured: str
    campaign: str
    scheme: str
    anchor: str = ""
    is_binding: bool = True
    at: datetime | None = None


class ServiceFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service on the overview. ``page`` is its name in addresses.

    ``accreditation`` is that of the version accredited last, ``worst`` the newest result that is
    worst or least sure. ``strip`` has a letter for each week from ``first_week`` (a Monday) on.
    ``cells`` are by requirement. ``campaigns`` counts them, ``last`` is the newest.
    """

    page: str
    supplier: str
    service: str
    state: str
    accreditation: Accreditation | None = None
    worst: CurrentFacts | None = None
    first_week: datetime | None = None
    strip: str = ""
    campaigns: int = 0
    last: datetime | None = None
    last_campaign: str = ""
    sites: tuple[SiteFacts, ...] = ()
    intensity: Intensity | None = None
    plans: tuple[OpenPlan, ...] = ()
    alarms: tuple[str, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    cells: dict[str, Cell] = {}
    audit: Audit | None = None

    def late_plans(self, now: datetime) -> int:
        """How many open plans are overdue."""
        return sum(plan.is_overdue(now) for plan in self.plans)

    def silent_sites(self, now: datetime) -> tuple[SiteFacts, ...]:
        """The sites whose probes are silent."""
        return tuple(site for site in self.sites if site.is_silent(now))

    @property
    def weeks(self) -> tuple[tuple[datetime, WeekState], ...]:
        """The weeks of the strip, each with its worst state."""
        first = self.first_week
        if first is None:
            return ()
        return tuple(
            (first + timedelta(weeks=number), STATES[letter])
            for number, letter in enumerate(self.strip)
        )


class RequirementSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A requirement of a service: its newest result that is worst or least sure.

    ``subjects`` are how many profiles, lines and sites it was measured for, ``failures`` how many
    results of its series did not conform. That series is drawn, so that the figure is its end.
    """

    requirement: str
    current: CurrentFacts
    subjects: int
    failures: int

    @property
    def series(self) -> str:
        """The id of the series that is drawn."""
        return self.current.series


class ServicePageFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a service's page tells beside its row: requirements worst first, and what happened."""

    facts: ServiceFacts
    accreditations: tuple[Accreditation, ...] = ()
    requirements: tuple[RequirementSummary, ...] = ()
    causes: tuple[Cause, ...] = ()
    consequences: tuple[Consequence, ...] = ()


class RequirementFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A requirement of a service: the newest result of each subject, worst first."""

    service: str
    requirement: str
    title: str
    area: str
    currents: tuple[CurrentFacts, ...]
    subjects: int


WaitsFor = Literal["plan", "decision", "review", "alarm"]


class WaitingFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that somebody has to do: ``about`` is the plan, decision, review or alarm.

    Without a date (``has_date``) ``due`` is since when it waits.
    """

    kind: WaitsFor
    about: str
    title: str
    service: str
    supplier: str
    party: Party
    who: str
    act: str
    due: datetime
    lane: Lane
    original_due: datetime | None = None
    has_date: bool = True


SERVICES = msgspec.json.Decoder(ServiceFacts)
SERVICE_PAGES = msgspec.json.Decoder(ServicePageFacts)
REQUIREMENTS = msgspec.json.Decoder(RequirementFacts)
WAITING_FACTS = msgspec.json.Decoder(WaitingFacts)


def waiting_state(lane: Lane, party: Party) -> str:
    """The state of a document of the kind ``WAITING``: the most urgent is first."""
    return f"{tuple(Lane).index(lane)}-{party}"


def page_of(stream: str, service: str) -> str:
    """The name of a service in addresses."""
    return page_name(stream, same_name(service))


def requirement_id(page: str, requirement: str) -> str:
    """The id of the document of a requirement of a service."""
    return f"{page}/{requirement}"


def worst_first(currents: Iterable[CurrentFacts]) -> list[CurrentFacts]:
    """Results in order: by state, then the least sure first, then by name."""
    return sorted(currents, key=_doubt)


def _doubt(current: CurrentFacts) -> tuple[int, float, str, str, str]:
    about, figure = current.about, current.figure
    rank = WORST_FIRST.index(figure.state)
    return rank, distance(current), about.requirement, about.profile, figure.campaign


def distance(current: CurrentFacts) -> float:
    """How far the bound that decides is on the right side; infinite where no bound decides."""
    figure = current.figure
    bound = figure.lower if current.about.direction == "at_least" else figure.upper
    if bound is None or figure.limit is None:
        return float("inf")
    return bound - figure.limit if current.about.direction == "at_least" else figure.limit - bound


def strip_of(states: Sequence[WeekState]) -> str:
    """The letters of states."""
    return "".join(LETTERS[state] for state in states)
