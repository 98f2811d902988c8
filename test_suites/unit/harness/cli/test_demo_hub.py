"""The hub of a demonstration tells its story, by the same functions as real use."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli.demo_hub import make_demo_hub, own_environment
from harness.cli.demo_hub_figures import (
    Epoch,
    Shown,
    SimulatedCampaign,
    head_of,
    pack_reference,
    simulate,
)
from harness.cli.demo_hub_files import (
    DNS,
    GATEWAY,
    HARBOUR,
    NORTHGATE,
    SERVICES,
    SIMULATED,
    monitoring_text,
    scheme_text,
)
from harness.cli.demo_hub_people import DECISION_MAKER, OF_NORTHGATE, PEOPLE
from harness.cli.demo_hub_story import CLOSED, Calendar, is_measured_at, shown_at
from harness.cli.hub_registry import FleetRegistry
from harness.cli.hub_standing import views_of
from harness.cli.main import app
from harness.cli.paths import CampaignPaths, registry_variables
from harness.cli.registry_session import RegistrySession, open_session, place_of_any
from harness.cli.simulated_clock import SimulatedClock
from harness.cli.site import write_site
from harness.errors import UsageError
from harness.follow.state import StreamState
from harness.follow.status_history import replay_statuses
from harness.model.action_plan import PlanState
from harness.model.alarm import AlarmRule, AlarmState
from harness.model.conformity import Conformity
from harness.model.decision import Status
from harness.model.hub_access import Role
from harness.model.outcome import Assessment
from harness.model.surveillance_event import SurveillanceRun
from harness.schemes.load import load_scheme
from harness.store.assessments import read_assessment
from test_suites.kit.hubs.demo_hub_example import NOW, copied_demo


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "hub"
    copied_demo(folder, tmp_path_factory)
    return folder


@pytest.fixture
def session(hub: Path) -> Iterator[RegistrySession]:
    with open_session(hub / "out/registry.sqlite", clock=SimulatedClock(NOW)) as opened:
        yield opened


def state_of(session: RegistrySession, service: str, supplier: str) -> StreamState:
    stream = place_of_any(supplier, service).stream
    with session.registry.reading(stream) as access:
        return replay_statuses(access.events(), NOW).state


def runs_of(session: RegistrySession, service: str, supplier: str) -> list[SurveillanceRun]:
    stream = place_of_any(supplier, service).stream
    with session.registry.reading(stream) as access:
        found = [event for _, event in access.found(kind=["surveillance-run"])]
    return [
        event for event in found if isinstance(event, SurveillanceRun) and event.service == service
    ]


def test_the_chains_of_the_registry_are_unbroken(hub: Path) -> None:
    where = str(hub / "out/registry.sqlite")

    ended = CliRunner().invoke(app, ["registry", "verify", "--registry", where])

    assert 0 == ended.exit_code, ended.output
    assert 3 == ended.stdout.count(" events; head ")


def test_two_years_of_weekly_runs_end_now(session: RegistrySession) -> None:
    for service, weeks in ((GATEWAY, 103), (DNS, 64), (HARBOUR, 103)):
        runs = runs_of(session, service.name, service.supplier)
        due = sorted({run.due for run in runs})

        assert timedelta(weeks=weeks) == due[-1] - due[0]
        assert NOW - due[-1] < timedelta(days=3)
        assert weeks + 1 - len(CLOSED) == len(due)
        assert {"measured", "missed"} >= {run.result for run in runs}
    assert 6 == sum(run.result == "missed" for run in runs_of(session, GATEWAY.name, NORTHGATE))


def test_the_gateway_drifts_is_suspended_and_recovers(session: RegistrySession) -> None:
    stream = place_of_any(NORTHGATE, GATEWAY.name).stream
    with session.registry.reading(stream) as access:
        events = access.events()
    state, history = replay_statuses(events, NOW)
    of_gateway = [
        (change.at, key.split("\x1f")[1], change.status)
        for key, changes in history.items()
        for change in changes
        if key.startswith(GATEWAY.name.lower())
    ]

    assert [
        ("4.5", Status.ACCREDITED), ("4.6", Status.ACCREDITED), ("4.5", Status.EXPIRED),
        ("4.6", Status.SUSPENDED), ("4.8", Status.WITH_ACTION_PLAN),
    ] == [(version, status) for _, version, status in sorted(of_gateway)]  # fmt: skip
    alarm = state.alarms["A-0001"]
    assert (AlarmRule.EVIDENCE, AlarmState.CONFIRMED) == (alarm.raised.rule, alarm.state)
    assert ("URL-04", GATEWAY.name) == (alarm.raised.requirement, alarm.raised.service)
    closed = state.plan("P-0001")
    assert PlanState.CLOSED is closed.state
    assert ["conforms"] == [str(retest.outcome) for retest in closed.retests]
    assert not closed.breaches
    assert DECISION_MAKER.actor not in closed.actors


def test_a_plan_about_health_sites_is_overdue(session: RegistrySession) -> None:
    plan = state_of(session, GATEWAY.name, NORTHGATE).plan("P-0002")

    assert PlanState.IN_PROGRESS is plan.state
    assert plan.is_overdue(NOW)
    assert timedelta(days=8) < NOW - plan.due < timedelta(days=11)
    assert OF_NORTHGATE.name == plan.owner


def test_the_dns_service_is_suspended_and_nobody_acknowledged(session: RegistrySession) -> None:
    state = state_of(session, DNS.name, NORTHGATE)
    alarm = state.alarms["A-0002"]

    assert ["A-0001", "A-0002"] == list(state.alarms)
    assert (DNS.name, AlarmState.CONFIRMED) == (alarm.raised.service, alarm.state)
    assert "" == alarm.acknowledged_by
    last = list(state.decisions.values())[-1]
    assert (DNS.name, Status.SUSPENDED) == (last.decision.service, last.decision.status)
    assert NOW - last.at < timedelta(days=2)
    assert PlanState.SUBMITTED is state.plan("P-0003").state


def test_the_harbour_filter_is_accredited_all_the_time(session: RegistrySession) -> None:
    state = state_of(session, HARBOUR.name, HARBOUR.supplier)

    assert {Status.ACCREDITED} == {held.decision.status for held in state.decisions.values()}
    ends = [(held.at, held.decision.until) for held in state.decisions.values()]
    assert all(until and begun < until for (_, until), (begun, _) in pairwise(ends))
    assert not state.alarms
    assert not state.plans


def test_decisions_are_never_made_by_who_evaluated(session: RegistrySession) -> None:
    for service in (GATEWAY, HARBOUR):
        decisions = state_of(session, service.name, service.supplier).decisions.values()

        assert {DECISION_MAKER.actor} == {held.by for held in decisions}


def test_agents_are_in_different_states(session: RegistrySession) -> None:
    views = views_of(session, FleetRegistry(session, SimulatedClock(NOW)), NOW)
    states = [str(view.state) for view in views]

    assert {"alive": 12, "silent": 1, "invited": 1, "revoked": 1} == {
        state: states.count(state) for state in set(states)
    }
    (silent,) = (view for view in views if view.state == "silent")
    assert (DNS.name, "Moorside Primary") == (silent.service, silent.site)


def test_a_few_campaigns_are_measured_and_the_others_say_that_they_are_not(
    hub: Path, session: RegistrySession
) -> None:
    measured = {path.parent.name for path in (hub / "out").glob("*/journal")}
    runs = [run for service in SERVICES for run in runs_of(session, service.name, service.supplier)]

    names = {run.campaign for run in runs if run.campaign in measured}
    assert 4 == len(names)
    assert {"gateway-retest", "gateway-soak", "dns-retest"} < measured
    for run in runs[:: len(runs) // 20]:
        if run.result != "measured" or run.campaign in measured:
            continue
        paths = CampaignPaths(out=hub / "out", campaign=run.campaign)
        assessment = read_assessment(paths.assessment("demo"))
        assert SIMULATED == assessment.title
        assert assessment.journal_head is not None
        assert head_of(run.campaign) == assessment.journal_head.hash == run.journal
    newest = max(names)
    assert "journal" in {path.name for path in (hub / "out" / newest).iterdir()}


def test_changes_cut_the_series(session: RegistrySession) -> None:
    runs = [run for run in runs_of(session, HARBOUR.name, HARBOUR.supplier) if run.readings]
    instruments = list(dict.fromkeys(run.instrument for run in runs))

    assert 5 == len(instruments), "those that are really measured name their scheme by content"
    assert ["1.0", "2.0"] == list(dict.fromkeys(run.scheme_version for run in runs))
    undecided = {
        run.due
        for run in runs
        if any(reading.conformity is Conformity.INSUFFICIENT for reading in run.readings)
        and all(reading.undecided for reading in run.readings)
    }
    assert 1 == len(undecided)


def test_a_site_can_be_built_of_it(hub: Path, tmp_path: Path) -> None:
    where = hub / "out/registry.sqlite"

    built = write_site(tmp_path / "site", hub / "out", where, SimulatedClock(NOW))

    assert 7 == built.listed
    text = built.register.read_text(encoding="utf-8")
    assert all(service.name in text for service in SERVICES)


def test_there_is_no_hub_in_the_place_of_another(hub: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        make_demo_hub(hub, NOW)


def test_the_environment_names_no_registry_and_a_placeholder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(registry_variables()[0], "postgresql://nowhere/x")
    with own_environment():
        assert "accredit-demo" == getpass.getuser()
        assert Path("x/registry.sqlite") == CampaignPaths(out=Path("x"), campaign="").registry
    assert "postgresql://nowhere/x" == CampaignPaths(out=Path("x"), campaign="").registry


def simulated(tmp_path: Path, shown: Shown, seed: str = "one", edition: str = "2.0") -> Assessment:
    path = tmp_path / f"scheme-{edition}.yaml"
    path.write_text(scheme_text(edition), encoding="utf-8")
    epoch = Epoch(load_scheme(str(path)), "1", pack_reference("a" * 64))
    what = SimulatedCampaign(GATEWAY, "Elm Primary", "c", NOW, epoch, shown)
    return simulate(what, seed)


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    shown = Shown({"DRUG": 0.1})
    first = simulated(tmp_path, shown)

    assert first == simulated(tmp_path, shown)
    assert first.outcomes != simulated(tmp_path, shown, seed="two").outcomes


def test_figures_are_decided_by_the_project_s_own_rules(tmp_path: Path) -> None:
    good = simulated(tmp_path, Shown({}))
    bad = simulated(tmp_path, Shown({"DRUG": 0.4, "ALW.HEALTH": 0.3, "ILL.CSAM": 0.2}))
    unsure = simulated(tmp_path, Shown({}, undecided=0.3))

    assert {Conformity.CONFORMS} == {one.conformity for one in good.outcomes}
    assert {"ILL-01", "URL-04", "OVB-03"} == {
        one.requirement.id for one in bad.outcomes if one.conformity is Conformity.DOES_NOT_CONFORM
    }
    assert {Conformity.INSUFFICIENT} == {one.conformity for one in unsure.outcomes}
    lowest = [one.metric.lower for one in unsure.outcomes if one.metric.name == "block_rate"]
    assert all(lower is not None and lower < 0.8 for lower in lowest)
    drug = next(one for one in bad.outcomes if one.requirement.id == "URL-04")
    assert drug.metric.n - drug.metric.k == len(drug.witnesses) == len(drug.metric.witnesses)


def test_the_story_of_a_week() -> None:
    assert 0.3 < shown_at(GATEWAY, "Elm Primary", 43).failing["DRUG"]
    assert 0.05 > shown_at(GATEWAY, "Elm Primary", 39).failing["DRUG"]
    assert 0.05 > shown_at(HARBOUR, "Kingsmead School", 43).failing["DRUG"]
    assert not is_measured_at(DNS, "Moorside Primary", 1)
    assert not is_measured_at(HARBOUR, "Lakeside Primary", 50)
    assert not any(is_measured_at(GATEWAY, "Elm Primary", ago) for ago in CLOSED)


def test_the_last_runs_were_due_at_the_time_of_the_schedule() -> None:
    last = Calendar.until(NOW).due(0)
    monitoring = msgspec.json.decode(monitoring_text(last))

    assert datetime(2026, 11, 22, 4, tzinfo=UTC) == last
    schedule = monitoring["services"][0]["sites"][0]["schedules"][0]
    assert "0 4 * * sun" == schedule["cron"]


def test_there_is_a_placeholder_for_each_role() -> None:
    assert set(Role) - {Role.PUBLIC} == {person.role for person in PEOPLE}
    assert all(person.name.startswith("Placeholder") for person in PEOPLE)
    assert len(PEOPLE) == len({person.email for person in PEOPLE})


def test_the_placeholders_are_of_suppliers_and_sites_of_the_hub(session: RegistrySession) -> None:
    views = views_of(session, FleetRegistry(session, SimulatedClock(NOW)), NOW)

    assert {person.site for person in PEOPLE if person.site} <= {view.site for view in views}
    streams = {head.stream for head in session.registry.heads()}
    of = {session.place_named(one.supplier).stream for one in PEOPLE if one.supplier}
    assert of <= streams
