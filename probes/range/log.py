"""The origin's log: what really reached it, whatever the client was told.

Kept in memory (the newest entries) and as JSON lines in a file, one line an arrival.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal

import msgspec


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request or question that reached the origin; ``at`` is aware UTC."""

    at: datetime
    over: Literal["http", "https", "dns"]
    host: str
    method: str = ""
    path: str = ""
    nonce: str = ""
    answer: str = ""


class Log:
    """Arrivals in order; safe to read from another thread. ``kept`` bounds the memory."""

    def __init__(self, path: Path | None = None, kept: int = 100_000) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=kept)
        self._lock = Lock()
        self._file: BinaryIO | None = path.open("ab", buffering=0) if path else None

    def note(
        self,
        over: Literal["http", "https", "dns"],
        host: str,
        *,
        method: str = "",
        path: str = "",
        nonce: str = "",
        answer: str = "",
    ) -> None:
        """Write down one arrival, before it is answered."""
        arrival = Arrival(
            at=datetime.now(UTC),
            over=over,
            host=host,
            method=method,
            path=path,
            nonce=nonce,
            answer=answer,
        )
        with self._lock:
            self._arrivals.append(arrival)
            if self._file is not None:
                self._file.write(msgspec.json.encode(arrival) + b"\n")

    def arrivals(self, host: str | None = None) -> tuple[Arrival, ...]:
        """The newest arrivals, oldest first; of one host if it is named."""
        with self._lock:
            return tuple(entry for entry in self._arrivals if host in (None, entry.host))

    def saw(self, nonce: str) -> bool:
        """Whether a request with that nonce arrived."""
        with self._lock:
            return any(entry.nonce == nonce for entry in self._arrivals)

    def close(self) -> None:
        """Close the file; what is in memory stays readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
