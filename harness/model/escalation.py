"""Escalations of action plans: their levels, and what each notice says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """The levels of escalation, lowest first (METHOD (d)).

    ``suspended`` and ``withdrawn`` say what the follow-up of a plan asks for. The status of an
    accreditation is decided by a named person.
    """

    FINDING_REVIEW = "finding-review"
    CORRECTIVE_ACTION_PLAN = "corrective-action-plan"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


LADDER = tuple(Level)
"""The levels of escalation, lowest first; a plan can only move up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One notice. ``rule`` names the rule that asked for it; empty if a person escalated.

    ``dropped`` says why it does not count any more, and is empty if it counts.
    """

    at: datetime
    level: Level
    reason: str
    exit_criteria: str
    rule: str = ""
    dropped: str = ""
