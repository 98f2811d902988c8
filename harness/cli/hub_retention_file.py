"""The part of ``hub.yaml`` about retention: how long what is kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from harness.model.declared import Declared

FOREVER = timedelta.max
_AGE = re.compile(r"([1-9][0-9]{0,3})([dy])")
_DAYS = {"d": 1, "y": 366}
"""A year is 366 days, so that nothing is removed a day too early."""


def _age_of(value: Any) -> Any:
    """Parse an age such as ``400d`` or ``2y``; ``forever`` removes nothing."""
    if isinstance(value, timedelta):
        return value
    if value == "forever":
        return FOREVER
    if isinstance(value, str) and (parts := _AGE.fullmatch(value)):
        return timedelta(days=int(parts[1]) * _DAYS[parts[2]])
    msg = "an age is written like 90d or 2y, or forever"
    raise ValueError(msg)


Age = Annotated[timedelta, BeforeValidator(_age_of)]

CYCLE = timedelta(days=366)
"""The cycle of re-evaluation: an accreditation is valid for twelve months."""


class Retention(Declared):
    """How long what is kept. Figures, assessments and events stay at any age.

    The defaults keep evidence for the current and the previous cycle of re-evaluation (ISO/IEC
    17065:2012, 7.12.3), and the journals for one more.
    """

    evidence: Age = 2 * CYCLE
    items: Age = 3 * CYCLE
    bundles: Age = 2 * CYCLE
    uploads: Age = timedelta(days=90)

    @model_validator(mode="after")
    def _details_last(self) -> Retention:
        if self.evidence > self.items:
            msg = "evidence cannot be kept longer than items: it is the evidence of items"
            raise ValueError(msg)
        return self

    def older_than(self, rule: str, now: datetime) -> datetime | None:
        """What was recorded before this time is removed by a rule; ``None``: nothing is."""
        age: timedelta = getattr(self, rule)
        return None if age == FOREVER else now - age
