"""The query log of Unbound: ``log-queries``, ``log-replies``, ``log-local-actions``, ``rpz-log``.

A question, an action and an answer are lines of their own, and entries of their own; each states
the client. Measured with Unbound 1.26.2: times are seconds since 1970, local time without a year
(``log-time-ascii``; the manual says UTC), or ISO 8601 with its zone (``log-time-iso``); through
syslog, syslog's. Characters of a name that cannot be printed are ``?``.

An action says "blocked" if it denies, refuses or answers with nothing, or is in ``blocked`` of the
mapping (``redirect``, ``rpz-local-data``). An answer says it only if it is REFUSED: the log does
not show addresses, and NXDOMAIN is also the answer for a name that does not exist. The name that
``rpz-log-name`` gives to a zone is the category.
"""

from __future__ import annotations

import re
from datetime import datetime

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.envelope import read_time
from harness.interop.logs.line_reader import LogOptions, client_and_device, unreadable
from harness.interop.logs.times import LogTimes
from harness.model.log_entry import LogEntry, LogVerdict

_EPOCH = re.compile(r"\[(\d{1,11})\] (.*)", re.DOTALL)
_MESSAGE = re.compile(
    r"(?:[^\s\[]+ )?[\w./-]{1,100}\[\d+(?::\d+)?\]:? (?:\[\d+:[\da-f]+\] )?(\w{1,20}): (.*)",
    re.DOTALL,
)
"""Host, program, process and thread, and level: ``unbound[20987:0] info: ``."""
_REQUEST = re.compile(
    r"(\S+) (\S+) [A-Z]+\d* [A-Z]+\d*(?: ([A-Z]+\d*) \d+\.\d+ [01] (\d{1,10})(?: on .*)?)?"
)
_ACTION = re.compile(
    r"(?:rpz: applied (?:\[([^\]]*)\] )?)?\S+ ([\w-]+) (\S+)@\d+ (\S+) [A-Z]+\d* [A-Z]+\d*"
)

BLOCKING = frozenset(
    {
        "deny", "refuse", "always_deny", "always_refuse", "always_nxdomain", "always_nodata",
        "always_null", "inform_deny", "rpz-nxdomain", "rpz-nodata", "rpz-drop",
    }
)  # fmt: skip
ALLOWING = frozenset({"always_transparent", "rpz-passthru"})


@LOG_IMPORTERS.register("unbound-log")
class UnboundLog:
    """The query log of Unbound: a question, an action and an answer are entries of their own."""

    def __init__(self, options: LogOptions) -> None:
        self._times = LogTimes(options.zone, options.now)
        self._blocking = BLOCKING.union(options.mapping.blocked if options.mapping else ())

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the question, the action or the answer of a line; None for other messages."""
        timed: tuple[datetime | None, str] | None
        if found := _EPOCH.fullmatch(text):
            timed = self._times.epoch(found[1]), found[2]
        elif (timed := read_time(text, self._times)) is None:
            raise unreadable("unbound-log", text)
        at, rest = timed
        message = _MESSAGE.fullmatch(rest)
        if message is None:
            if found:
                raise unreadable("unbound-log", text)
            return None  # of another program
        if request := _REQUEST.fullmatch(message[2]):
            who, name, code, size = request.groups()
            verdict: LogVerdict = "blocked" if code == "REFUSED" else ""
            return _made(line, at, who, name, verdict, received=int(size) if size else None)
        if action := _ACTION.fullmatch(message[2]):
            category, kind, who, name = action.groups()
            return _made(line, at, who, name, self._verdict(kind), category=category or "")
        return None

    def _verdict(self, action: str) -> LogVerdict:
        if action in self._blocking:
            return "blocked"
        return "allowed" if action in ALLOWING else ""


def _made(
    line: int,
    at: datetime | None,
    who: str,
    name: str,
    verdict: LogVerdict,
    *,
    category: str = "",
    received: int | None = None,
) -> LogEntry | None:
    client, _ = client_and_device(who)
    if not client:
        return None  # another message of four words
    return LogEntry(
        line=line,
        at=at,
        client=client,
        url=name.removesuffix(".") or ".",
        verdict=verdict,
        category=category,
        received=received,
    )
