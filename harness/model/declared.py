"""What a person declared: it comes from a text, so it is validated (pydantic) on the way in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A thing that a person declared: strict, immutable, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
