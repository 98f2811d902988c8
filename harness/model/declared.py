"""The base of what a person declared in a file; validated by pydantic."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict


class Declared(BaseModel):
    """A declared value: strict types, immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Handling = Literal["block", "allow"]
"""What a service declares to do with something."""


def tupled(value: Any) -> Any:
    """Convert lists to tuples, which strict models require; JSON and YAML have only lists."""
    if isinstance(value, dict):
        return {name: tupled(each) for name, each in value.items()}
    return tuple(tupled(each) for each in value) if isinstance(value, list) else value


def _time_of(value: Any) -> Any:
    """Parse a time such as ``2026-11-24T12:00:00Z``, which YAML gives as text."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        msg = "a time is written like 2026-11-24T12:00:00Z"
        raise ValueError(msg) from None


Time = Annotated[AwareDatetime, BeforeValidator(_time_of)]
"""A time with its offset from UTC (RFC 3339)."""


LONGEST_DURATION = timedelta(days=366)
"""The longest duration that a file may declare."""

_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration_of(value: Any) -> Any:
    """Parse a duration such as ``10m``; the number 0 needs no unit."""
    if isinstance(value, timedelta):
        duration = value
    elif value == "0" or (value == 0 and not isinstance(value, bool)):
        duration = timedelta(0)
    elif isinstance(value, str) and (parts := _DURATION.fullmatch(value)):
        duration = timedelta(seconds=int(parts[1]) * _SECONDS[parts[2]])
    else:
        msg = "a duration is written like 30s, 10m, 2h or 5d"
        raise ValueError(msg)
    if not timedelta(0) <= duration <= LONGEST_DURATION:
        msg = f"a duration is between 0 and {LONGEST_DURATION.days} days"
        raise ValueError(msg)
    return duration


Duration = Annotated[timedelta, BeforeValidator(_duration_of)]
"""A time span from 0 to 366 days, written as ``30s``, ``10m``, ``2h`` or ``5d``."""
