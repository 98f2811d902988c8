"""A session records only what is possible, and makes what an event rests on from its own events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, text

from harness.cli.event_basis import needed_by
from harness.cli.registry_care import changed_rows
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import OWNERS, RegistrySession, open_session, place_of
from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import CanarySet, PlanState
from harness.model.corpus import Appeal
from harness.model.event import (
    AppealDecided,
    CanariesMade,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanProgressed,
    RecordAdded,
    RecordClosed,
    RetestStarted,
    StreamOpened,
)
from harness.model.registry_record import Service, ServiceVersion, Site
from test_suites.kit.campaigns.example import example_finding

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FINDING = example_finding()
OPENED = FindingOpened(at=NOW, actor="Ann", finding=FINDING)
DRAFTED = draft_plan(FINDING, at=NOW, actor="Ann")
AGREED = PlanAgreed(
    at=NOW,
    actor="Ann",
    plan="P-0001",
    owner="Acme",
    corrective_action="Mend",
    root_cause="r",
    preventive_action="p",
    containment="c",
)
ACME = place_of("Acme")
BETA = place_of("Beta")


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "registry.sqlite"


@pytest.fixture
def session(where: Path) -> Iterator[RegistrySession]:
    with open_session(where, create=True) as opened:
        yield opened


def events_of(session: RegistrySession) -> int:
    return sum(head.events for head in session.registry.heads())


def test_what_was_recorded_is_there_when_the_registry_is_opened_again(
    session: RegistrySession, where: Path
) -> None:
    session.record(ACME, OPENED, DRAFTED)
    after = session.advance("P-0001", AGREED)

    with open_session(where) as again:
        held = again.plan("P-0001")
        assert (held.plan, held.finding, held.supplier) == (after, FINDING, "Acme")
        assert again.plans() == (held,)
        assert again.plans(supplier="ACME ") == (held,)
        with pytest.raises(UsageError, match="holds nothing of 'Beta'; check the name"):
            again.plans(supplier="Beta")


@pytest.mark.parametrize("is_first", [True, False])
def test_of_events_that_are_not_all_possible_none_is_recorded(
    session: RegistrySession, *, is_first: bool
) -> None:
    if is_first:
        with pytest.raises(UsageError, match="is agreed: 'agree' is not possible"):
            session.record(ACME, OPENED, DRAFTED, AGREED, AGREED)
        assert events_of(session) == 0
        return
    session.record(ACME, OPENED, DRAFTED)
    with pytest.raises(UsageError, match="is agreed: 'agree' is not possible"):
        session.advance("P-0001", AGREED, AGREED)
    assert events_of(session) == 3
    assert session.plan("P-0001").plan.state is PlanState.DRAFT


def test_a_second_writer_is_refused_only_what_the_first_made_impossible(
    session: RegistrySession, where: Path
) -> None:
    with open_session(where, create=True) as other:
        session.record(ACME, OPENED, DRAFTED)
        with pytest.raises(UsageError, match="finding F-0001 exists already"):
            other.record(ACME, OPENED)
        other.advance("P-0001", AGREED)
        note = PlanProgressed(at=NOW, actor="Acme", plan="P-0001", note="n")
        session.advance("P-0001", note)
        other.advance("P-0001", note)

    assert len(session.plan("P-0001").plan.history) == 4


def test_suppliers_number_their_findings_alone_and_a_plan_of_both_must_be_named(
    session: RegistrySession,
) -> None:
    for place in (ACME, BETA):
        session.record(place, OPENED, DRAFTED)

    with pytest.raises(UsageError, match=r"several suppliers have a plan P-0001; .* Acme, Beta"):
        session.plan("P-0001")
    session.advance("P-0001", AGREED, supplier="beta")
    assert session.plan("P-0001", "Beta").plan.state is PlanState.AGREED
    assert session.plan("P-0001", "Acme").plan.state is PlanState.DRAFT
    with pytest.raises(UsageError, match="no plan 'P-0002'; known: P-0001"):
        session.plan("P-0002")
    with pytest.raises(UsageError, match="holds nothing of 'Gamma'"):
        session.plan("P-0001", "Gamma")


def test_a_retest_needs_a_campaign_that_no_finding_and_no_other_plan_used(
    session: RegistrySession,
) -> None:
    second = replace(FINDING, id="F-0002", profile="ks4", campaign="summer")
    drafted = draft_plan(second, at=NOW, actor="Ann")
    session.record(
        ACME, OPENED, DRAFTED, FindingOpened(at=NOW, actor="Ann", finding=second), drafted
    )
    for plan in ("P-0001", "P-0002"):
        session.advance(
            plan,
            PlanAgreed(
                at=NOW,
                actor="Ann",
                plan=plan,
                owner="Acme",
                corrective_action="Mend",
                root_cause="r",
                preventive_action="p",
                containment="c",
            ),
            PlanProgressed(at=NOW, actor="Acme", plan=plan, note="n"),
            FixClaimed(at=NOW, actor="Acme", plan=plan, statement="s"),
        )
    session.advance("P-0002", RetestStarted(at=NOW, actor="Ann", plan="P-0002", campaign="r2"))

    for used in ("summer", "r2"):
        begun = RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign=used)
        with pytest.raises(UsageError, match=f"a campaign of its own, not '{used}'"):
            session.advance("P-0001", begun)
        with pytest.raises(UsageError, match=f"a campaign of its own, not '{used}'"):
            session.check(session.plan("P-0001"), begun)
    session.advance("P-0001", RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign="r1"))


def test_a_derived_row_that_was_changed_makes_nothing_possible(
    session: RegistrySession, where: Path
) -> None:
    """What an event rests on is made from events: a plan cannot be closed by changing its row."""
    session.record(ACME, OPENED, DRAFTED)
    engine = create_engine(f"sqlite:///{where}")
    with engine.begin() as connection:
        change = "UPDATE derived_rows SET state = 'agreed', body = replace(body, 'draft', 'agreed')"
        connection.execute(text(change))
    engine.dispose()

    with pytest.raises(UsageError, match="P-0001 is draft: 'progress' is not possible"):
        session.advance("P-0001", PlanProgressed(at=NOW, actor="Acme", plan="P-0001", note="n"))
    assert session.plan("P-0001").plan.state is PlanState.DRAFT


def test_a_record_needs_its_service_and_cannot_be_added_twice(session: RegistrySession) -> None:
    def added(record: Service | ServiceVersion) -> RecordAdded:
        return RecordAdded(at=NOW, actor="Ann", record=record)

    with pytest.raises(UsageError, match="no service 'Safe Net' is in the registry; none is known"):
        session.record(ACME, added(ServiceVersion(id="2.1", of="Safe Net")))
    session.record(ACME, added(Service(id="Safe Net")))
    session.record(ACME, added(ServiceVersion(id="2.1", of="safe  NET")))
    with pytest.raises(UsageError, match="no service 'Other' is in the registry; known: Safe Net"):
        session.record(ACME, added(ServiceVersion(id="2.2", of="Other")))
    with pytest.raises(UsageError, match="service 'SAFE NET' is in the registry already"):
        session.record(ACME, added(Service(id="SAFE NET")))
    session.record(BETA, added(Service(id="Safe Net")))


class SlowClock:
    """A clock that is an hour behind the event."""

    def now(self) -> datetime:
        return NOW - timedelta(hours=1)

    def monotonic(self) -> float:
        return 0.0


def test_an_event_after_the_clocks_time_is_not_recorded(where: Path) -> None:
    with open_session(where, create=True, clock=SlowClock()) as session:
        with pytest.raises(UsageError, match=r"opened: dated .* after this machine's clock"):
            session.record(ACME, OPENED)
        assert events_of(session) == 0


def delete_rows(where: Path) -> None:
    """Delete everything that is derived from events, as anybody can who has the database."""
    engine = create_engine(f"sqlite:///{where}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM derived_rows"))
    engine.dispose()


def test_without_its_derived_rows_a_registry_refuses_the_same_events(
    session: RegistrySession, where: Path
) -> None:
    session.record(ACME, OPENED, DRAFTED)
    delete_rows(where)

    again = FindingOpened(at=NOW, actor="Ann", finding=replace(FINDING, id="F-0002"))
    with pytest.raises(UsageError, match="finding F-0001 is open for the same requirement"):
        session.record(ACME, again)
    with pytest.raises(UsageError, match="plan P-0001 exists already"):
        session.record(ACME, DRAFTED)
    session.advance(
        "P-0001",
        AGREED,
        PlanProgressed(at=NOW, actor="Acme", plan="P-0001", note="n"),
        FixClaimed(at=NOW, actor="Acme", plan="P-0001", statement="s"),
    )
    with pytest.raises(UsageError, match="a campaign of its own, not 'spring'"):
        session.advance(
            "P-0001", RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign="spring")
        )
    with session.registry.reading(ACME.stream) as access:
        assert needed_by(access, [again]).number == 1


def test_a_finding_cannot_come_from_the_campaign_of_a_re_test(session: RegistrySession) -> None:
    session.record(ACME, OPENED, DRAFTED)
    session.advance(
        "P-0001",
        AGREED,
        PlanProgressed(at=NOW, actor="Acme", plan="P-0001", note="n"),
        FixClaimed(at=NOW, actor="Acme", plan="P-0001", statement="s"),
        RetestStarted(at=NOW, actor="Ann", plan="P-0001", campaign="r1"),
    )
    other = replace(FINDING, id="F-0002", profile="ks4", campaign="r1")

    with pytest.raises(UsageError, match="campaign 'r1' is a re-test of plan P-0001"):
        session.record(ACME, FindingOpened(at=NOW, actor="Ann", finding=other))
    assert changed_rows(session.registry) == []


def test_events_of_one_kind_that_are_recorded_together_are_all_kept(
    session: RegistrySession, where: Path
) -> None:
    def decided(item: str) -> AppealDecided:
        appeal = Appeal(
            pack="canary", item=item, before=("GAMB",), labels=("ALW",), reason="r",
            appellant="Acme", upheld=True,
        )  # fmt: skip
        return AppealDecided(at=NOW, actor="Ann", appeal=appeal)

    session.record(OWNERS, decided("a"), decided("b"))
    session.record(OWNERS, decided("c"))

    assert [appeal.item for appeal in appeals_in(where)] == ["a", "b", "c"]
    assert changed_rows(session.registry) == []
    delete_rows(where)
    assert len(appeals_in(where)) == 3, "they are read from the events"


def test_a_canary_is_made_for_one_plan(session: RegistrySession) -> None:
    second = replace(FINDING, id="F-0002", profile="ks4")
    drafted = draft_plan(second, at=NOW, actor="Ann")
    opened = FindingOpened(at=NOW, actor="Ann", finding=second)
    session.record(ACME, OPENED, DRAFTED, opened, drafted)
    loaded = NOW + timedelta(days=3)
    made = CanarySet(pack="p", sha256="0" * 64, items=("gamb-061",), loaded_by=loaded)
    session.advance(
        "P-0001", AGREED, CanariesMade(at=NOW, actor="Bob", plan="P-0001", canaries=made)
    )
    session.advance("P-0002", msgspec.structs.replace(AGREED, plan="P-0002"))

    again = CanariesMade(at=NOW, actor="Bob", plan="P-0002", canaries=made)
    with pytest.raises(UsageError, match="canary gamb-061 was made for plan P-0001"):
        session.advance("P-0002", again)


def test_a_record_that_was_closed_stays_readable_beside_the_next_of_its_name(
    session: RegistrySession,
) -> None:
    site = RecordAdded(at=NOW, actor="Ann", record=Site(id="Hill", place="Leeds"))
    closed = RecordClosed(at=NOW, actor="Ann", record=site.record.key, reason="moved")
    session.record(ACME, site, closed)
    session.record(ACME, RecordAdded(at=NOW, actor="Ann", record=Site(id="Hill", place="York")))

    rows = session.registry.rows("site")
    assert [row.state for _, row in rows] == ["closed", "open"]
    assert ["Leeds" in row.body for _, row in rows] == [True, False]
    with pytest.raises(UsageError, match="site 'HILL' is in the registry already"):
        session.record(ACME, RecordAdded(at=NOW, actor="Ann", record=Site(id="HILL")))
    assert changed_rows(session.registry) == []


def test_a_service_without_a_supplier_is_not_the_supplier_of_that_name(
    session: RegistrySession,
) -> None:
    nobodys = place_of("", "Acme")
    session.record(ACME, OPENED, DRAFTED)
    session.record(nobodys, OPENED, DRAFTED)

    assert [held.stream for held in session.plans(supplier="Acme")] == ["supplier:acme"]
    session.record(place_of("", "Solo"), OPENED, DRAFTED)
    for name in ("solo", "service Solo"):
        assert [held.supplier for held in session.plans(supplier=name)] == ["service Solo"]
        assert session.place_named(name).stream == "service:solo", "it is not opened twice"
    session.record(place_of("Solo"), OPENED, DRAFTED)
    assert session.stream_named("Solo") == "supplier:solo"
    assert session.stream_named("service SOLO") == "service:solo"


def test_a_wrong_clock_is_corrected_in_every_stream_or_in_none(
    session: RegistrySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = datetime(2090, 1, 1, tzinfo=UTC)
    for place in (ACME, BETA):
        with session.registry.writing(place.stream) as access:
            access.append(StreamOpened(at=late, actor="x", name=place.name))

    with pytest.raises(UsageError, match="a correction of the clock needs a reason"):
        session.correct_clock(" ", "Ann")
    assert events_of(session) == 2
    corrected = session.correct_clock("was wrong", "Ann")
    assert [(one.before.name, one.dropped) for one in corrected] == [("Acme", ()), ("Beta", ())]
    assert events_of(session) == 4
    with pytest.raises(UsageError, match="there is nothing to correct"):
        session.correct_clock("was wrong", "Ann")
