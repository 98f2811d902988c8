"""What changed between the runs of a surveillance; each change is named once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from harness.model.content_identity import Parts, differences
from harness.model.stream import same_name
from harness.model.surveillance_event import SurveillanceRun


class ContentChange(NamedTuple):
    """A run of a schedule at a site was measured with something else than the one before it."""

    site: str
    schedule: str
    due: datetime
    sentence: str

    def __str__(self) -> str:
        """The change in words."""
        where = f"{self.site}, {self.schedule}" if self.site else self.schedule
        return f"changed with the run of {self.due:%Y-%m-%d} ({where}): {self.sentence}"


def content_changes(runs: Iterable[SurveillanceRun]) -> Iterator[ContentChange]:
    """The changes between measured runs, which are in the order of their events."""
    before: dict[tuple[str, str], Parts] = {}
    for run in runs:
        if run.result != "measured" or not run.measured_with:
            continue
        place = same_name(run.site), run.schedule
        for each in differences(before.get(place, ()), run.measured_with):
            yield ContentChange(run.site, run.schedule, run.due, each.sentence)
        before[place] = run.measured_with
