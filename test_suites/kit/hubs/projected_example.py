"""The suppliers of ``site_example`` in a registry of their own, with the files of their campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from harness.cli.hub_projector import Projector
from harness.cli.paths import CampaignPaths
from harness.model.event import Event
from harness.store.assessments import write_assessment
from harness.store.hub.hub_tables import CAMPAIGNS, DOCUMENTS, ITEMS, OUTCOMES, PROGRESS
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from reports.site.stream_view import StreamView
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.site_example import NOW, example_views

DERIVED = (PROGRESS, CAMPAIGNS, OUTCOMES, ITEMS, DOCUMENTS)


class Projected:
    """A registry with a projector; ``told`` is what the owner was told."""

    def __init__(self, registry: Registry, results: Path) -> None:
        self.registry, self.results = registry, results
        self.clock = SetClock(NOW)
        self.told: list[str] = []
        self.projector = self.another()

    def another(self) -> Projector:
        """A projector that has read nothing yet, as of another process."""
        return Projector(self.registry, self.results, self.clock, self.told.append)

    def append(self, stream: str, *events: Event) -> None:
        """Append events as they are."""
        with self.registry.writing(stream) as access:
            access.append(*events, is_kept=True)

    def keep_files(self, view: StreamView) -> None:
        """Write the assessments of a supplier's campaigns where results are."""
        for campaign in view.campaigns:
            if campaign.assessment is not None:
                paths = CampaignPaths(out=self.results, campaign=campaign.name)
                paths.home.mkdir(parents=True, exist_ok=True)
                write_assessment(campaign.assessment, paths.assessment(campaign.scheme))

    def add(self, *views: StreamView) -> None:
        """Add suppliers with all that happened."""
        for view in views:
            self.keep_files(view)
            self.append(view.name, *view.events)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All derived rows, by their tables."""
        with self.registry.transaction() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=repr
                )
                for table in DERIVED
            }


@contextmanager
def projected(
    folder: Path, views: Iterable[StreamView] | None = None, database: Path | str = ""
) -> Iterator[Projected]:
    """The example in a new registry; nothing is projected yet."""
    results = folder / "out"
    results.mkdir(parents=True, exist_ok=True)
    with open_registry(database or results / "registry.sqlite", create=True) as registry:
        made = Projected(registry, results)
        made.add(*(example_views() if views is None else views))
        yield made
