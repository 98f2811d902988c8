"""Listed pages: stimuli of an origin for a list of illegal addresses, and attempts to lift it.

A stratum names the case and the scheme of an item: ``ILL.CSAM/hard:long/https`` is a listed page
whose address is hard to match, and ``twin:ILL.CSAM/site/http`` another page of a listed site.
``Overrides`` records what a tester did at the administration of a filter before a campaign.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.declared import Declared
from harness.model.network_signal import signal_name

LIST_SCHEMES: dict[str, str] = {"http": "over HTTP", "https": "over HTTPS"}
"""The schemes by which listed pages are tried, and their words for people."""

SITE = "site"
"""A site of which one page is listed, and its other pages."""
ADDRESS = "address"
"""A listed site, and a harmless one at the same IP address."""
ENTRY = "entry"
"""A listed page to which ``REDIRECTED`` leads."""
REDIRECTED = "hard:redirected"
"""A page that is not listed itself, and leads to a listed one."""
SEVERAL_ADDRESSES = "hard:addresses"

HARD_CASES: dict[str, str] = {
    "hard:long": "of more than 255 characters",
    "hard:very-long": "of more than 1,000 characters",
    "hard:space": "with spaces",
    "hard:colon": "with colons",
    "hard:query": "with question marks",
    "hard:percent": "with percent signs",
    SEVERAL_ADDRESSES: "on a host with several IP addresses",
    "hard:redirecting": "that lead through redirects to another page",
    REDIRECTED: "reached through a chain of redirects",
}
"""Kinds of list entries that are hard to match (ENEX 2009), and their words for people."""

OVERRIDE = "override-"
"""What precedes the number in the name of a canary that is kept for attempts to lift its block."""


class CaseName(NamedTuple):
    """The case that a stratum names, and its scheme; both empty if it names none."""

    case: str
    scheme: str


def case_of(stratum: str) -> CaseName:
    """Return the case and the scheme that a stratum names."""
    case, _, scheme = variant_of(stratum).rpartition("/")
    return CaseName(case, scheme) if scheme in LIST_SCHEMES else CaseName("", "")


def without_case(stratum: str) -> str:
    """Return the stratum of an item without the case of a listed page: all of them are one group.

    The cases have few items each, and requirements of their own.
    """
    is_canary = variant_of(stratum).startswith(OVERRIDE)
    return stratum.partition("/")[0] if is_canary or case_of(stratum).case else stratum


def is_for_lists(item: Item) -> bool:
    """Whether a supplier's list may have an item.

    Neither a page that only leads to a listed one, nor a name that networks answer as a signal.
    """
    return case_of(item.stratum).case != REDIRECTED and not signal_name(item.host)


OverrideAction = Literal["allow_list", "turn_off"]
ACTIONS: dict[OverrideAction, str] = {
    "allow_list": "allow-listing",
    "turn_off": "turning the block off",
}
"""What a role may try, and its words for people."""


def _day(value: Any) -> Any:
    """Parse a day such as ``2026-11-27``, which YAML gives as a date or as text."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        msg = "a day is written like 2026-11-27"
        raise ValueError(msg) from None


def _canary(text: str) -> str:
    if not text.removeprefix(OVERRIDE).isdigit() or not text.startswith(OVERRIDE):
        msg = f"{text!r} is no canary for overrides; their ids are like {OVERRIDE}01"
        raise ValueError(msg)
    return text


Role = Annotated[str, Field(pattern=r"^\S.{0,78}\S$")]
Canaries = Annotated[
    tuple[Annotated[str, AfterValidator(_canary)], ...], Field(min_length=1, strict=False)
]


class OverrideAttempt(Declared):
    """That a role tried ``action`` on ``canaries`` for ``profiles``, on the day ``on``.

    ``canaries`` are ids of items of the pack ``illegal-pages``.
    """

    role: Role
    action: OverrideAction
    profiles: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    canaries: Canaries
    on: Annotated[date, BeforeValidator(_day)]


class Overrides(Declared):
    """Attempts of school roles to lift the block of illegal pages, made before the campaign.

    ``roles`` are all roles of the school that can change anything about the filter.
    """

    roles: Annotated[tuple[Role, ...], Field(min_length=1, strict=False)]
    attempts: Annotated[tuple[OverrideAttempt, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _roles_are_declared(self) -> Overrides:
        for attempt in self.attempts:
            if attempt.role not in self.roles:
                msg = f"the role {attempt.role!r} of an attempt is not among 'roles'"
                raise ValueError(msg)
        return self
