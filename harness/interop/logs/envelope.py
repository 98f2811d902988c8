"""The envelope of a syslog message: its time, host and program (RFC 5424, RFC 3164).

Also read: the times of rsyslog and journald (ISO 8601), a line without a host (a file that a
program writes itself), and a priority alone (firewalls that put date and time into the message).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from harness.interop.logs.times import LogTimes

_RFC_5424 = re.compile(r"<\d{1,3}>\d{1,2} (\S+) (\S+) (\S+) \S+ \S+ ?(.*)", re.DOTALL)
_BSD = re.compile(
    r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.\d{1,9})? (.*)", re.DOTALL
)
_ISO = re.compile(
    r"(?:<\d{1,3}>)?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) (.*)",
    re.DOTALL,
)
_PRIORITY = re.compile(r"<\d{1,3}>(.*)", re.DOTALL)
_TAG = re.compile(r"(?:(\S+)(?<!:) )?([\w./-]{1,100}?)(?:\[([^\]\s]{0,40})\])?: ?(.*)", re.DOTALL)
_ELEMENTS = re.compile(r'(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*+")*+\])+ ?', re.DOTALL)


class Envelope(NamedTuple):
    """What surrounds a message; what is not stated is empty, and ``at`` None.

    ``elements`` are the structured data of RFC 5424.
    """

    at: datetime | None
    host: str
    program: str
    message: str
    elements: str = ""


def open_envelope(text: str, times: LogTimes | None) -> Envelope | None:
    """Return the envelope and the message of a line; None if it has no envelope.

    Without ``times`` its time is not read. Raises as the methods of ``LogTimes``.
    """
    if found := _RFC_5424.fullmatch(text):
        return _opened_5424(found, times)
    if timed := read_time(text, times):
        return _tagged(*timed)
    if found := _PRIORITY.fullmatch(text):
        return Envelope(None, "", "", found[1])
    return None


def read_time(text: str, times: LogTimes | None) -> tuple[datetime | None, str] | None:
    """Return the time at the start of a line, and what follows it; None if there is none.

    Without ``times`` the time is None. Raises as the methods of ``LogTimes``.
    """
    if found := _BSD.fullmatch(text):
        month, day, clock, rest = found.groups()
        return times.without_year(month, day, clock) if times else None, rest
    if found := _ISO.fullmatch(text):
        return times.iso(found[1]) if times else None, found[2]
    return None


def _opened_5424(found: re.Match[str], times: LogTimes | None) -> Envelope:
    stamp, host, program, rest = found.groups()
    at = times.iso(stamp) if times and stamp != "-" else None
    elements = ""
    if data := _ELEMENTS.match(rest):
        elements, rest = data[0], rest[data.end() :]
    else:
        rest = rest.removeprefix("-").removeprefix(" ")
    names = ["" if name == "-" else name for name in (host, program)]
    return Envelope(at, names[0], names[1], rest.removeprefix("\ufeff"), elements)


def _tagged(at: datetime | None, rest: str) -> Envelope:
    """Split ``host program[pid]: message``; host and program may be absent."""
    if found := _TAG.fullmatch(rest):
        return Envelope(at, found[1] or "", found[2], found[4])
    return Envelope(at, "", "", rest)
