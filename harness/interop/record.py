"""A record is one line of somebody else's data, as trials that our rules can judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from harness.model.corpus import Item
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Facts,
    Failure,
    Observation,
)
from harness.model.verdict import Trial
from harness.plugins import PluginTable

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a line raises: not JSON of the shape, not UTF-8, nested too deeply."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When a record does not say when it was made."""


class NotReadable(ValueError):
    """A line that is not what its format says; the message says what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line: its id, and the trials it holds. ``alone`` marks a page without a control."""

    id: str
    trials: tuple[Trial, ...]
    alone: bool = False


MeasurementImporter = Callable[[bytes], Record]
"""Reads one measurement of other people from one line. Raises NotReadable."""

MEASUREMENT_IMPORTERS = PluginTable[MeasurementImporter](
    "importers", "harness.interop", of="measurements"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side of a foreign trial saw."""

    facts: Facts | None = None
    failure: Failure | None = None


def trial(
    identity: str,
    url: str,
    probe: str,
    service: Side,
    control: Side | None,
    *,
    started: datetime = LONG_AGO,
) -> Trial:
    """A trial of ``url`` with what both sides saw."""
    item = Item(id=identity, value=url, labels=("FOREIGN",), kind="url")

    def observed(side: Side, line: str) -> Observation:
        key = AttemptKey(
            campaign="foreign", item=identity, probe=probe, line=line, profile="foreign"
        )
        return Observation(
            key=key,
            item=item,
            started=started,
            batch=0,
            facts=side.facts,
            failure=side.failure,
        )

    return Trial(
        service=observed(service, "service"),
        control=observed(control, CONTROL) if control is not None else None,
    )
