"""``device moment``: what cannot be checked is refused in one sentence, and what is next is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.compose import prepare
from harness.cli.device import WORDS, MomentTimes, check_moment
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import HarnessError
from harness.model.timed_event import MOMENTS, Moment

Simulated = Callable[..., Path]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("suspend",), "no moment 'suspend'; known: network, portal, resume, start"),
        (("network", "--for", "soon"), "--for soon: write a length of time like"),
        (("network", "--for", "10s"), "60 checks are made before the moment; give at least 12s"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    simulated: Simulated, runner: CliRunner, words: tuple[str, ...], said: str
) -> None:
    campaign = simulated(categories=["DRUG"], sample=40, whole=())
    done = runner.invoke(
        app, ["device", "moment", str(campaign), *words, "--out", str(campaign.parent / "out")]
    )

    assert isinstance(done.exception, HarnessError), done.output
    assert done.exception.exit_code == 2
    assert said in str(done.exception)


def test_checks_that_are_too_rare_to_show_a_moment_are_refused(
    simulated: Simulated, runner: CliRunner
) -> None:
    campaign = simulated(categories=["DRUG"], sample=40, whole=())

    done = runner.invoke(app, ["device", "moment", str(campaign), "network", "--every", "1"])

    assert done.exit_code == 2


def test_a_campaign_without_agreed_pages_that_must_be_blocked_is_refused(
    simulated: Simulated, runner: CliRunner
) -> None:
    campaign = simulated(categories=["LOC.SHOP"], sample=2, whole=())
    text = campaign.read_text()
    campaign.write_text(
        text + "sentinels: {must_block: ['http://copper-meadow.accredit.test/a']}\n"
    )

    done = runner.invoke(app, ["device", "moment", str(campaign), "start"])

    assert isinstance(done.exception, HarnessError), done.output
    assert "no agreed host must be blocked for pupils" in str(done.exception)


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_is_said_what_to_do_and_what_was_made(
    simulated: Simulated, capsys: pytest.CaptureFixture[str], moment: Moment
) -> None:
    campaign = simulated(categories=["DRUG"], sample=21, whole=())
    paths = CampaignPaths(out=campaign.parent / "out", campaign="simulated")
    clock = SimulatedClock(datetime(2026, 3, 2, 12, tzinfo=UTC))

    made = check_moment(
        prepare(campaign), paths, moment, MomentTimes(lasts=9, at_once=1),
        pause=clock.pause, clock=clock,
    )  # fmt: skip

    said = capsys.readouterr().out
    assert made == 90
    assert said.startswith(WORDS[moment] + "\n")
    assert "made 90 checks" in said
    assert "proxy: 0 ordinary pages did not come" in said
