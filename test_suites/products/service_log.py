"""The log of a product under test: read once it holds everything that was done."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from threading import Event

from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.reading import read_log
from harness.model.log_entry import LogEntry
from test_suites.kit.processes.product import PATIENCE


def entries(
    path: Path, form: str, wanted: Iterable[str], zone: tzinfo | None = None
) -> list[LogEntry]:
    """The entries of a log, once each of ``wanted`` is in it: products write a little later."""
    wait_until_complete(path, wanted)
    return list(read_log(path, form, LogOptions(now=datetime.now(UTC), zone=zone)))


def wait_until_complete(path: Path, wanted: Iterable[str]) -> None:
    """Wait until each of ``wanted`` is in a log, and its last line is complete."""
    needles = [each.encode() for each in wanted]
    deadline = time.monotonic() + PATIENCE
    while not _is_complete(path, needles):
        assert time.monotonic() < deadline, path.read_text(errors="replace")[-4000:]
        Event().wait(0.02)


def _is_complete(path: Path, needles: Iterable[bytes]) -> bool:
    content = path.read_bytes() if path.exists() else b""
    return content.endswith(b"\n") and all(needle in content for needle in needles)
