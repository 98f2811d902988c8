"""``availability check``: pages and moments are drawn without a mark; what cannot be checked is refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.simulated_clock import SimulatedClock
from harness.errors import HarnessError
from harness.judge.composite_measurements import judge_maker
from harness.model.availability import AvailabilityChecks
from harness.model.observation import CONTROL, Observation
from harness.model.timed_event import EventNote
from harness.store.journal.journal import open_journal
from probes.range.zone import TWIN_ZONE, original_host

CAPTIVE_CONTROL = "control:\n  type: simulated\n  options: {captive: true}\n"
"""A control that gets a login page in the place of each page."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Checked:
    """A campaign over a simulated line, and the checks of it by a clock that is set forward."""

    def __init__(self, campaign: Path) -> None:
        self.campaign = campaign
        name = read_campaign(campaign)[0].campaign
        self.paths = CampaignPaths(out=campaign.parent / "out", campaign=name)
        self.clock = SimulatedClock(NOON)
        self.slept: list[float] = []

    def declare(self, before: str, after: str) -> None:
        text = self.campaign.read_text()
        assert before in text
        self.campaign.write_text(text.replace(before, after, 1))

    def check(self, lasts: float = 900, *, together: int = 100, **more: Any) -> int:
        async def pause(seconds: float) -> None:
            self.slept.append(seconds)
            await self.clock.pause(seconds)

        times = CheckTimes(every=30, lasts=lasts, together=together)
        prepared = prepare(self.campaign)
        return check(prepared, self.paths, times, pause=pause, clock=self.clock, **more)

    def seen(self) -> list[Observation]:
        with closing(open_journal(self.paths.journal)) as journal:
            return [one for one in journal.observations() if one.role == "availability"]

    def checks(self) -> AvailabilityChecks:
        with closing(open_journal(self.paths.journal)) as journal:
            return judge_maker(journal)().records.availability


@pytest.fixture
def checked(simulated: Callable[..., Path]) -> Checked:
    return Checked(simulated(categories=["DRUG"], sample=40, whole=()))


def test_moments_are_drawn_one_in_each_interval(checked: Checked) -> None:
    made = checked.check(lasts=900)

    passed = [(one.started - NOON).total_seconds() for one in checked.checks().checks]
    assert made == len(passed) == 30
    assert [int(one / 30) for one in passed] == list(range(30))
    assert max(other - one for one, other in pairwise(passed)) <= 60
    assert len({round(one % 30) for one in passed}) > 10


def test_no_request_bears_a_mark_of_a_test(checked: Checked) -> None:
    checked.check()

    seen = checked.seen()
    assert {one.nonce for one in seen} == {""}
    assert {one.evidence for one in seen} == {()}
    assert all(one.item.host.endswith("." + TWIN_ZONE) for one in seen)


def test_pages_are_of_many_hosts_and_each_has_its_control(checked: Checked) -> None:
    checked.check()

    hosts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    lines: defaultdict[str, set[str]] = defaultdict(set)
    for one in checked.seen():
        hosts[one.item.id.split("-")[2]][one.item.host] += 1
        lines[one.item.id].add(one.key.line)
    assert (3 * 30, 30) == (len(hosts["ordinary"]), len(hosts["harmful"]))
    assert all(one == {CONTROL, "proxy"} for one in lines.values())


def test_another_run_of_the_same_campaign_draws_anew_and_keeps_what_was_there(
    checked: Checked,
) -> None:
    checked.check(lasts=120)
    first = checked.checks().checks
    checked.check(lasts=120, together=1)

    both = checked.checks().checks
    assert both[: len(first)] == first
    assert len(both) == 2 * len(first)
    assert {one.run for one in both} == {1, 2}


def test_a_service_that_blocks_new_sites_is_asked_for_agreed_ones(
    simulated: Callable[..., Path],
) -> None:
    checked = Checked(simulated(categories=["DRUG", "LOC.SHOP"], sample=200, whole=()))
    checked.declare("service:\n", "service:\n  new_sites: block\n")

    checked.check(lasts=300)

    asked = {original_host(one.item.host) for one in checked.seen() if "-ordinary-" in one.item.id}
    assert all(".twin." in host or host.startswith("loc-") for host in asked)
    assert {one.state for one in checked.checks().checks} == {"filtered"}


def test_time_in_which_the_tester_slept_is_not_caught_up(checked: Checked) -> None:
    """After a suspension there is one check in the present interval, not one for each missed one."""
    beat = 0

    async def pause(seconds: float) -> None:
        nonlocal beat
        beat += 1
        await checked.clock.pause(seconds + (400 if beat == 3 else 0))

    times = CheckTimes(every=30, lasts=900, together=100)
    made = check(prepare(checked.campaign), checked.paths, times, pause=pause, clock=checked.clock)

    assert made < 20
    assert max(
        other.started - one.started for one, other in pairwise(checked.checks().checks)
    ) > timedelta(seconds=350)


def test_a_service_that_blocks_nothing_is_unfiltered_after_three_pages(
    simulated: Callable[..., Path],
) -> None:
    checked = Checked(simulated(categories=["DRUG"], sample=40, whole=(), block=[]))

    checked.check(lasts=90)

    found = checked.checks().checks
    assert {one.state for one in found} == {"unfiltered"}
    assert {len(one.harmful) for one in found} == {3}


def test_a_fault_is_announced_after_each_page_was_tried_once(checked: Checked) -> None:
    told: list[datetime] = []
    note = EventNote(kind="fault", asks="block", name="cut")

    checked.check(lasts=2400, test=note, announce=lambda: told.append(checked.clock.now()))

    checks = checked.checks().checks
    before = [one for one in checks if one.note is not None and one.note.at is None]
    since = [one for one in checks if one.note is not None and one.note.at is not None]
    assert len(before) == len({page.host for one in before for page in one.harmful}) == 30
    assert {page.host for one in since[:30] for page in one.harmful} == {
        page.host for one in before for page in one.harmful
    }
    assert {one.note.at for one in since if one.note} == set(told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "--for", "soon"), "--for soon: write a length of time like 90s, 10m, 6h or 30d"),
        (("check", "--for", "0s"), "write a length of time like"),
        (("fault", "a b"), "'a b' is no name"),
        (("fault", "cut", "--for", "30s"), "checks are made before the fault; give at least 60s"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    checked: Checked, runner: CliRunner, words: tuple[str, ...], said: str
) -> None:
    verb, *more = words
    out = str(checked.paths.out)
    done = runner.invoke(app, ["availability", verb, str(checked.campaign), *more, "--out", out])

    assert isinstance(done.exception, HarnessError), done.output
    assert done.exception.exit_code == 2
    assert said in str(done.exception)


def test_a_campaign_without_agreed_pages_that_must_be_blocked_is_refused(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    campaign = simulated(categories=["LOC.SHOP"], sample=2, whole=())
    text = campaign.read_text()
    campaign.write_text(
        text + "sentinels: {must_block: ['http://copper-meadow.accredit.test/a']}\n"
    )

    done = runner.invoke(app, ["availability", "check", str(campaign)])

    assert isinstance(done.exception, HarnessError), done.output
    assert "no agreed host must be blocked for pupils" in str(done.exception)


def test_few_agreed_pages_are_a_warning(
    simulated: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    Checked(simulated(categories=["DRUG"], sample=3, whole=())).check(lasts=30)

    assert "a service could recognise checks that use fewer than 20" in capsys.readouterr().err


def test_a_journal_without_checks_lists_no_outages(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    campaign = simulated(categories=["DRUG"], sample=2, whole=())
    out = campaign.parent / "out"
    assert runner.invoke(app, ["measure", str(campaign), "--out", str(out)]).exit_code == 0

    done = runner.invoke(app, ["availability", "outages", str(out / "simulated")])

    assert isinstance(done.exception, HarnessError), done.output
    assert "holds no checks of availability" in str(done.exception)


def test_checks_that_show_nothing_are_named_beside_the_number_of_outages(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    checked = Checked(simulated(categories=["DRUG"], sample=40, whole=(), block=()))
    checked.declare("control:\n  type: simulated\n", CAPTIVE_CONTROL)
    checked.check(lasts=300)
    states = {one.state for one in checked.checks().checks}

    done = runner.invoke(app, ["availability", "outages", str(checked.paths.journal)])

    assert states == {"unknown"}
    assert "0 outages in 10 checks; 10 of them do not show whether it was up" in done.output
