"""Messages of firewalls and gateways in syslog (RFC 5424, RFC 3164): key=value pairs or JSON.

A mapping names the keys. Pairs are separated by blanks; a value with blanks is in quotes (Fortinet,
Sophos, and Cisco's appliances that log pairs). Structured data of RFC 5424 are pairs as well. The
envelope has the keys ``syslog.time``, ``syslog.host`` and ``syslog.program``. A message without
pairs, or whose pairs state no URL and no action, records no request.
"""

from __future__ import annotations

import re

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.envelope import Envelope, open_envelope
from harness.interop.logs.json_log import decode_object, text_at
from harness.interop.logs.line_reader import LogOptions, UnreadableLine, unreadable
from harness.interop.logs.mapping import MappedEntries
from harness.model.log_entry import LogEntry

_PAIR = re.compile(
    r"""(?<![^\s\[])([\w.@/-]{1,100})=("(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|"|\S*)""", re.DOTALL
)
_ESCAPED = re.compile(r"""\\(["'\\\]])""")
TIME, HOST, PROGRAM = "syslog.time", "syslog.host", "syslog.program"


@LOG_IMPORTERS.register("syslog-log")
class SyslogLog:
    """Syslog messages of key=value pairs or JSON, with the keys that a mapping names."""

    def __init__(self, options: LogOptions) -> None:
        self._entries = MappedEntries("syslog-log", options)
        # That of the envelope often needs a zone, so it is read only if it is asked for.
        self._times = self._entries.times if self._entries.time_columns == (TIME,) else None

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the request of a message; None for a message of another kind."""
        opened = open_envelope(text, self._times)
        envelope = opened or Envelope(None, "", "", text)
        values: dict[str, object] = {HOST: envelope.host, PROGRAM: envelope.program}
        message = envelope.message.removeprefix("@cee:").lstrip()
        if message.startswith("{"):
            values.update(decode_object(message))
        else:
            pairs = _pairs(envelope.elements + message)
            if not pairs and opened is None:
                raise unreadable("syslog-log", text)
            values.update(pairs)
        if envelope.at is not None:
            self._entries.note(TIME)
        self._entries.see(values)
        return self._entries.entry(line, lambda key: text_at(values, key), envelope.at)

    def finish(self) -> None:
        """Raise UnreadableLog if no message had a key of the mapping."""
        self._entries.finish()


def _pairs(message: str) -> dict[str, str]:
    """The pairs of a message; of a key that stands twice, the first."""
    pairs: dict[str, str] = {}
    for found in _PAIR.finditer(message):
        key, value = found.groups()
        if value == '"':
            raise UnreadableLine(f"the value of {key!r} does not end")
        if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]:
            value = _ESCAPED.sub(r"\1", value[1:-1])
        pairs.setdefault(key, value)
    return pairs
