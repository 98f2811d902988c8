"""How long a plan may take, by severity (METHOD (d), service levels).

30, 90 and 180 days are FedRAMP's (``poam.sch``: high, moderate, low); the rest is proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.model.action_plan import Milestone
from harness.model.corpus import covers
from harness.model.finding import Finding

ILLEGAL = "ILL"
"""The taxonomy code of illegal content: its misses are more urgent than any severity."""

AGREE = timedelta(days=14)
"""Ten working days to agree a plan."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The longest time to contain a failure (``None``: not asked) and to fix it."""

    contain: timedelta | None
    fix: timedelta


LEVELS = {
    "illegal": ServiceLevel(timedelta(days=1), timedelta(days=7)),
    "Crit": ServiceLevel(timedelta(days=5), timedelta(days=30)),
    "Maj": ServiceLevel(None, timedelta(days=90)),
    "Min": ServiceLevel(None, timedelta(days=180)),
    "Obs": ServiceLevel(None, timedelta(days=180)),
}


def level_of(finding: Finding) -> ServiceLevel:
    """The service level of a finding; a severity that is not known gets the shortest."""
    if any(covers(category, ILLEGAL) for category in finding.categories):
        return LEVELS["illegal"]
    return LEVELS.get(finding.severity, LEVELS["illegal"])


def latest_due(finding: Finding) -> datetime:
    """The last moment that the severity allows without an approved extension."""
    return finding.opened + level_of(finding).fix


def milestones_of(finding: Finding) -> tuple[Milestone, ...]:
    """The steps that every plan has, dated within its time; at least one."""
    level, due = level_of(finding), latest_due(finding)
    steps = [Milestone(title="Corrective action agreed", due=min(finding.opened + AGREE, due))]
    if level.contain:
        contained = finding.opened + level.contain
        steps.insert(0, Milestone(title="Failure contained", due=contained))
    fixed = finding.opened + (due - finding.opened) * 0.8
    steps.append(Milestone(title="Fix in the service", due=fixed))
    steps.append(Milestone(title="Re-test conforms", due=due))
    return tuple(sorted(steps, key=lambda step: step.due))
