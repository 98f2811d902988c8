"""Who looks at a hub, and what each role may do there.

A viewer is a person who signed in, a program with an API token, or the public. What a role may do
is in one table, ``GRANTS``; which suppliers and sites a viewer sees is part of the viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles of people; everybody else is the public."""

    ADMINISTRATOR = "administrator"
    SCHEME_OWNER = "scheme-owner"
    ASSESSOR = "assessor"
    DECISION_MAKER = "decision-maker"
    SUPPLIER = "supplier"
    SCHOOL = "school"
    PUBLIC = "public"


class Permission(StrEnum):
    """One thing that a viewer may do, within the suppliers and sites that it sees."""

    READ_RESULTS = "read-results"
    """Figures of services, campaigns and requirements."""
    READ_ITEMS = "read-items"
    """Which items a campaign tried, and what happened to each."""
    READ_EVIDENCE = "read-evidence"
    """Observations, and bodies that were kept; each reading is audited."""
    READ_PLANS = "read-plans"
    READ_DECISIONS = "read-decisions"
    READ_ALARMS = "read-alarms"
    READ_SITES = "read-sites"
    """Sites and the state of their agents."""
    UPLOAD = "upload"
    """Send signed bundles."""
    PROPOSE_PLAN = "propose-plan"
    """The supplier's part of a plan: submit it, report progress, claim the fix."""
    AGREE_PLAN = "agree-plan"
    """The assessor's part of a plan: agree it, escalate it."""
    CLOSE_PLAN = "close-plan"
    REVIEW = "review"
    """Review an evaluation, and recommend what to decide."""
    DECIDE = "decide"
    ACKNOWLEDGE = "acknowledge"
    """Acknowledge alarms."""
    ADMINISTER = "administer"
    """People, tokens and sessions."""
    READ_AUDIT = "read-audit"


_P = Permission
_FIGURES = {_P.READ_RESULTS, _P.READ_PLANS, _P.READ_DECISIONS, _P.READ_ALARMS, _P.READ_SITES}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset({_P.ADMINISTER, _P.READ_AUDIT, _P.READ_SITES}),
    Role.SCHEME_OWNER: frozenset(
        _FIGURES | {_P.READ_ITEMS, _P.READ_EVIDENCE, _P.READ_AUDIT, _P.ACKNOWLEDGE}
    ),
    Role.ASSESSOR: frozenset(
        _FIGURES
        | {_P.READ_ITEMS, _P.READ_EVIDENCE, _P.UPLOAD, _P.AGREE_PLAN, _P.CLOSE_PLAN}
        | {_P.ACKNOWLEDGE, _P.REVIEW}
    ),
    Role.DECISION_MAKER: frozenset(
        _FIGURES | {_P.READ_ITEMS, _P.READ_EVIDENCE, _P.REVIEW, _P.DECIDE, _P.CLOSE_PLAN}
    ),
    Role.SUPPLIER: frozenset(_FIGURES | {_P.READ_ITEMS, _P.UPLOAD, _P.PROPOSE_PLAN}),
    Role.SCHOOL: frozenset({_P.READ_SITES}),
    Role.PUBLIC: frozenset(),
}
"""What each role may do. The register of accredited services needs no permission."""

BOUND = frozenset({Role.SUPPLIER, Role.SCHOOL, Role.PUBLIC})
"""The roles that never see every supplier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks. ``streams`` are those of the suppliers that it sees, ``None`` means every one.

    ``person`` is the id of the account, ``name`` what people call it. ``sites`` are the names of
    the schools that it belongs to. ``only`` are the permissions of a token, ``None`` of a session.
    """

    role: Role = Role.PUBLIC
    person: str = ""
    name: str = ""
    streams: frozenset[str] | None = frozenset()
    sites: frozenset[str] = frozenset()
    only: frozenset[Permission] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a role that must not see every supplier."""
        if self.streams is None and self.role in BOUND:
            msg = f"a {self.role} never sees every supplier"
            raise ValueError(msg)

    @property
    def is_public(self) -> bool:
        """Whether nobody signed in."""
        return self.role is Role.PUBLIC

    def may(self, permission: Permission) -> bool:
        """Whether the viewer may do this, within what it sees."""
        is_allowed = self.only is None or permission in self.only
        return is_allowed and permission in GRANTS[self.role]

    def sees(self, stream: str) -> bool:
        """Whether the viewer sees a supplier's stream."""
        return self.streams is None or stream in self.streams


PUBLIC = Viewer()
"""Everybody who has not signed in."""
