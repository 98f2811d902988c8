"""A monitoring file for tests, with what they change of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from harness.monitor.monitoring_file import MonitoringFile, Schedule, read_monitoring


def declared_file(folder: Path, schedules: list[dict[str, Any]], **keys: Any) -> MonitoringFile:
    """One site of one service with these schedules; JSON is YAML."""
    service = {"service": "Gateway", "sites": [{"site": "Hill", "schedules": schedules}]}
    path = folder / "monitoring.yaml"
    path.write_text(json.dumps({"monitoring": "north", "services": [service], **keys}))
    return read_monitoring(path)


def schedule(cron: str, **keys: Any) -> Schedule:
    return Schedule.model_validate({"name": "s", "cron": cron, "campaign": "c.yaml", **keys})


def moments(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Whole seconds (UTC) between two days."""
    begin, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
    seconds = st.integers(0, int((end - begin).total_seconds()))
    return seconds.map(lambda number: begin + timedelta(seconds=number))
