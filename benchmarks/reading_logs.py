"""Reading a log and joining it with requests, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.interop.log_join import LogJoin, secret_forms
from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.reading import read_log
from harness.model.corpus import Item
from harness.model.log_case import TOTAL, log_case, log_items

BLOCKED_HOST = "copper-meadow.accredit.test"


def requested() -> list[Item]:
    """The requests of one line and profile, always the same."""
    return list(log_items("benchmark", "ordinary", TOTAL, BLOCKED_HOST, names=False))


async def joined(path: str) -> AsyncIterator[dict[str, Any]]:
    """Read a log in Squid's format, search it for secrets, and join it with the requests."""
    items = requested()
    forms = secret_forms(
        item for item in items if (found := log_case(item.stratum)) and found.case.secrets
    )
    join = LogJoin(items)
    yield {}
    options = LogOptions(now=datetime.now(UTC))
    reading = read_log(Path(path), "squid-log", options, secrets=tuple(forms))
    for entry in reading:
        join.add(entry)
    yield {
        "lines": reading.counts.lines,
        "held": len(join.found),
        "requests": len(items),
        "searched": len(forms),
    }
