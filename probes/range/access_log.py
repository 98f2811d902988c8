"""The reference filter's own record of what it handled, as a supplier's service keeps one.

Its lines are in Squid's native log format (``probes.range.access_entry``). Faults of the kinds
``log-*`` change the record, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from threading import Condition

from probes.range.access_entry import AccessEntry
from probes.range.faults import LOG_KINDS, SHARE_KINDS, Faults, Repeats
from probes.range.line_file import LineFile
from probes.range.log_faults import Hold, changed_entry, hold_of

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds, from any thread."""


class AccessLog:
    """Entries as lines appended to ``path``, each written at once; thread-safe.

    A file that cannot be opened or written stops nothing: its lines are dropped, and ``report``
    gets one sentence. ``clock`` gives seconds since 1970. ``later`` calls a function after some
    seconds, for the faults that hold lines back; without it they are held until ``close``.
    """

    def __init__(
        self,
        path: Path,
        *,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path = path
        self.clock = clock
        self._faults = faults if faults is not None else Faults()
        self._later = later
        self._changed = Condition()
        self._repeats = Repeats()
        self._held: dict[int, tuple[str, Hold]] = {}
        self._numbers = count()
        self._written = 0
        self._file: LineFile | None = None
        try:
            self._file = LineFile(path, report, "requests")
        except OSError as error:
            report(
                f"the log {path} cannot be opened: {error.strerror}; requests are not recorded, "
                "the service continues"
            )

    def record(self, entry: AccessEntry) -> None:
        """Write the line of one entry, as the active faults of the record have it."""
        faults = self._faults.on(entry.host, entry.profile, entry.service)
        active = tuple(fault for fault in faults if fault.kind in LOG_KINDS)
        with self._changed:
            counts = any(fault.kind in SHARE_KINDS for fault in active)
            repeat = self._repeats.add(entry.request) if counts else 0
            changed = changed_entry(entry, active, repeat)
            if changed is None:
                return
            hold = hold_of(active)
            if hold.seconds > 0:
                self._hold(changed.line(), hold)
            else:
                self._write(changed.line())

    def restart(self) -> None:
        """Lose the held lines that a restart of the service loses."""
        with self._changed:
            self._held = {
                number: (line, hold)
                for number, (line, hold) in self._held.items()
                if not hold.is_lost_at_restart
            }

    def wait_for(self, lines: int, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds until so many lines were written; return whether."""
        with self._changed:
            return self._changed.wait_for(lambda: self._written >= lines, timeout)

    def close(self) -> None:
        """Write the lines that are still held, and close the file; later entries are dropped."""
        with self._changed:
            for line, _ in self._held.values():
                self._write(line)
            self._held.clear()
            if self._file is not None:
                self._file.close()
                self._file = None

    def _hold(self, line: str, hold: Hold) -> None:
        if self._file is None:
            return
        number = next(self._numbers)
        self._held[number] = line, hold
        if self._later is not None:
            self._later(hold.seconds, partial(self._release, number))

    def _release(self, number: int) -> None:
        """Write a held line, unless it was lost or written meanwhile."""
        with self._changed:
            if number in self._held:
                self._write(self._held.pop(number)[0])

    def _write(self, line: str) -> None:
        if self._file is not None and self._file.write(line):
            self._written += 1
            self._changed.notify_all()
