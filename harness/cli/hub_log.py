"""The log of a hub that serves: one line of JSON for each request, warning and error.

Each line has ``at``, ``level``, ``event`` and fields of its event (docs/reference/hub-logs.md). No
line holds a password, a token, the query of a URL, a body, or an e-mail address.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import msgspec

from harness.cli.printing import say_json, shown, warnings_to
from harness.ports.storage import Clock

if TYPE_CHECKING:
    from reports.dashboard.agent_api import RequestLine

Level = Literal["info", "warning", "error"]

LONGEST = 1000
"""The most characters of a text in a line."""

SERVER_ERROR = 500

_ADDRESS = re.compile(r"[^\s<>\"(),;:@]+@[^\s<>\"'(),;]+")
_TOKEN = re.compile(r"\baccredit-[a-z]+-[A-Za-z0-9_-]{16,}")
_QUERY = re.compile(r"(?<=[A-Za-z0-9/])\?[^\s\"'<>]+")


def without_secrets(text: str) -> str:
    """A text in one line of at most 1,000 characters, without what no log may hold."""
    text = text[: 4 * LONGEST]
    for pattern, put in ((_TOKEN, "(a token)"), (_ADDRESS, "(an address)"), (_QUERY, "?...")):
        text = pattern.sub(put, text)
    return shown(" ".join(text.split()))[:LONGEST]


class HubLog:
    """Writes lines to standard error. It may be used by several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()

    def request(self, line: RequestLine) -> None:
        """Write that a request was answered."""
        level: Level = "error" if line.status >= SERVER_ERROR or line.error else "info"
        fields = msgspec.to_builtins(line)
        if line.error:
            fields["error"] = without_secrets(line.error)
        del fields["at"]
        self._write(line.at, level, "request", fields)

    def warning(self, sentence: str) -> None:
        """Write a warning: what somebody has to mend."""
        fields = {"words": without_secrets(sentence)}
        self._write(self._clock.now(), "warning", "warning", fields)

    def note(self, level: Level, library: str, words: str) -> None:
        """Write what a library has to say."""
        fields = {"library": library, "words": without_secrets(words)}
        self._write(self._clock.now(), level, "library", fields)

    def _write(self, at: object, level: Level, event: str, fields: Mapping[str, object]) -> None:
        text = msgspec.json.encode({"at": at, "level": level, "event": event, **fields})
        with self._lock:
            say_json(text, to_stderr=True)


@contextmanager
def logging_to(log: HubLog) -> Iterator[None]:
    """Write warnings of all of Accredit, and those of libraries, to the log meanwhile."""
    handler = _LibraryNotes(log)
    root, server = logging.getLogger(), logging.getLogger("uvicorn.error")
    before = server.propagate
    root.addHandler(handler)
    server.addHandler(handler)
    server.propagate = False
    try:
        with warnings_to(log.warning):
            yield
    finally:
        server.propagate = before
        server.removeHandler(handler)
        root.removeHandler(handler)


class _LibraryNotes(logging.Handler):
    """Writes what libraries have to say as lines of the log, without tracebacks."""

    def __init__(self, log: HubLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        raised = record.exc_info[0] if record.exc_info else None
        words = record.getMessage().partition("\n")[0]
        self._log.note(level, record.name, f"{words} ({raised.__name__})" if raised else words)
