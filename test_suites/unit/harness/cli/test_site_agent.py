"""The agent of a site: the hub's time and orders, runs, sentinels and results, minute by minute."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli.hub_clock import HubClock
from harness.errors import InstrumentError
from harness.fleet.messages import Refused, Update, UplinkReport, encode, read_from_agent
from test_suites.unit.harness.cli.site_of_agent import DOWN, DUE, PlayedSite, run_in, run_of, told

YEAR = 365 * 86400.0
UNKNOWN = "; nothing is measured until the time is known"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedSite:
    return PlayedSite(tmp_path, monkeypatch)


@pytest.fixture
def working(site: PlayedSite) -> PlayedSite:
    """A site whose agent has an order."""
    site.give_order()
    site.due()
    site.due()
    return site


# time


def test_nothing_is_measured_until_the_time_is_known(
    site: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.give_order()
    site.hub.down = DOWN
    for _ in range(600):
        assert not site.due()

    assert [f"accredit: warning: the hub's time is not read: {DOWN}{UNKNOWN}"] == told(capsys)
    assert not (site.out / "registry.sqlite").exists()
    assert not site.tried

    site.hub.down = ""
    site.due()
    said = told(capsys)
    assert "order 1 of the hub is in force" in said
    assert "the hub is reached, and nothing is in the way any more" in said
    assert ["daily"] == site.tried
    assert "" == site.agent.state.trouble


def test_a_run_starts_by_the_systems_clock_when_it_is_due_by_the_hubs(site: PlayedSite) -> None:
    site.hub.offset = YEAR
    site.give_order()
    site.due()
    site.minutes((DUE - timedelta(minutes=1) - site.now) / timedelta(minutes=1))

    (job,) = site.due(0)

    assert abs(job.start - (DUE - timedelta(seconds=YEAR))) < timedelta(seconds=1)
    assert "20260302T0615Z" in job.key
    site.minutes()
    run = site.carry_out(job.key)
    assert ("measured", DUE) == (run.result, run.due)
    site.due()
    (report,) = site.hub.reports
    sent = run_in(report)
    assert timedelta(0) <= sent.at - DUE < timedelta(minutes=5)
    assert site.hub.polls[-1].status.clock is not None
    assert site.hub.polls[-1].status.clock.offset == pytest.approx(YEAR, abs=1)


def test_runs_begin_in_time_though_the_systems_clock_is_set_while_the_agent_works(
    working: PlayedSite,
) -> None:
    working.hub.down = DOWN
    working.minutes((DUE - timedelta(minutes=1) - working.now) / timedelta(minutes=1))
    working.hub.offset = -40 * 86400.0  # the agent has read no offset since

    (job,) = working.due(0)

    assert abs(job.start - working.system - timedelta(minutes=1)) < timedelta(seconds=1)


def test_the_clock_is_read_again_now_and_then(working: PlayedSite) -> None:
    first = working.agent.state.clock
    working.due(10)
    assert working.agent.state.clock is first
    working.due(10)
    assert working.agent.state.clock is not first
    assert working.home.clock.is_file()


def test_an_agent_that_is_started_again_goes_on_by_the_time_that_it_had(
    working: PlayedSite,
) -> None:
    working.left = working.agent.state.clock
    assert isinstance(working.left, HubClock)
    working.hub.down = DOWN
    working.start()

    assert run_of(working)


def test_a_clock_that_cannot_be_kept_is_a_trouble_like_others(
    site: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(clock: HubClock, path: Path) -> None:
        raise InstrumentError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("harness.cli.site_agent.keep_clock", full)
    site.due()
    assert "No space left" in site.agent.state.trouble


# the hub


def test_measuring_goes_on_while_the_hub_is_not_reached_and_results_wait(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys)
    working.hub.down = DOWN
    for _ in range(30):
        working.due()
    run = working.carry_out(run_of(working))
    for number in range(180):
        working.hub.down = DOWN if number % 2 else DOWN.replace("443", "8443")
        working.due()

    assert "measured" == run.result
    assert 1 == working.agent.state.waiting
    lines = told(capsys)
    warned = [line for line in lines if "not reached" in line]
    assert 1 == len(warned), lines
    assert "not reached" in working.agent.state.trouble

    working.hub.down = ""
    for _ in range(90):
        working.due()
    assert 0 == working.agent.state.waiting
    assert 1 == len(working.hub.reports)
    lines = told(capsys)
    assert 1 == sum("is reached, and nothing is in the way" in line for line in lines), lines
    assert not [line for line in lines if "warning" in line]


def test_the_status_tells_clock_uplink_sentinels_and_what_waits(working: PlayedSite) -> None:
    working.hub.report = UplinkReport(is_intercepted=True, issuer="CN=School", proxy="proxy:8080")
    working.hub.bound = 0.05
    working.due(16)

    working.due(6)

    poll = working.hub.polls[-1]
    status = poll.status
    assert 1 == poll.serial
    assert working.hub.report == status.uplink
    assert status.clock is not None
    assert status.clock.age == 360
    assert status.clock.bound == pytest.approx(0.05 + 360 * 0.0005)
    assert ["daily"] == [each.schedule for each in status.brackets]
    assert all(each.held for each in status.brackets)
    assert (0, "") == (status.waiting, status.trouble)
    assert read_from_agent(encode(poll)) == poll, "within the limits of messages"


def test_the_longest_troubles_are_within_the_limits_of_messages(working: PlayedSite) -> None:
    working.bracket = lambda schedule: "\U0001f600" * 5000
    working.due(20)
    working.due(6)

    poll = working.hub.polls[-1]
    assert not poll.status.brackets[0].held
    assert read_from_agent(encode(poll)) == poll


def test_the_hub_is_asked_every_five_minutes(working: PlayedSite) -> None:
    before = len(working.hub.polls)
    for _ in range(60):
        working.due()
    assert 12 == len(working.hub.polls) - before


def test_the_hub_hears_at_once_that_sentinels_fail_or_the_way_is_another(
    working: PlayedSite,
) -> None:
    before = len(working.hub.polls)
    working.hub.report = UplinkReport(is_intercepted=True, issuer="CN=School")
    working.due()
    assert [working.hub.report] == [each.status.uplink for each in working.hub.polls[before:]]
    working.due()
    assert 1 == len(working.hub.polls) - before

    working.bracket = lambda schedule: "must-allow"
    working.due(15)
    working.due()

    assert [False] == [each.held for each in working.hub.polls[-1].status.brackets]


# orders


def test_an_order_replaces_the_one_before(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    first = working.agent.declared()
    working.service.declare(top={"monitoring": "other"})
    working.give_order(2)
    working.due(6)

    declared = working.agent.declared()
    assert first is not None
    assert declared is not None
    assert ("acme", "other") == (first.monitoring, declared.monitoring)
    assert first.path.is_file(), "for a run that goes on"
    assert "order 2 of the hub is in force" in told(capsys)
    assert run_of(working).startswith("run:other/")
    words = working.agent.command("KEY")
    assert str(declared.path) in words
    assert ["--clock-file", str(working.home.clock)] == words[-2:]


def test_an_order_that_is_refused_leaves_the_one_before(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    working.give_order(2, monitoring="monitoring: [")
    for _ in range(60):
        working.due()

    assert 1 == sum("order 2 of the hub is not taken" in line for line in told(capsys))
    assert "order 2 of the hub is not taken" in working.agent.state.trouble
    assert run_of(working)
    assert 1 == working.hub.polls[-1].serial
    assert "order 2" in working.hub.polls[-1].status.trouble, "the hub hears of it"


def test_a_damaged_order_does_not_keep_results_or_the_hub_waiting(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    working.carry_out(run_of(working))
    working.due()
    (working.home.orders / "current.json").write_bytes(b"{")
    told(capsys)
    for _ in range(30):
        assert not working.due()

    warned = [line for line in told(capsys) if "current.json" in line]
    assert 1 == sum("remove it, and the hub sends the order again" in line for line in warned)
    assert "current.json" in working.hub.polls[-1].status.trouble

    (working.home.orders / "current.json").unlink()
    working.due(6)
    assert 1 == working.agent.declared().services[0].alarm_sites  # type: ignore[union-attr]


def test_a_revoked_agent_measures_nothing_more_and_keeps_what_it_has(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    key = run_of(working)
    working.hub.down = DOWN
    working.carry_out(key)
    working.due()
    assert 1 == working.agent.state.waiting
    working.hub.down = ""
    working.hub.refusal = Refused(reason="revoked", words="the school has left")
    told(capsys)

    assert not working.due(40)

    assert working.stop.is_set()
    assert working.agent.state.is_revoked
    assert working.agent.declared() is None
    assert not working.agent.state.planned
    assert 1 == len(working.spool.waiting())
    assert list(working.out.glob("*/journal")), "the journal stays"
    (line,) = [line for line in told(capsys) if "revoked" in line]
    assert "the school has left; nothing more is measured" in line
    assert "no order" not in line
    asked = len(working.hub.asked)
    assert not working.due(10)
    assert asked == len(working.hub.asked), "nothing more is asked"


def test_another_refusal_of_the_hub_is_a_trouble_and_no_end(working: PlayedSite) -> None:
    working.hub.refusal = Refused(reason="faulty", words="")
    working.due(6)
    assert "the hub refuses this agent" in working.agent.state.trouble
    working.hub.refusal = None
    working.due(6)
    assert "" == working.agent.state.trouble
    assert run_of(working)


def test_an_offered_version_is_fetched_once(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    working.hub.update = Update(version="2.0", sha256="0" * 64, size=5)
    for _ in range(20):
        working.due()
    assert [working.hub.update] == working.fetched
    assert 1 == sum("version 2.0 is offered: pip install" in line for line in told(capsys))


# sentinels


def test_sentinels_are_tried_now_and_then_and_their_fault_is_told_once(
    working: PlayedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys)
    working.bracket = lambda schedule: "sentinel x was allowed"
    for _ in range(60):
        working.due()

    assert 4 <= len(working.tried) <= 6
    lines = told(capsys)
    assert 1 == sum("the sentinels of daily fail: sentinel x was allowed" in each for each in lines)
    (bracket,) = working.hub.polls[-1].status.brackets
    assert (False, "sentinel x was allowed") == (bracket.held, bracket.failed)
    assert "sentinels of daily fail" in working.agent.state.trouble

    working.bracket = lambda schedule: None
    for _ in range(30):
        working.due()
    assert working.agent.state.brackets[0].held
    assert "" == working.agent.state.trouble
