"""DEV-03: unfiltered moments of a device are found, and what was not seen shows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UnfinishedError
from harness.estimate.moment_metrics import NOT_TESTED
from harness.model.outcome import Conformity
from harness.model.timed_event import MOMENTS, Moment
from probes.range.testbed import RangeTestbed
from probes.range.zone import original_host
from test_suites.calibration.moment_campaign import AWAY, BACK, MomentCampaign
from test_suites.kit.campaigns.ranges import world_of
from test_suites.kit.campaigns.rehearsal import rehearse

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
REFUSED = "the laptops refuse networks with a login page"
ALWAYS_ON = "these devices are never switched off"


world = world_of()


@pytest.fixture
def campaign(world: RangeTestbed, tmp_path: Path) -> Iterator[MomentCampaign]:
    yield MomentCampaign(world, tmp_path)
    world.faults.clear()


def test_a_filter_that_works_from_the_first_packet_conforms(campaign: MomentCampaign) -> None:
    campaign.bring_all(but=("portal",))

    three = campaign.outcome("DEV-03")
    campaign.bring("portal")
    campaign.bring("portal")
    found = campaign.outcome("DEV-03")

    assert three.conformity is OPEN
    assert three.leaning == "pass"
    assert any("times; portal: 0 of 2 tests" in each for each in three.reasons), three.reasons
    assert found.conformity is CONFORMS, found.reasons
    assert found.metric.k == 0
    assert found.metric.n >= 8 * 40


def test_a_moment_that_is_declared_not_to_occur_is_named(campaign: MomentCampaign) -> None:
    campaign.declare(portal=REFUSED, start=ALWAYS_ON, resume=ALWAYS_ON)
    campaign.bring("network")
    once = campaign.outcome("DEV-03")
    campaign.bring("network")

    found = campaign.outcome("DEV-03")

    assert once.conformity is OPEN
    assert found.conformity is CONFORMS, found.reasons
    assert f"portal ({REFUSED})" in found.metric.method


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_service_that_is_open_for_half_a_second_does_not_conform(
    campaign: MomentCampaign, moment: Moment
) -> None:
    campaign.happen(BACK, campaign.off, 0.5)

    campaign.bring(moment, every=0.1, lasts=8)

    found = campaign.outcome("DEV-03")
    assert found.conformity is FAILS, found.reasons
    witness = found.witnesses[0]
    assert original_host(witness.value) in campaign.harmful()
    assert witness.saw[0].startswith(f"{moment}: the page came 0.")
    assert "s after the network returned" in witness.saw[0]


def test_a_service_that_is_open_every_second_time_does_not_conform(
    campaign: MomentCampaign,
) -> None:
    campaign.bring("network")
    first = campaign.tests()
    campaign.happen(BACK, campaign.off, 0.5)
    campaign.bring("network", every=0.1, lasts=8)

    assert [one.objection for one in first] == [""]
    assert campaign.outcome("DEV-03").conformity is FAILS


def test_a_service_that_blocks_the_first_host_alone_at_first_does_not_conform(
    campaign: MomentCampaign,
) -> None:
    campaign.happen(BACK, campaign.all_but_the_first_host, 2)

    campaign.bring("resume")

    found = campaign.outcome("DEV-03")
    assert found.conformity is FAILS
    assert len({one.value for one in found.witnesses}) >= 5


def test_pages_that_come_before_ordinary_ones_are_leaks(campaign: MomentCampaign) -> None:
    campaign.happen(0.5, campaign.harmful_alone, 1.5)

    campaign.test("network", every=0.1, lasts=8)

    found = campaign.outcome("DEV-03")
    assert found.conformity is FAILS, found.reasons
    assert "before the network returned, while no ordinary page came" in found.witnesses[0].saw[0]


def test_a_moment_that_nobody_caused_shows_nothing(campaign: MomentCampaign) -> None:
    campaign.test("network")

    found = campaign.outcome("DEV-03")
    assert found.conformity is OPEN
    assert any("the moment was not seen" in each for each in found.reasons), found.reasons


def test_a_device_that_stays_without_a_network_shows_nothing(campaign: MomentCampaign) -> None:
    campaign.happen(AWAY, campaign.down, 100)

    campaign.test("network", lasts=10)

    found = campaign.outcome("DEV-03")
    assert found.conformity is OPEN
    assert any("ordinary pages did not come again" in each for each in found.reasons)


def test_without_a_test_it_is_said_how_to_make_one(campaign: MomentCampaign) -> None:
    found = rehearse(campaign.path).outcome("DEV-03", "line-1")

    assert found.conformity is OPEN
    assert NOT_TESTED in found.reasons


def test_no_moment_is_caused_while_the_service_is_down(campaign: MomentCampaign) -> None:
    with campaign.down(), pytest.raises(UnfinishedError, match="get the service working"):
        campaign.test("network")

    assert any("stopped before" in each for each in campaign.outcome("DEV-03").reasons)
