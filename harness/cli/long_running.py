"""What commands that run until they are stopped share: a lock on a folder, files, and signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from harness.store.private_folder import WriterLock

MOST_FILES = 65_536
"""How many open files are asked for; the system may allow fewer."""


def allow_many_files() -> None:
    """Raise the limit of open files to what the system allows without privileges."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which is made if need be, so that no second process works in it.

    Raises UsageError, naming the other process, if it is held.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = WriterLock(folder)
    lock.take()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` at SIGINT and SIGTERM, in place of an exception in the middle of something.

    A thread sets it: a handler may interrupt the main thread while that holds the lock of ``stop``,
    and would then wait for it for ever. ``SimpleQueue.put`` may be called from any handler.
    """
    acts: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def act() -> None:
        acts.get()()

    setter = threading.Thread(target=act, name="stop", daemon=True)
    setter.start()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.getsignal(each) for each in signals}
    for each in signals:
        signal.signal(each, lambda *_: acts.put(stop.set))
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        acts.put(lambda: None)
        setter.join()
