"""Entries of a service's own log, as the log states them.

A log says who did what, when, and on which computer (Becta 2008; DfE filtering and monitoring
standards). A reader of a log format turns each line into a ``LogEntry``; what a log does not state
is empty.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

LogVerdict = Literal["", "blocked", "allowed"]
"""What the log says that the service did with a request; empty if it does not say it."""


AlertPriority = Literal["", "urgent", "normal", "low"]
"""How urgent an alert says that it is; empty if it does not say it."""


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a log.

    ``line`` is its number in the file, from 1. ``at`` is when the log says that it happened, aware.
    ``user`` is the name of the person, ``client`` the address and ``device`` the name of the
    computer. ``url`` is what was asked for: an address, or a host alone where the service saw no
    more (CONNECT, DNS). ``status`` is the HTTP status that the log shows, ``received`` and ``sent``
    are bytes to and from the client. ``search`` is a search term in a field of its own. In a record
    of administration ``action`` is what was done and ``reason`` why. An alert names in ``to`` who
    received it; in no other entry is it set. Its ``url`` is the host of the session, its ``search``
    what it quotes of the search; without a host, it is not known what it quotes.
    """

    line: int
    at: datetime | None = None
    user: str = ""
    client: str = ""
    device: str = ""
    method: str = ""
    url: str = ""
    status: int | None = None
    verdict: LogVerdict = ""
    category: str = ""
    received: int | None = None
    sent: int | None = None
    search: str = ""
    action: str = ""
    reason: str = ""
    to: tuple[str, ...] = ()
    priority: AlertPriority = ""
