"""Squid's native access log (``logformat squid``), also with fields added at its end.

``%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`` (squid.conf, logformat). Measured
with Squid 6.13: the query of a URL is cut off after ``?`` unless ``strip_query_terms off`` is set,
a user name is percent-encoded but for blanks, and bytes of a URL that are not ASCII are logged as
they came. A connection that asked for nothing is logged with the method ``-``.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.line_reader import (
    LogOptions,
    client_and_device,
    http_status,
    refuse_mapping,
    stated,
    unreadable,
    whole_number,
)
from harness.interop.logs.times import LogTimes
from harness.model.log_entry import LogEntry, LogVerdict

SQUID_LINE = re.compile(
    r"(\d{1,11}\.\d{1,6}) +-?\d+ ([^ ]+) ([A-Z][A-Z_]*)/(\d{3}) (\d+|-) ([^ ]+) ([^ ]+) "
    r"(.*?) [A-Z][A-Z_]*/[^ ]* [^ ]*( .*)?",
    re.DOTALL,
)
"""Time, client, result, status, bytes, method, URL, user; then the peer, the media type, others."""
_CATEGORY = re.compile(r'(?: (?!-(?: |$))[^ "]+)* "([^"]*)"')
"""Added fields up to the first one in quotes, none of which is a hyphen."""
CHALLENGE = 407
"""The status that asks for a user name: nothing is blocked yet (RFC 9110 section 15.5.8)."""


@LOG_IMPORTERS.register("squid-log")
class SquidLog:
    """Squid's native access log, also with fields added at the end of each line.

    The first added field in quotes is the category, such as that of ``"%note"``, unless a field
    before it is a hyphen.
    """

    def __init__(self, options: LogOptions) -> None:
        refuse_mapping("squid-log", options)
        self._times = LogTimes(None, options.now)

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the request of a line; None if the client asked for nothing that Squid read."""
        found = SQUID_LINE.fullmatch(text)
        if found is None:
            raise unreadable("squid-log", text)
        at, who, result, status, size, method, url, user, added = found.groups()
        if method == "-":
            return None
        client, device = client_and_device(stated(who))
        return LogEntry(
            line=line,
            at=self._times.epoch(at),
            user=unquote(stated(user), errors="backslashreplace"),
            client=client,
            device=device,
            method=method,
            url=url,
            status=http_status(status),
            verdict=squid_verdict(result, status),
            received=whole_number(size, "bytes"),
            category=_category(added or ""),
        )


def _category(added: str) -> str:
    found = _CATEGORY.match(added)
    return stated(found[1]) if found else ""


def squid_verdict(result: str, status: str) -> LogVerdict:
    """What Squid did, by its result code; empty for a CONNECT that it opens, and for an error.

    ``TCP_REDIRECT`` is the answer of a helper, which may block or lead to a safe search.
    """
    if result.startswith("TCP_DENIED"):
        return "" if int(status) == CHALLENGE else "blocked"
    if result.startswith(("NONE", "TAG_NONE", "TCP_REDIRECT")):
        return ""
    return "allowed"
