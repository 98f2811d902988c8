"""A finding records that a requirement was not met, by an outcome that stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One failed outcome. ``missed`` are the ids of the items that failed it."""

    id: str
    campaign: str
    requirement: str
    title: str
    severity: str
    scheme: str
    scheme_version: str
    profile: str
    line: str
    statement: str
    missed: tuple[str, ...]
    categories: tuple[str, ...]
    sampled: int
    opened: datetime
    recurrence_of: str = ""
    service: str = ""
    supplier: str = ""

    @property
    def subject(self) -> tuple[str, str, str, str, str, str]:
        """What the finding is about, whichever campaign found it."""
        return (
            self.supplier,
            self.service,
            self.scheme,
            self.requirement,
            self.profile,
            self.line,
        )
