"""What reached an origin: ``Arrival``, and the log that keeps them in memory and in a file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Literal

import msgspec

from harness.model.arrivals import Arrivals, SeenArrival
from harness.model.tls_view import TlsOffer
from harness.untrusted.visible_text import visible_json
from probes.range.line_file import LineFile

Over = Literal["http", "https", "h3", "dns", "tcp", "udp", "icmp"]
"""How something arrived; *tcp*, *udp*: by a protocol beside the web, which ``method`` names."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that reached the origin, or a question to its name server; ``at`` is aware UTC.

    ``offer`` is that of the ClientHello, at hosts of ``harness.model.tls_check``.
    """

    at: datetime
    over: Over
    host: str
    method: str = ""
    path: str = ""
    nonce: str = ""
    answer: str = ""
    offer: TlsOffer | None = None


class ArrivalLog:
    """Arrivals in order, also written to ``path``; thread-safe. Keeps ``max_kept`` in memory.

    With ``only_marked`` only arrivals with a nonce are kept, which strangers cannot make. The path
    ``-`` is standard output. Of texts the first ``longest`` characters are kept. Without ``report``
    an error of the file is raised; with it, arrivals that cannot be written are dropped, and
    ``report`` gets one sentence for each time that the file was opened.
    """

    def __init__(
        self,
        path: Path | None = None,
        max_kept: int = 100_000,
        longest: int | None = None,
        report: Callable[[str], None] | None = None,
        *,
        only_marked: bool = False,
    ) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=max_kept)
        self._only_marked = only_marked
        self._lock = Lock()
        self._longest = longest
        self._file = LineFile(path, report, "arrivals") if path else None

    def record(
        self,
        over: Over,
        host: str,
        *,
        method: str = "",
        path: str = "",
        nonce: str = "",
        answer: str = "",
        offer: TlsOffer | None = None,
    ) -> None:
        """Record one arrival, before it is answered."""
        arrival = Arrival(
            at=datetime.now(UTC),
            over=over,
            host=host[: self._longest],
            method=method[: self._longest],
            path=path[: self._longest],
            nonce=nonce,
            answer=answer,
            offer=offer,
        )
        with self._lock:
            if nonce or not self._only_marked:
                self._arrivals.append(arrival)
            if self._file is not None:
                self._file.write(visible_json(msgspec.json.encode(arrival).decode()))

    @property
    def is_failing(self) -> bool:
        """Whether the latest line could not be written."""
        return self._file is not None and self._file.is_failing

    def reopen(self) -> None:
        """Open the file at the path again, after a log rotation; if that fails, keep the old."""
        with self._lock:
            if self._file is not None:
                self._file.reopen()

    def arrivals(self, host: str | None = None) -> tuple[Arrival, ...]:
        """Return the arrivals in memory, oldest first; of one host if given."""
        with self._lock:
            return tuple(entry for entry in self._arrivals if host in (None, entry.host))

    def saw(self, nonce: str) -> bool:
        """Whether a request with that nonce arrived."""
        with self._lock:
            return any(entry.nonce == nonce for entry in self._arrivals)

    def seen(self, nonces: frozenset[str]) -> Arrivals:
        """Return the arrivals in memory that had one of some nonces, oldest first."""
        with self._lock:
            found = [entry for entry in self._arrivals if entry.nonce in nonces]
        return Arrivals(
            arrivals=tuple(
                SeenArrival(
                    nonce=entry.nonce,
                    at=entry.at,
                    over=entry.over,
                    host=entry.host,
                    method=entry.method,
                    path=entry.path,
                    offer=entry.offer,
                )
                for entry in found
            )
        )

    def close(self) -> None:
        """Close the file; arrivals in memory stay readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()
