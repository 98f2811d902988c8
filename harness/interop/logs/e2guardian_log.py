"""The access log of e2guardian 5.5, in each of its formats (``logfileformat`` 1 to 8).

The formats are those of ``e2guardian.conf`` of 5.5.8; each line is recognised by its shape. 1, 2
and 4 (blanks, CSV, tabs) have local times; 3 (Squid) and 5 to 8 (tabs) have seconds since 1970.
Measured: an absent value is empty or a hyphen (``usedashforblank``), a client is an address or,
with ``logclienthostnames``, a name; a block is logged as 403 although its page is sent as 200.
Format 3 logs TCP_DENIED/403 also where the site itself answered 403 (source, AccessLogger.cpp).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

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
from harness.interop.logs.squid_log import SQUID_LINE, squid_verdict
from harness.interop.logs.times import LogTimes
from harness.model.log_entry import LogEntry, LogVerdict

_TAG = "(accesslog) "
"""What ``tag_logs`` puts before each line."""
_LOCAL = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2}) (\d{1,2}):(\d\d):(\d\d)(?: \d+\.\d+)?")
"""A local time; with ``logtimestamp`` the seconds since 1970 follow."""
_SECONDS = re.compile(r"\d{1,11}\.\d{3}")
_FLAGS = re.compile(r"-?|\d*:[A-Za-z]*:[^:]*:.*", re.DOTALL)
"""The last field of formats 7 and 8, such as ``21544:PH::def``."""
_BETWEEN = '","'
_METHOD = re.compile(r"[A-Z][A-Z-]{1,20}")
_STATUS = re.compile(r"\d{3}")
_NUMBER = re.compile(r"-?\d{1,18}")

_MARK = re.compile(r"\*([^* ][^*]*)\*")
"""A mark of a reason, such as ``*DENIED*``."""
_PASSED = frozenset(
    ("EXCEPTION", "TRUSTED", "SEMI-TRUSTED", "SCANNED", "CONTENTMOD", "URLMOD", "HEADERMOD")
)
"""Marks of pages that came, also where the site itself answered 403 (messages, 51 to 60)."""
_ERRORS = frozenset(("NETERROR", "NETZWERKFEHLER", "ERRORE DI RETE"))
"""Marks of an error on the way to the site, logged as 403: nothing was blocked (message 59)."""

LONG_FIELDS, SHORT_FIELDS, NATIVE_FIELDS = 21, 19, 19
"""Fields of formats 7 and 8, of 5 and 6, and of 1, 2 and 4."""
FORBIDDEN = 403


@LOG_IMPORTERS.register("e2guardian-log")
class E2GuardianLog:
    """The access log of e2guardian 5.5, in each of its formats (1 to 8)."""

    def __init__(self, options: LogOptions) -> None:
        refuse_mapping("e2guardian-log", options)
        self._times = LogTimes(options.zone, options.now)

    def entry(self, line: int, text: str) -> LogEntry:
        """Return the request of a line."""
        text = text.removeprefix(_TAG)
        if text.startswith('"'):
            return self._native(line, text, _csv_fields(text))
        if local := _LOCAL.match(text):
            separator, rest = text[local.end() :][:1], text[local.end() + 1 :]
            fields = rest.split("\t") if separator == "\t" else _blank_fields(rest)
            return self._native(line, text, [local[0], *fields])
        return self._tabbed(line, text) if "\t" in text else self._squid(line, text)

    def _native(self, line: int, text: str, fields: Sequence[str]) -> LogEntry:
        """Formats 1, 2 and 4: when who from where what how size weight category group code ..."""
        local = _LOCAL.fullmatch(fields[0]) if len(fields) >= NATIVE_FIELDS else None
        if local is None:
            raise unreadable("e2guardian-log", text)
        _, who, computer, url, what, method, size, _, category, _, code = fields[:11]
        try:
            year, month, day, hour, minute, second = map(int, local.groups())
            moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is added by LogTimes
        except ValueError:
            raise unreadable("e2guardian-log", text) from None
        return _made(
            line=line,
            at=self._times.utc(moment),
            user=who,
            computer=computer,
            method=method,
            url=url,
            code=code,
            what=what,
            size=size,
            category=category,
        )

    def _squid(self, line: int, text: str) -> LogEntry:
        """Format 3: Squid's, where the user is empty by default."""
        found = SQUID_LINE.fullmatch(text)
        if found is None:
            raise unreadable("e2guardian-log", text)
        at, computer, result, code, size, method, url, user, _ = found.groups()
        return _made(
            line=line,
            at=self._times.epoch(at),
            user=user,
            computer=computer,
            method=method,
            url=url,
            code=code,
            size=size,
            verdict=squid_verdict(result, code),
        )

    def _tabbed(self, line: int, text: str) -> LogEntry:
        """Formats 5 to 8. A tab in the name of the browser moves the fields after it."""
        fields = text.split("\t")
        is_long = len(fields) >= LONG_FIELDS and _FLAGS.fullmatch(fields[-1]) is not None
        expected = LONG_FIELDS if is_long else SHORT_FIELDS
        moved = len(fields) - expected
        if moved < 0 or not _SECONDS.fullmatch(fields[0]):
            raise unreadable("e2guardian-log", text)
        return _made(
            line=line,
            at=self._times.epoch(fields[0]),
            user=fields[2],
            computer=fields[3],
            url=fields[4],
            method=fields[5],
            code=fields[6],
            size=fields[7],
            what=fields[14 + moved],
            category=fields[16 + moved],
            search=fields[19 + moved] if is_long else "",
        )


def _made(
    *,
    line: int,
    at: datetime,
    user: str,
    computer: str,
    method: str,
    url: str,
    code: str,
    size: str,
    what: str = "",
    category: str = "",
    search: str = "",
    verdict: LogVerdict | None = None,
) -> LogEntry:
    client, device = client_and_device(stated(computer))
    status = http_status(code)
    return LogEntry(
        line=line,
        at=at,
        user=stated(user),
        client=client,
        device=device,
        method=method,
        url=url,
        status=status,
        verdict=_verdict(stated(what), status) if verdict is None else verdict,
        category=stated(category),
        received=whole_number(size, "bytes"),
        search=stated(search),
    )


def _verdict(what: str, status: int | None) -> LogVerdict:
    """What the reasons say, or the status beside a reason in a language that is not known here.

    A status of 403 without a reason is the site's own.
    """
    if "*DENIED" in what or "*INFECTED" in what:
        return "blocked"
    marks = _MARK.findall(what)
    if not _ERRORS.isdisjoint(marks):
        return ""
    is_known = bool(marks) and _PASSED.issuperset(marks)
    return "blocked" if status == FORBIDDEN and what and not is_known else "allowed"


def _csv_fields(text: str) -> list[str]:
    """The fields of format 2, in which quotes within a URL are not doubled."""
    fields = text[1:].removesuffix('"').split(_BETWEEN)
    how = next((at for at in range(5, len(fields) - 2) if _is_method(fields, at)), 0)
    if not how:
        return []
    return [*fields[:3], _BETWEEN.join(fields[3 : how - 1]), *fields[how - 1 :]]


def _blank_fields(text: str) -> list[str]:
    """The fields of format 1, where reason and category may have blanks.

    They are found by what follows: the method and two numbers, and the group and the status. What
    comes after the status is one field.
    """
    words = text.split(" ")
    where = next((at for at, word in enumerate(words) if "://" in word), 0)
    how = next((at for at in range(where + 2, len(words) - 2) if _is_method(words, at)), 0)
    for at in range(how + 4, len(words) - 1) if where > 1 and how else ():
        if words[at].isdigit() and _STATUS.fullmatch(words[at + 1]):
            what, category = " ".join(words[where + 1 : how]), " ".join(words[how + 3 : at])
            head = [" ".join(words[: where - 1]), words[where - 1], words[where], what]
            head += [*words[how : how + 3], category, *words[at : at + 2]]
            return head + [""] * (NATIVE_FIELDS - 1 - len(head))
    return []


def _is_method(words: Sequence[str], at: int) -> bool:
    is_word = _METHOD.fullmatch(words[at]) is not None
    return is_word and all(map(_NUMBER.fullmatch, words[at + 1 : at + 3]))
