"""Deviations of action plans: why a failure may stay for a time, and what came of the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from harness.model.signature import shown_identity


class DeviationKind(StrEnum):
    """Why a failure may stay for a time (FedRAMP, ``poam.md``).

    A false positive says that the finding is wrong; it is looked into meanwhile. A risk adjustment
    has mitigating factors that lower the severity. An operational requirement would break the
    service if it was fixed. A vendor dependency waits for somebody else's fix.
    """

    FALSE_POSITIVE = "false-positive"
    RISK_ADJUSTMENT = "risk-adjustment"
    OPERATIONAL_REQUIREMENT = "operational-requirement"
    VENDOR_DEPENDENCY = "vendor-dependency"


class DeviationState(StrEnum):
    """What came of a request. That a deviation has ended is derived from the clock."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A deviation that somebody asked for.

    It only excuses lateness, until a date that it always has; the finding and its plan stay open.
    ``decision`` is the reason of who decided, and ``key`` is set if that person signed it. A risk
    adjustment names the lower ``severity``, a vendor dependency its ``vendor``.
    """

    kind: DeviationKind
    reason: str
    mitigation: str
    until: datetime
    state: DeviationState
    requested_by: str
    requested: datetime
    decided_by: str = ""
    decided: datetime | None = None
    decision: str = ""
    severity: str = ""
    vendor: str = ""
    key: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def identity(self) -> str:
        """How it is known who decided, in words."""
        return shown_identity(self.decided_by, self.key or "")
