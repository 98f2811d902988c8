"""What people may do about action plans, decisions and alarms, as the pages see it.

Who may act, and whether that is possible now, is decided where the act is recorded (``Acts``), by
the rules of the commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from harness.model.decision import Proposal
from harness.model.hub_access import GRANTS, Permission, Viewer
from harness.model.person_names import actor_name


class ActRefused(Exception):
    """A rule refuses an act: why, and who may, in a sentence. Nothing was recorded."""


class Acts(Protocol):
    """Records acts in the registry, for a viewer. The methods block, and may run in threads.

    All raise SignInNeeded for the public, NotHere where the viewer lacks the permission, does not
    see the supplier or there is no such thing, ActRefused if a rule refuses, and HarnessError.
    ``revision`` is what the form was made from: after another act it is refused.
    """

    def act_on_plan(
        self,
        viewer: Viewer,
        stream: str,
        plan: str,
        act: str,
        values: Mapping[str, str],
        revision: int,
    ) -> None:
        """Carry out one of ``PLAN_ACTS``; ``values`` are those of its form's fields."""

    def decide(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> str:
        """Decide about a campaign or again, and return the decision's id.

        ``revision`` is the number of decisions of the supplier.
        """

    def recommend(
        self, viewer: Viewer, stream: str, name: str, values: Mapping[str, str], revision: int
    ) -> None:
        """Review the evaluation of a campaign, and recommend what to decide about it."""

    def acknowledge(self, viewer: Viewer, stream: str, alarm: str, note: str) -> None:
        """Acknowledge an alarm."""

    def proposal(self, viewer: Viewer, stream: str, name: str) -> Proposal:
        """What the rules propose about a campaign that waits for a decision."""


def actor_of(viewer: Viewer) -> str:
    """The actor of the events that a viewer records: the name with the account's id."""
    return actor_name(viewer.name, viewer.person)


def who_may(permission: Permission) -> str:
    """The roles that have a permission, in words: "an assessor or a decision maker"."""
    roles = [role.replace("-", " ") for role, granted in GRANTS.items() if permission in granted]
    return " or ".join(f"{'an' if role[0] in 'aeiou' else 'a'} {role}" for role in roles)


_ON_THE_COMMAND_LINE = re.compile(
    r" \((?:--|'?accredit )[^)]*\)|[;,] (?:record it|add it): accredit .*| <[0-9A-Za-z-]{1,12}>"
)


def sentence_of(refusal: str, permission: Permission | None = None) -> str:
    """Why a rule refuses an act, as a sentence for a page; with ``permission``, who else may act.

    Options of commands, and the ids of accounts behind names, are left out.
    """
    words = _ON_THE_COMMAND_LINE.sub("", refusal).strip().rstrip(".")
    words = f"{words[:1].upper()}{words[1:]}."
    if permission is not None and "somebody else" in words.lower():
        words += f" Another person may: {who_may(permission)}."
    return words
