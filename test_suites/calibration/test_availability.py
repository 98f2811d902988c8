"""AVL-01 to AVL-03: outages, unfiltered times and failovers are found, to within one check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnfinishedError
from harness.estimate.availability_metrics import NOT_CHECKED, ONE_PLACE
from harness.estimate.fault_metrics import NO_FAILOVER, NO_FAULT, NO_TYPES, UNDECLARED
from harness.model.availability import TRIES
from harness.model.outcome import Conformity
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from test_suites.calibration.availability_campaign import CONTINUITY, NOON, CheckedCampaign
from test_suites.kit.campaigns.ranges import world_of
from test_suites.kit.campaigns.rehearsal import rehearse

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
ALLOWED = frozenset({"amber-lantern.accredit.test"})
"""The agreed sentinel that must pass: what a service knows of tests."""


world = world_of()


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path) -> Iterator[CheckedCampaign]:
    yield CheckedCampaign(world, tmp_path)
    world.faults.clear()


# AVL-01


def test_an_outage_of_40_seconds_is_reported_to_within_one_check(campaign: CheckedCampaign) -> None:
    campaign.happen(100, campaign.down, 40)

    campaign.check(every=15, lasts=240)

    found = campaign.outages()
    began, ended = NOON + timedelta(seconds=100), NOON + timedelta(seconds=140)
    assert [one.line for one in found] == ["line-1", "line-2"]
    for one in found:
        assert one.good is not None
        assert one.better is not None
        assert one.most is not None
        assert one.good < began <= one.begins <= one.good + timedelta(seconds=30)
        assert one.ends - timedelta(seconds=5) < ended <= one.better
        assert one.least - 5 <= 40 <= one.most <= 40 + 2 * 30
        assert one.state == "down"
        assert "connection_refused" in one.why


def test_a_service_that_is_up_and_filters_conforms(campaign: CheckedCampaign) -> None:
    campaign.check(lasts=450)

    found = rehearse(campaign.path).outcome("AVL-01", "line-1")

    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.value == 1.0
    assert found.metric.n == 30
    assert "unknown time, which counts for and against the service: 0 %" in found.metric.method


def test_a_service_that_is_down_for_long_does_not_conform(campaign: CheckedCampaign) -> None:
    campaign.happen(50, campaign.down, 150)

    campaign.check(lasts=300)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    (witness,) = found.witnesses
    assert witness.saw[0].startswith("down for ")
    assert 0.4 < (found.metric.value or 0) < 0.6


def test_a_service_that_is_up_without_filtering_is_not_available(campaign: CheckedCampaign) -> None:
    campaign.happen(50, campaign.off, 150)

    campaign.check(lasts=300)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    (witness,) = found.witnesses
    assert witness.saw[0].startswith("unfiltered for ")
    assert {one.state for one in campaign.checks().checks} == {"filtered", "unfiltered"}


def test_a_name_server_is_checked_by_questions_alone(campaign: CheckedCampaign) -> None:
    campaign.write_names()
    campaign.happen(60, campaign.off, 60)
    campaign.happen(180, campaign.down, 60)

    campaign.check(lasts=300)

    checks = campaign.checks().checks
    assert [one.state for one in campaign.outages()] == ["unfiltered", "down"]
    assert {one.state for one in checks} == {"filtered", "unfiltered", "down"}
    assert {page.result for one in checks if one.state == "filtered" for page in one.harmful} == {
        "blocked"
    }


def test_one_missed_page_is_no_outage(campaign: CheckedCampaign) -> None:
    """In 40 checks each of the 26 pages that must be blocked is tried, so the missed one too."""
    missed = campaign.known_hosts()[0]
    campaign.world.faults.add(Fault(kind=FaultKind.MISS, hosts=frozenset({missed})))

    campaign.check(lasts=600)

    pages = [page for one in campaign.checks().checks for page in one.harmful]
    assert "open" in {page.result for page in pages}
    assert {one.state for one in campaign.checks().checks} == {"filtered"}


def test_pages_that_a_service_misses_show_no_outage_once_others_were_blocked(
    campaign: CheckedCampaign,
) -> None:
    """It misses every second page, so that three drawn ones often come although it filters."""
    missed = frozenset(campaign.known_hosts()[::2])
    campaign.world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))

    campaign.check(every=10, lasts=800)

    checks = [one for one in campaign.checks().checks if one.line == "line-1"]
    states = [one.state for one in checks]
    assert {"filtered"} == set(states[states.index("filtered") :])
    assert any(len(one.harmful) > TRIES for one in checks)


def test_a_service_that_stops_filtering_is_seen_by_pages_that_it_blocked_before(
    campaign: CheckedCampaign,
) -> None:
    campaign.happen(100, campaign.off, 400)

    campaign.check(lasts=300)

    states = [one.state for one in campaign.checks().checks if one.line == "line-1"]
    assert ["filtered", "unfiltered"] == list(dict.fromkeys(states))


def test_a_line_for_checks_alone_is_the_second_place(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north",), further=("south",))
    campaign.check(lasts=300)

    run = campaign.concluded()

    found = run.outcome("AVL-01", "line-1")
    assert found.conformity is CONFORMS, found.reasons
    asked = {one.requirement.id for one in run.assessment.outcomes if one.line == "line-2"}
    assert {"AVL-01", "AVL-02", "AVL-03"} == asked
    assert {"line-1", "line-2"} == {one.line for one in campaign.checks().checks}


def test_a_second_place_that_is_not_filtered_does_not_conform(campaign: CheckedCampaign) -> None:
    """It is not a mere witness of the first one: the service has to be up and to filter there too.

    The open line uses up three pages in each check, of which the first line is asked for one: only
    after many checks has it been asked for enough of them, in whatever order they are drawn.
    """
    campaign.write(sites=("north",), further=("south",), open_further=True)
    campaign.check(lasts=1500)

    run = campaign.concluded()

    first = run.outcome("AVL-01", "line-1")
    assert first.conformity is CONFORMS, first.reasons
    assert run.outcome("AVL-01", "line-2").conformity is FAILS


def test_without_a_second_site_nothing_is_shown(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north", "north"))
    campaign.check(lasts=300)

    found = campaign.outcome("AVL-01")

    assert found.conformity is OPEN
    assert found.leaning == "pass"
    assert ONE_PLACE in found.reasons


def test_few_hosts_could_be_recognised(campaign: CheckedCampaign) -> None:
    campaign.write(pages=5)
    campaign.check(lasts=90)

    found = campaign.outcome("AVL-01")

    assert found.conformity is OPEN
    assert any("hosts that must be blocked were tried" in each for each in found.reasons)


def test_time_in_which_the_control_line_is_down_counts_for_and_against(
    campaign: CheckedCampaign,
) -> None:
    dead = Fault(kind=FaultKind.DEAD, service="origin")
    campaign.happen(50, lambda: campaign.with_fault(dead), 100)

    campaign.check(lasts=300)

    assert campaign.outages() == []
    assert {one.state for one in campaign.checks().checks} == {"filtered", "unknown"}
    found = campaign.outcome("AVL-01")
    assert found.conformity is OPEN
    assert found.metric.lower is not None
    assert found.metric.lower < 0.7
    assert found.metric.upper == 1.0


def test_without_checks_it_is_said_how_to_make_them(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north",), pages=2)
    run = rehearse(campaign.path)

    said = {name: run.outcome(name, "line-1") for name in ("AVL-01", "AVL-02", "AVL-03")}

    assert {one.conformity for one in said.values()} == {OPEN}
    assert NOT_CHECKED in said["AVL-01"].reasons
    assert NO_FAILOVER in said["AVL-02"].reasons
    assert NO_FAULT in said["AVL-03"].reasons


# Hostile services


class OnlyKnownHosts(Fault):
    """A fault of all hosts but those by which a service recognises tests."""

    def touches(self, host: str, profile: str, service: str) -> bool:
        return host not in ALLOWED and super().touches(host, profile, service)


def test_a_service_that_answers_for_the_hosts_of_tests_alone_is_down(
    campaign: CheckedCampaign,
) -> None:
    """It answers for the agreed sentinel, whoever asks, although all else gets an error page."""
    broken = OnlyKnownHosts(kind=FaultKind.REFUSE)
    object.__setattr__(broken, "hosts", _Every())

    campaign.happen(0, lambda: campaign.with_fault(broken), 600)
    campaign.check(lasts=300)

    assert {one.state for one in campaign.checks().checks} == {"down"}
    assert campaign.outcome("AVL-01").conformity is FAILS


class _Every(frozenset[str]):
    """Every host."""

    def __contains__(self, host: object) -> bool:
        return True


def test_a_service_that_is_up_at_the_rhythm_of_checks_alone_is_down(
    campaign: CheckedCampaign,
) -> None:
    """It filters for two seconds of every fifteen, when a steady check would be due."""
    for beat in range(20):
        campaign.happen(15 * beat + 1, campaign.off, 13)

    campaign.check(every=15, lasts=300)

    found = campaign.outcome("AVL-01")
    assert found.conformity is FAILS, found.reasons
    assert (found.metric.value or 0) < 0.5


# AVL-03


def test_a_service_that_stops_in_a_fault_leaks_nothing(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("fault", lasts=75)

    found = campaign.outcome("AVL-03")
    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.k == 0
    assert found.metric.n >= 30


def test_a_service_that_fails_open_at_a_restart_does_not_conform(campaign: CheckedCampaign) -> None:
    """It is down for four seconds, and lets everything pass for three, until its lists are read."""
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 4)
    campaign.happen(4.5, campaign.off, 3)

    campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is FAILS
    assert 1 <= found.metric.k <= 6
    assert "after the fault; it was blocked before" in found.witnesses[0].saw[0]


def test_pages_that_were_open_before_the_fault_are_no_leaks(campaign: CheckedCampaign) -> None:
    missed = frozenset(f"gamb-{number:03}.canary.accredit.test" for number in range(1, 40))
    campaign.world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("fault")

    assert campaign.outcome("AVL-03").metric.k == 0


@pytest.mark.parametrize(
    ("seconds", "declared", "said"),
    [
        (0, CONTINUITY, "restart: no check shows an effect of the fault"),
        (500, CONTINUITY, "restart: the service did not work again when the checks ended"),
        (8, {"in_a_fault": None}, UNDECLARED),
    ],
)
def test_a_fault_that_shows_nothing(
    campaign: CheckedCampaign, seconds: float, declared: dict[str, Any], said: str
) -> None:
    campaign.write(sites=("north",), **declared)
    campaign.happen(0.5, campaign.down, seconds)

    campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is OPEN
    assert said in found.reasons


def test_no_fault_is_caused_while_the_service_is_down(campaign: CheckedCampaign) -> None:
    with campaign.down(), pytest.raises(UnfinishedError, match="get the service working"):
        campaign.cause("fault")

    found = campaign.outcome("AVL-03")
    assert found.conformity is OPEN
    assert NO_FAULT not in found.reasons


# AVL-02


def test_a_backup_line_that_takes_over_in_time_conforms(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north",))
    campaign.happen(0.5, campaign.down, 20)

    campaign.cause("failover", lasts=90)

    found = campaign.outcome("AVL-02")
    assert found.conformity is CONFORMS, found.reasons
    assert "no pages came for " in found.metric.method


@pytest.mark.parametrize("wrong", ["unfiltered", "late", "same type"])
def test_a_backup_line_that_is_wrong_does_not_conform(
    campaign: CheckedCampaign, wrong: str
) -> None:
    campaign.write(sites=("north",), backup="Fibre " if wrong == "same type" else "mobile")
    campaign.happen(0.5, campaign.down, 70 if wrong == "late" else 8)
    if wrong == "unfiltered":
        campaign.happen(8.5, campaign.off, 10)

    campaign.cause("failover", lasts=120 if wrong == "late" else 60)

    found = campaign.outcome("AVL-02")
    assert found.conformity is FAILS
    parts = {part.group: part.metric.k for part in found.metric.parts}
    assert sum(count > 0 for count in parts.values()) == 1, parts


def test_a_backup_line_whose_type_is_not_declared_shows_nothing(campaign: CheckedCampaign) -> None:
    campaign.write(sites=("north",), backup=None)
    campaign.happen(0.5, campaign.down, 8)

    campaign.cause("failover")

    found = campaign.outcome("AVL-02")
    assert found.conformity is OPEN
    assert NO_TYPES in found.reasons
    assert NO_FAILOVER not in found.reasons
