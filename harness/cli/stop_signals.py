"""The signals that stop a command: Ctrl-C, a polite end, and a terminal that is closed.

Each becomes a ``KeyboardInterrupt``, by way of SIGINT: ``asyncio.Runner`` turns that into a
cancelled task, so that what is open is closed and whole batches reach the journal.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

POLITE = (signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While it is entered, says which signal stopped the command. Only the main thread can."""

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        self._before: list[tuple[signal.Signals, signal.Handlers]] = []

    @property
    def name(self) -> str:
        """The signal's name, and what a person calls it."""
        received = self._received or signal.SIGINT
        return "Ctrl-C (SIGINT)" if received is signal.SIGINT else received.name

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that this signal ended."""
        return 128 + (self._received or signal.SIGINT)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for each in POLITE:
                before = signal.getsignal(each)
                if before is not signal.SIG_IGN:  # as under nohup
                    self._before.append((each, before))  # type: ignore[arg-type]  # a handler
                    signal.signal(each, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each, before in self._before:
            signal.signal(each, before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._received = signal.Signals(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts it with "&"
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)
