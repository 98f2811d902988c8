"""Plans open once for each failure, and none for want of evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_campaign
from harness.cli.paths import CampaignPaths
from harness.cli.registry_care import changed_rows
from harness.cli.registry_facts import escalate_plans, open_plans, registry_heads
from harness.cli.registry_session import current_user, open_session, place_of
from harness.follow.derived_rows import HELD_RECORDS, read_row
from harness.model.escalation import Level
from harness.model.event import RecordClosed
from harness.model.outcome import Conformity
from harness.model.registry_record import CampaignRecord
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.example import example_assessment


def test_plans_open_once(simulated: Any, tmp_path: Path) -> None:
    missed = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
    campaign = simulated(miss=missed, categories=["DRUG"], whole=())
    assessment, places = conclude_journal(measure_campaign(campaign, tmp_path / "out"))

    assert ["P-0001"] == [plan.id for plan in open_plans(assessment, places)]
    assert () == open_plans(assessment, places)


class LateClock:
    """A clock that is a year ahead."""

    def now(self) -> datetime:
        return WallClock().now() + timedelta(days=365)

    def monotonic(self) -> float:
        return 0.0


def test_late_plans_of_the_measured_supplier_are_escalated_once(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    mine = example_assessment()
    other = replace(mine, supplier="Other Ltd")
    for assessment in (mine, other):
        open_plans(assessment, paths)
        assert escalate_plans(assessment, paths) == ()

    notices = escalate_plans(mine, paths, LateClock())

    assert {notice.supplier for notice in notices} == {"Example Networks Ltd"}
    with open_session(paths.registry) as session:
        levels = {held.supplier: held.plan.level for held in session.plans()}
        assert changed_rows(session.registry) == []
    assert levels == {"Example Networks Ltd": Level.SUSPENDED, "Other Ltd": None}
    assert escalate_plans(mine, paths, LateClock()) == ()
    nobody = replace(mine, supplier="Nobody Ltd")
    assert escalate_plans(nobody, paths, LateClock()) == ()


def test_what_a_run_escalated_by_a_wrong_clock_counts_no_more_once_it_is_corrected(
    tmp_path: Path,
) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    mine = example_assessment()
    opened = open_plans(mine, paths)
    assert len(escalate_plans(mine, paths, LateClock())) == len(opened)

    with open_session(paths.registry) as session:
        (corrected,) = session.correct_clock("a flat battery", "Cy")
        assert {held.plan.level for held in session.plans()} == {None}
        assert changed_rows(session.registry) == []

    assert [name for name, _ in corrected.dropped] == [plan.id for plan in opened]
    assert escalate_plans(mine, paths) == ()


def test_somebody_is_on_record() -> None:
    assert current_user()


def campaigns_in(paths: CampaignPaths) -> list[tuple[str, CampaignRecord]]:
    """The records of campaigns, each with its state, in the order in which they were added."""
    with open_session(paths.registry) as session:
        rows = session.registry.rows("campaign")
        assert changed_rows(session.registry) == []
    held = [(row.state, read_row(row, HELD_RECORDS).record) for _, row in rows]
    return [(state, one) for state, one in held if isinstance(one, CampaignRecord)]


def test_a_campaign_is_recorded_with_what_it_found_once_for_each_scheme(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    assessment = example_assessment()
    for _ in range(2):
        open_plans(assessment, paths)
        open_plans(replace(assessment, scheme="other"), paths)

    (_, first), (_, second) = campaigns_in(paths)
    binding = [one.conformity for one in assessment.outcomes if one.requirement.binding]
    counted = [binding.count(each) for each in Conformity]
    assert [first.conforms, first.does_not_conform, first.insufficient] == [
        binding.count(Conformity.CONFORMS),
        binding.count(Conformity.DOES_NOT_CONFORM),
        binding.count(Conformity.INSUFFICIENT),
    ]
    assert sum(counted) == len(binding)
    assert first.conforms != first.does_not_conform
    assert (first.of, first.scheme, second.scheme) == ("SafeLine Schools", "becta-2008", "other")


def test_a_campaign_that_was_measured_further_replaces_its_record(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    open_plans(example_assessment(), paths)
    open_plans(example_assessment(scheme_version="1.1"), paths)

    assert [(state, one.scheme_version) for state, one in campaigns_in(paths)] == [
        ("closed", "1.0"),
        ("open", "1.1"),
    ]


def test_a_service_that_was_closed_is_recorded_again(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    open_plans(example_assessment(), paths)
    with open_session(paths.registry) as session:
        closed = RecordClosed(
            at=session.registry.heads()[0].latest,
            actor="Ann",
            record="service:safeline schools",
            reason="withdrawn",
        )
        session.record(place_of("Example Networks Ltd"), closed)

    open_plans(example_assessment(campaign="autumn-2026"), paths)

    assert [one.id for _, one in campaigns_in(paths)] == ["spring-2026", "autumn-2026"]


def test_the_heads_of_both_streams_are_printed(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="spring-2026")
    assessment = example_assessment()
    assert registry_heads(paths.registry, assessment) == (None, None)
    open_plans(assessment, paths)

    suppliers, owners = registry_heads(paths.registry, assessment)
    assert owners is None
    assert suppliers is not None
    with open_session(paths.registry) as session:
        (head,) = session.registry.heads()
    assert (suppliers.held, suppliers.hash) == (head.events, head.hash)
    odd = replace(assessment, supplier="\x07" * 300)
    assert registry_heads(paths.registry, odd) == (None, None)
