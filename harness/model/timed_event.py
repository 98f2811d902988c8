"""Timed events: changes whose time is known, and the polls that show when a service follows them.

An event happens at a place that is polled (a host or URL): a page becomes harmful, an entry is
added to a list, a school changes a rule, an appeal is made. Each poll carries what was known of its
event when it was made.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

EventKind = Literal[
    "content", "list", "rule", "appeal", "override", "outage", "drift", "canary", "report"
]
"""What happens: the content of a page changes; a list of the supplier changes; somebody at a school
changes a rule; an appeal against a block is made; an override of a block ends; the filter is off;
a setting differs from the accredited one; a new site becomes harmful; somebody reports a site to
the supplier as wrongly categorised."""

SHOWS_CONTENT: frozenset[EventKind] = frozenset(("content", "canary"))
"""Kinds of events that are changes of a page."""

TestKind = Literal["fault", "failover", "moment"]
"""What an assessor causes while a service is checked: a fault of it, or of its main connection; or
a moment of a device, such as a change of its network."""

Moment = Literal["start", "resume", "network", "portal"]
"""A moment at which a device has no network for some time: it starts; it wakes up; it changes to
another network; it logs in at a network that shows a login page until then."""

MOMENTS: tuple[Moment, ...] = get_args(Moment)

Asks = Literal["block", "allow"]
"""What a service has to do because of an event."""

ROUND = 600_000
"""Added to the number of a poll (from 1) for the round of its attempt keys.

See ``harness.model.plain_twin.ROUNDS`` for the other offsets.
"""

MOST_POLLS = 99_000
"""The most polls of one journal, so that the rounds stay apart from others."""


class EventNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a poll or a check knows of its event; ``at`` is when it happens, aware UTC.

    ``name`` is that of a fault which an assessor caused, or a ``Moment``. ``is_plain``: the place
    is in no zone that is known to be used for tests.
    """

    kind: EventKind | TestKind
    asks: Asks
    at: datetime | None = None
    name: str = ""
    is_plain: bool = False


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """One poll of an event on a line, for a profile, with a probe.

    ``state`` is ``blocked``, ``allowed``, or ``undecided``; ``why`` says why it is undecided.
    """

    event: str
    note: EventNote
    category: str
    line: str
    profile: str
    probe: str
    started: datetime
    state: Literal["blocked", "allowed", "undecided"]
    why: str = ""
