"""Logs as texts, read as a file would be."""

from __future__ import annotations

import io
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from typing import Any

from harness.interop.logs.line_reader import LogOptions
from harness.interop.logs.mapping import LogMapping
from harness.interop.logs.reading import LogReading, read_log
from harness.model.declared import tupled
from harness.model.log_entry import LogEntry

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def mapping(**declared: Any) -> LogMapping:
    """A mapping, as YAML would give it."""
    return LogMapping.model_validate(tupled(declared))


def reading(
    form: str,
    text: str | bytes,
    *,
    zone: tzinfo | None = None,
    now: datetime = NOW,
    mapping: LogMapping | None = None,
    secrets: Collection[bytes] = (),
) -> LogReading:
    """The reading of a text, not yet begun."""
    content = text.encode() if isinstance(text, str) else text
    options = LogOptions(now=now, zone=zone, mapping=mapping)
    return read_log(io.BytesIO(content), form, options, where="log", secrets=secrets)


def read(form: str, text: str | bytes, **options: Any) -> list[LogEntry]:
    """The entries of a text."""
    return list(reading(form, text, **options))
