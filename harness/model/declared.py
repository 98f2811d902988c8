"""The base of what a person declared in a file; validated by pydantic."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A declared value: strict types, immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def tupled(value: Any) -> Any:
    """Convert lists to tuples, which strict models require; JSON and YAML have only lists."""
    if isinstance(value, dict):
        return {name: tupled(each) for name, each in value.items()}
    return tuple(tupled(each) for each in value) if isinstance(value, list) else value
