"""Two functions tell the whole story; this is the story, on simulated lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness import pipeline
from harness.campaign.origin_file import write_origin
from harness.cli.compose import measurement_context, prepare
from harness.cli.measure import header_of
from harness.model.outcome import Conformity
from harness.pipeline import conclude, measure
from harness.ports.network import Origin
from harness.ports.storage import WallClock
from harness.schemes.load import load_scheme
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from test_suites.kit.campaigns.rehearsal import write_campaign

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BLOCK = ["DRUG", "copper-meadow.accredit.test"]


class Noon(WallClock):
    """It is always noon."""

    def now(self) -> datetime:
        return NOON


async def story(tmp_path: Path, **options: Any) -> SegmentJournal:
    """Measure a simulated service into a journal."""
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    path = write_campaign(
        tmp_path,
        origin=tmp_path / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": BLOCK} | options}],
        categories=["DRUG"],
        control={"type": "simulated"},
    )
    ready = prepare(path)
    journal = SegmentJournal.open_or_create(tmp_path / "journal", header_of(ready).as_document())
    instruments = measurement_context(ready, EvidenceFolder(tmp_path / "evidence"), WallClock())
    await measure(ready.campaign, ready.items, instruments, journal)
    return journal


async def test_facts_are_collected_and_conclusions_drawn(tmp_path: Path) -> None:
    journal = await story(tmp_path)
    assessment = conclude(journal, load_scheme("becta-2008"), Noon())
    journal.close()
    drugs = next(each for each in assessment.outcomes if each.requirement.id == "URL-04")

    assert (Conformity.CONFORMS, 120, 120) == (drugs.conformity, drugs.metric.k, drugs.metric.n)
    assert (NOON, "becta-2008", journal.rows) == (
        assessment.concluded,
        assessment.scheme,
        assessment.observations,
    )


async def test_a_scheme_past_its_review_is_a_warning_and_no_other_outcome(tmp_path: Path) -> None:
    journal = await story(tmp_path)
    scheme = load_scheme("becta-2008")
    due = scheme.model_copy(update={"review_by": NOON.date() - timedelta(days=1)})
    on_time, late = (conclude(journal, one, Noon()) for one in (scheme, due))
    journal.close()

    assert () == on_time.warnings
    assert "becta-2008 1.3: review overdue" in late.warnings[0]
    assert replace(late, warnings=()) == on_time


async def test_only_some_items_may_count(tmp_path: Path) -> None:
    journal = await story(tmp_path)
    chosen = [seen.item.id for seen in journal.observations() if seen.item.category == "DRUG"][:40]
    assessment = conclude(journal, load_scheme("becta-2008"), Noon(), only=set(chosen))
    journal.close()
    drugs = next(each for each in assessment.outcomes if each.requirement.id == "URL-04")

    assert len(set(chosen)) == drugs.metric.n


def test_the_page_stays_a_page() -> None:
    """Architecture: one page holds the whole system."""
    assert len(Path(pipeline.__file__).read_text().splitlines()) <= 80
