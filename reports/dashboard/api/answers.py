"""What the API answers, as models by which ``/openapi.json`` describes it.

Fields are added within version 1, never removed or changed in meaning.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

OutcomeState = Literal["conforms", "does-not-conform", "insufficient", "no-data", "information"]
ItemState = Literal["allowed", "altered", "blocked", "down", "insufficient"]


class Answer(BaseModel):
    """The base of what is answered: made by this program, so not checked again."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


Entry = TypeVar("Entry", bound=Answer)


class Listed(Answer, Generic[Entry]):
    """Some rows in order, and the cursor by which the next ones are asked for; none at the end."""

    rows: list[Entry]
    next: str | None = Field(None, description="Give this as ?after= to get the next rows.")


class Problem(Answer):
    """Why a request was refused, and what to do."""

    title: str
    detail: str


class CampaignAnswer(Answer):
    """A campaign that a scheme assessed."""

    stream: str = Field(description="The supplier, as streams of the registry are named.")
    campaign: str
    scheme: str
    service: str
    site: str = Field(description="Empty for a campaign that is no run of surveillance.")
    schedule: str
    measured_at: datetime
    state: str
    conforms: int = Field(description="How many binding outcomes conform.")
    does_not_conform: int
    insufficient: int
    observations: int
    journal: str = Field(description="The hash of the journal's last entry.")
    has_items: bool


class CampaignDetail(CampaignAnswer):
    """A campaign with what its page tells: preconditions, categories, corpora, instrument."""

    details: dict[str, Any]


class OutcomeAnswer(Answer):
    """One requirement compared with what a campaign measured, for a profile on a line."""

    stream: str
    campaign: str
    scheme: str
    number: int = Field(description="The place in the assessment.")
    service: str
    site: str
    schedule: str
    measured_at: datetime
    requirement: str
    profile: str
    line: str
    state: str
    is_binding: bool
    value: float | None = Field(description="In the unit of the metric; null if not decided.")
    lower: float | None
    upper: float | None


class ItemAnswer(Answer):
    """What happened to an item of a campaign; for suppliers hidden items have no name and time."""

    stream: str
    campaign: str
    number: int
    item: str
    value: str
    is_withheld: bool
    category: str
    profile: str
    line: str
    probe: str
    state: str
    mechanism: str
    rule: str
    tried_at: datetime | None


class PlanAnswer(Answer):
    """An action plan."""

    stream: str
    plan: str
    supplier: str
    service: str
    requirement: str
    severity: str
    scheme: str
    campaign: str
    state: str
    opened: datetime
    due: datetime
    level: str | None = Field(None, description="To which level it is escalated, if it is.")


class DecisionAnswer(Answer):
    """A decision on the accreditation of a version of a service."""

    stream: str
    decision: str
    supplier: str
    service: str
    version: str
    scheme: str
    status: str
    at: datetime
    by: str
    identity: str
    valid_until: datetime | None
    is_replaced: bool


class AlarmAnswer(Answer):
    """An alarm of surveillance."""

    stream: str
    alarm: str
    supplier: str
    service: str
    requirement: str
    profile: str
    scheme: str
    rule: str
    sites: list[str]
    of_sites: int
    statement: str
    state: str
    raised: datetime
    retest_by: datetime
    acknowledged: datetime | None
    ended: datetime | None
