"""Runs of surveillance for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from harness.model.conformity import Conformity
from harness.model.surveillance_event import SurveillanceRun
from harness.model.surveillance_reading import PartCount, RequirementReading

BEGUN = datetime(2026, 1, 5, 6, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def reading(missed: float = 0, tested: int = 60, **values: Any) -> RequirementReading:
    """A reading of a block rate that must be at least 90 %."""
    at_least = values.pop("at_least", 0.9)
    given: dict[str, Any] = {
        "requirement": "URL-04",
        "profile": "ks2",
        "line": "school",
        "metric": "block_rate",
        "unit": "share",
        "conformity": Conformity.CONFORMS,
        "rule": "sequential",
        "severity": "Crit",
        "value": 1 - missed / tested if tested else None,
        "parts": (PartCount(group="", tested=tested, missed=missed),) if tested else (),
        "missed_items": tuple(f"drug-{number}" for number in range(int(missed))),
    }
    return RequirementReading(at_least=at_least, **(given | values))


def run(day: int, *readings: RequirementReading, **values: Any) -> SurveillanceRun:
    """A measured run of the schedule daily at Hill School."""
    due = BEGUN + day * DAY
    given: dict[str, Any] = {
        "actor": "monitor",
        "service": "Safe Net",
        "monitoring": "acme",
        "site": "Hill School",
        "schedule": "daily",
        "result": "measured",
        "campaign": f"daily-{day}",
        "scheme": "surveillance",
        "begun": due,
        "runs_per_year": 365,
        "instrument": ("rules 1", "surveillance 1.1", "drugs 1 ab"),
        "packs": ("drugs",),
    }
    return SurveillanceRun(at=due, due=due, readings=readings, **(given | values))
