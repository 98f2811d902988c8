"""The story of ``accredit serve --demo``: what is true of each service in each week, in figures.

Weeks are counted backwards: 0 is the last one with runs, 103 the first. Everything here is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from harness.cli.demo_hub_figures import BLOCK_PAGES, Shown
from harness.cli.demo_hub_files import DNS, GATEWAY, HARBOUR, Behaviour, DemoService

WEEKS = 104
WEEK = timedelta(weeks=1)
FIRST = {DNS.name: 64, GATEWAY.name: 103, HARBOUR.name: 103}
"""The week in which the monitoring of a service begins."""

NEW_PACK, NEW_RULES, NEW_SCHEME = 90, 72, 57
"""The week from which another edition of the pack, of our rules and of the scheme is used."""

CLOSED = (48, 47)
"""The weeks of holidays, in which nothing is measured anywhere."""

UNDECIDED = {GATEWAY.name: (76, 75), HARBOUR.name: (79,)}
"""The weeks in which a fifth of the items could not be decided."""

SILENT = {
    (GATEWAY.name, "Dale High"): (64,),
    (GATEWAY.name, "Elm Primary"): (64,),
    (GATEWAY.name, "Ferry Academy"): (65, 64, 63),
    (GATEWAY.name, "Grange School"): (64,),
}
"""The weeks in which the probe at a site was silent, so that its run was missed."""

SILENT_NOW = (DNS.name, "Moorside Primary")
"""The site whose probe has been silent for the last two weeks."""

INVITED = (HARBOUR.name, "Lakeside Primary")
"""The site whose agent is invited, and has not been enrolled yet."""

RIGHT: Mapping[str, float] = {
    "PORN": 0.0004,
    "VIOL": 0.0004,
    "DISC": 0.0006,
    "DRUG": 0.014,
    "ALW.CURR": 0.001,
    "ALW.HEALTH": 0.012,
}
"""The true rates of failures by category while nothing is wrong."""

DRIFT = {44: 0.12, 43: 0.62, 42: 0.61, 41: 0.63, 40: 0.62}
"""The share of drug sites that SchoolShield Gateway 4.6 lets through, by week."""

FEED = {1: 0.1, 0: 0.62}
"""The share of drug sites that SchoolShield DNS lets through since list feed 118, by week."""

OVERBLOCKING = (GATEWAY.name, "Grange School")
"""Where SchoolShield Gateway 4.8 blocks sites about health."""

SINCE_4_8, LESS_SINCE = 38, 25
"""From which week on health sites are blocked there, and from which week on fewer are."""

TOO_MANY, STILL_MANY = 0.24, 0.07
"""The shares of health sites that are blocked there."""

FIXED, FAULTY = Behaviour(missed=range(238, 241)), Behaviour(missed=range(1, 151))
"""How a service behaves while nothing is wrong, and while it lets most drug sites through.

The sites that pass differ, so that a fix shows in each of them.
"""

RETESTS_AFTER = 30
"""Hours after the runs of a week in which an alarm is re-tested."""

MEASURED = (
    (DNS, "Ashfield High", FAULTY),
    (DNS, "Brook Primary", FAULTY),
    (GATEWAY, "Grange School", FIXED._replace(overblocked=range(1, 7))),
    (HARBOUR, "Kingsmead School", FIXED._replace(overblocked=range(1, 2))),
)
"""The runs of the last week that are measured, on simulated lines that behave so."""


class Calendar(NamedTuple):
    """The weeks of the story; ``last`` is when the runs of the last week are due."""

    last: datetime

    @classmethod
    def until(cls, now: datetime) -> Calendar:
        """The weeks that end now: the last runs were due the day before yesterday, at 04:00 UTC."""
        day = now.astimezone(UTC).date() - timedelta(days=2)
        return cls(datetime.combine(day, time(4), UTC))

    def due(self, ago: int) -> datetime:
        """When the runs of a week were due."""
        return self.last - ago * WEEK

    def after(self, ago: int, *, days: float = 0, hours: float = 0) -> datetime:
        """A time after the runs of a week were due."""
        return self.due(ago) + timedelta(days=days, hours=hours)


def is_measured_at(service: DemoService, site: str, ago: int) -> bool:
    """Whether there is a run at a site in a week; one that was missed counts."""
    is_silent = (service.name, site) == SILENT_NOW and ago <= 1
    is_invited = (service.name, site) == INVITED
    return ago <= FIRST[service.name] and ago not in CLOSED and not is_silent and not is_invited


def is_silent_at(service: DemoService, site: str, ago: int) -> bool:
    """Whether the probe at a site was silent in a week of the past."""
    return ago in SILENT.get((service.name, site), ())


def shown_at(service: DemoService, site: str, ago: int) -> Shown:
    """The true rates at a site in a week."""
    failing, resets = dict(RIGHT), 1 - BLOCK_PAGES
    if service is GATEWAY and ago in DRIFT:
        failing["DRUG"], resets = DRIFT[ago], 3 * (1 - BLOCK_PAGES)
    if service is DNS and ago in FEED:
        failing["DRUG"] = FEED[ago]
    if (service.name, site) == OVERBLOCKING and ago <= SINCE_4_8:
        failing["ALW.HEALTH"] = STILL_MANY if ago <= LESS_SINCE else TOO_MANY
    undecided = 0.2 if ago in UNDECIDED.get(service.name, ()) else 0.0
    return Shown(failing, undecided, resets)


def good_week() -> Shown:
    """A week in which nothing fails at all, as in a campaign that an accreditation rests on."""
    return Shown({})
