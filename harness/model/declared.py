"""The base of what a person declared in a file; validated by pydantic."""

from __future__ import annotations

from datetime import datetime
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
