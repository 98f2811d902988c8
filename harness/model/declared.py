"""The base of what a person declared in a file; validated by pydantic."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A declared value: strict types, immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
