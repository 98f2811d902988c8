"""A submission: what a supplier declares of a service before it is assessed.

It comes from YAML, so it is validated (pydantic). ``accredit init submission`` writes one to fill
in.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.model.campaign import Name, ProfileDeclaration
from harness.model.declared import Declared, Time
from harness.model.service_declaration import Service

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S")]
Prose = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]

Treatment = Literal["block", "warn", "allow"]
"""What a service does with a category: *warn* shows a page that a user can click through."""

TREATMENTS = get_args(Treatment)


def _zone(name: str) -> str:
    """Return the name of a time zone (IANA). Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"{name!r} is not a time zone; write one like Europe/London or UTC"
        raise ValueError(msg) from None
    return name


def _row(value: object) -> object:
    """Return a row of the policy as it is. Raises ValueError with what may be written."""
    said = value.values() if isinstance(value, dict) and value else (value,)
    if not all(each in TREATMENTS for each in said):
        msg = "write block, warn or allow, for all profiles or for each: {pupils: block, ...}"
        raise ValueError(msg)
    return value


PolicyRow = Annotated[Treatment | dict[Name, Treatment], BeforeValidator(_row)]


class SubmittedService(Service):
    """The service as it is submitted: one version, with its block page."""

    name: Line
    supplier: Line
    version: Line
    description: Prose


class WhiteLabelName(Declared):
    """Another name under which the same service is sold, and who sells it."""

    name: Line
    seller: Line


class ContactPerson(Declared):
    """A person to write to."""

    name: Line
    role: Literal["technical", "safeguarding", "commercial"]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class LogFormat(Declared):
    """The records that the service keeps: their format, and which field holds each fact.

    ``fields`` says in the supplier's words which field tells *who* asked for *what*, *when*, and on
    which *computer* (Becta 2008). ``keeps_days`` is how long they are kept, ``sample`` the path of
    an example beside the submission.
    """

    format: Literal[
        "squid", "e2guardian", "dnsmasq", "unbound", "csv", "json", "syslog", "w3c", "other"
    ]
    timezone: Annotated[str, AfterValidator(_zone)]
    keeps_days: Annotated[int, Field(ge=1, le=36500)]
    fields: dict[Literal["who", "what", "when", "computer"], Line]
    sample: Line | None = None

    @model_validator(mode="after")
    def _names_every_field(self) -> LogFormat:
        missing = [name for name in ("who", "what", "when", "computer") if name not in self.fields]
        if missing:
            msg = f"fields: {', '.join(missing)} is missing; records must show all four"
            raise ValueError(msg)
        return self


class ListLoading(Declared):
    """How the assessor's lists get into the service: format, steps, and hours until they hold."""

    format: Line
    steps: Prose
    within_hours: Annotated[int, Field(ge=1, le=720)]


class Answer(Declared):
    """What the supplier certifies of one requirement; ``note`` explains all but *meets*."""

    answer: Literal["meets", "partly", "does-not-meet", "not-applicable"]
    note: Annotated[str, Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _explains(self) -> Answer:
        if self.answer != "meets" and not self.note.strip():
            msg = f"{self.answer} needs a note that says why"
            raise ValueError(msg)
        return self


class Certification(Declared):
    """The supplier's own statement on each requirement of a scheme."""

    scheme: Line
    by: Line
    role: Line
    signed: Time
    answers: Annotated[dict[str, Answer], Field(min_length=1)]


class Submission(Declared):
    """A service, its policy for each profile, its records, its lists, and the self-certification.

    ``policy`` is the matrix: for each category what is done, for all profiles alike or for each.
    """

    submission: Name
    service: SubmittedService
    white_labels: tuple[WhiteLabelName, ...] = ()
    contacts: Annotated[tuple[ContactPerson, ...], Field(min_length=1)]
    references: tuple[Line, ...] = ()
    profiles: Annotated[dict[Name, ProfileDeclaration], Field(min_length=1)]
    policy: Annotated[dict[str, PolicyRow], Field(min_length=1)]
    logs: LogFormat
    lists: ListLoading
    certification: Certification

    def treatment(self, category: str, profile: str) -> Treatment | None:
        """What is done with a category for a profile; one without a row is treated as its parent.

        ``None`` if the matrix does not say.
        """
        while category:
            row = self.policy.get(category)
            if isinstance(row, dict):
                row = row.get(profile)
            if row is not None:
                return row
            category = category.rpartition(".")[0]
        return None
