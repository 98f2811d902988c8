"""Users of a service: who share an address (POL-05), and who get the default policy (POL-07).

Users share a path through the service: the client's address and the address of the service. Each
sends a name of their own. An item that is blocked for one and open for another shows whose policy
answered.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec
from pydantic import Field

from harness.model.declared import Declared

ROUND = 600_000
"""Added to the turn of such an attempt for the round of its key; see ``harness.model.batch``."""

ALONE_TURN = 1
"""In the first turn one user after the other tries all items; in the others all at once."""

MOST_TURNS = 101
"""The most turns, the first included: few items do not stand for all."""

UserKind = Literal["unidentified", "guest", "own_device", "off_site"]
"""Users who get the default policy: requests without a name, guests, devices that users bring with
them, and devices off site."""

USER_KINDS: dict[UserKind, str] = {
    "unidentified": "users who are not identified",
    "guest": "guests",
    "own_device": "personal devices",
    "off_site": "devices off site",
}
"""The kinds of users with the default policy, in words."""


NotOffered = Literal["guest", "own_device", "off_site"]
"""Users whom a service may declare not to serve; a request without a name can always be made."""


class ConcurrentUsers(Declared):
    """How many requests users of one address make at the same time; 0 for none.

    ``events`` is the number for each line, over all its probes; ``items`` is the most different
    items of each probe.
    """

    events: Annotated[int, Field(ge=0, le=100_000)] = 1000
    items: Annotated[int, Field(ge=1, le=1000)] = 50


class LineUser(NamedTuple):
    """Whose requests a line carries: the path that users share, and the name they send.

    An empty name is that of a user who is not identified.
    """

    path: str
    name: str


class UserTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One item tried for one user. ``state`` is a value of ``harness.model.verdict.State``.

    With ``is_alone`` no other user was active; with ``is_concurrent`` another user's request was
    under way on the same line.
    """

    item: str
    value: str
    category: str
    line: str
    profile: str
    probe: str
    state: str
    mechanism: str
    rule: str
    is_alone: bool = False
    is_concurrent: bool = False


class Users(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the users of a campaign, and where they are.

    ``trials`` are those of users of one address. ``places`` are the lines and profiles of users
    with the default policy, with the kinds of these users; ``not_offered`` are the kinds that the
    service is declared not to serve. ``sites`` are those of the lines, and ``exceptions`` the
    categories and hosts on which a site is declared to differ from the others.
    """

    trials: tuple[UserTrial, ...] = ()
    places: dict[tuple[str, str], tuple[UserKind, ...]] = {}
    not_offered: tuple[NotOffered, ...] = ()
    sites: dict[str, str] = {}
    exceptions: dict[str, tuple[str, ...]] = {}

    @property
    def missing(self) -> tuple[UserKind, ...]:
        """The kinds of users that no line or profile is declared for."""
        declared = {kind for kinds in self.places.values() for kind in kinds}
        return tuple(kind for kind in USER_KINDS if kind not in {*declared, *self.not_offered})


NO_USERS = Users()
"""Nothing is known of the users."""
