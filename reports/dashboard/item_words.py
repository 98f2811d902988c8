"""What happened to items in words and signs, and what of an item a viewer may be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.model.hub_access import BOUND, Viewer
from harness.model.verdict import Mechanism, State
from reports.dashboard.campaign_bodies import CampaignBody
from reports.words import STATES, mechanism_name

if TYPE_CHECKING:
    from sqlalchemy import Row

ALLOWED, ALTERED, BLOCKED = State.ALLOWED.value, State.ALTERED.value, State.BLOCKED.value
DOWN, UNDECIDED = State.DOWN.value, State.INSUFFICIENT.value

HAPPENED = {
    ALLOWED: "came through",
    ALTERED: "was changed on the way",
    BLOCKED: "was blocked",
    DOWN: "could not be reached by anybody",
    UNDECIDED: "could not be decided",
}
"""What happened, after the item's name."""

ACTED = {
    ALLOWED: "the service let it through",
    ALTERED: "the service changed it on the way",
    BLOCKED: "the service blocked it",
    DOWN: "nobody could reach it, so that nothing is said about the service",
    UNDECIDED: "what the service did could not be decided",
}
"""What happened, as a sentence without its capital letter."""

EXPECTED = {"block": "block", "allow": "let through", "local": "decide locally"}
"""What a policy asks, in words."""

WORST_FIRST = {
    "block": (ALLOWED, UNDECIDED, ALTERED, DOWN, BLOCKED),
    "allow": (BLOCKED, UNDECIDED, ALTERED, DOWN, ALLOWED),
}
"""The order of states in a list, by what is asked of its items."""


class Sign(NamedTuple):
    """A state's sign and colour, and the word beside it."""

    state: str
    word: str


def sign_of(state: str, expects: str) -> Sign:
    """Whether what happened is what the policy asks."""
    if state == UNDECIDED:
        return Sign("insufficient", "Undecided")
    if state == DOWN:
        return Sign("no-data", "Site down")
    if state == ALTERED:
        return Sign("insufficient", "Changed")
    if expects not in WORST_FIRST:
        return Sign("information", STATES.get(state, state).capitalize())
    is_wrong = state == (ALLOWED if expects == "block" else BLOCKED)
    return Sign("does-not-conform", "Not as expected") if is_wrong else AS_EXPECTED


AS_EXPECTED = Sign("conforms", "As expected")


def names_hidden(viewer: Viewer) -> bool:
    """Whether a viewer may know the items that are hidden from suppliers."""
    return viewer.role not in BOUND


class Told(NamedTuple):
    """What a viewer is told of an item: a hidden one has no name, value or time for suppliers.

    A time would show in a service's log which item it was.
    """

    name: str
    value: str
    tried_at: Any
    is_withheld: bool


def told(row: Row[Any], viewer: Viewer) -> Told:
    """What a viewer is told of the item of a row."""
    if row.is_hidden and not names_hidden(viewer):
        return Told(f"hidden item {row.number}", "", None, is_withheld=True)
    return Told(
        row.item, "" if row.shown == row.item else row.shown, row.tried_at, is_withheld=False
    )


def how(row: Row[Any]) -> str:
    """What happened in a few words: "blocked: a block page was shown"."""
    state, mechanism = str(row.state), str(row.mechanism)
    words = STATES.get(state, state)
    return words if mechanism == Mechanism.NONE else f"{words}: {mechanism_name(mechanism)}"


def acted(row: Row[Any]) -> str:
    """What the service did, in a sentence: "the service blocked it: a block page was shown"."""
    state, mechanism = str(row.state), str(row.mechanism)
    words = ACTED.get(state, state)
    return words if mechanism == Mechanism.NONE else f"{words}: {mechanism_name(mechanism)}"


def expects(body: CampaignBody | None, category: str, profile: str) -> str:
    """What the policy of a campaign's scheme asks of a category for a profile."""
    return body.expects(category, profile) if body else ""
