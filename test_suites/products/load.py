"""Load on this machine: processes that do nothing but count."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

FOREVER = "while True: pass"


@contextmanager
def busy(processes: int = 4) -> Iterator[None]:
    """Keep so many processes busy while inside."""
    with ExitStack() as closing:
        for _ in range(processes):
            child = closing.enter_context(subprocess.Popen([sys.executable, "-c", FOREVER]))
            closing.callback(child.kill)
        yield
