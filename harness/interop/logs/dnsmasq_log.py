"""The query log of dnsmasq: ``log-queries``, with or without ``extra`` or ``proto``.

A question and its answer are two lines, and two entries: the first states the client, the second
what was answered. Only ``extra`` and ``proto`` state the client in the answer as well. Measured
with dnsmasq 2.91, which writes to a file or to syslog, in local time without a year. Pi-hole's
lines (``gravity blocked``, ``regex denied``) are those of its changed dnsmasq (docs.pi-hole.net).

An answer says "blocked" if it is a null address, NXDOMAIN by the configuration, or an address in
``blocked`` of the mapping (that of a block page); "allowed" if it is another address that a name
server gave. Any other answer says neither.
"""

from __future__ import annotations

import re
from datetime import datetime

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.envelope import open_envelope
from harness.interop.logs.line_reader import LogOptions, client_and_device, unreadable
from harness.interop.logs.times import LogTimes
from harness.model.log_entry import LogEntry, LogVerdict

_EXTRA = re.compile(r"(?:(?:UDP|TCP) )?\d+ (\S+)/\d+ (?=\S)")
"""The protocol, the number of the question, and the address and port of the client."""
_QUESTION = re.compile(r"query\[[\w=-]{1,20}\] (.+) from (\S+)", re.DOTALL)
_ANSWER = re.compile(r"(\S.*?) (\S+) is (\S.*)", re.DOTALL)
_SOURCE = re.compile(
    r"config|reply|cached(?:-stale)?|auth|/.*|[a-z ]*(?:blocked|denied|blacklisted)"
)

NULL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - read, not bound
_LISTS = ("blocked", "denied", "blacklisted")


@LOG_IMPORTERS.register("dnsmasq-log")
class DnsmasqLog:
    """The query log of dnsmasq: a question and its answer are two entries."""

    def __init__(self, options: LogOptions) -> None:
        self._times = LogTimes(options.zone, options.now)
        self._blocked = NULL_ADDRESSES.union(options.mapping.blocked if options.mapping else ())

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the question or the answer of a line; None for other messages."""
        envelope = open_envelope(text, self._times)
        if envelope is None or not envelope.program:
            raise unreadable("dnsmasq-log", text)
        if envelope.program.rpartition("/")[2] not in ("dnsmasq", "pihole-FTL"):
            return None
        message, who = envelope.message, ""
        if extra := _EXTRA.match(message):
            message, who = message[extra.end() :], extra[1]
        if found := _QUESTION.fullmatch(message):
            return _made(line, envelope.at, found[1], found[2], "")
        found = _ANSWER.fullmatch(message)
        if found is None or not _SOURCE.fullmatch(found[1]) or found[2] == "error":
            return None
        source, name, answer = found.groups()
        return _made(line, envelope.at, name, who, self._verdict(source, answer))

    def _verdict(self, source: str, answer: str) -> LogVerdict:
        is_null = answer in self._blocked or source.endswith(_LISTS)
        if is_null or (source == "config" and answer == "NXDOMAIN"):
            return "blocked"
        is_given = source.startswith(("reply", "cached")) and client_and_device(answer)[0]
        return "allowed" if is_given else ""


def _made(line: int, at: datetime | None, name: str, who: str, verdict: LogVerdict) -> LogEntry:
    client, device = client_and_device(who)
    return LogEntry(line=line, at=at, client=client, device=device, url=name, verdict=verdict)
