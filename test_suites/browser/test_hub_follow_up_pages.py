"""Pages of plans, decisions and alarms in a browser: every width, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.model.action_plan import PlanState
from reports.dashboard.addresses import address
from test_suites.browser.chromium import Page
from test_suites.browser.layout_checks import (
    BROKEN,
    CLIPPED,
    OVERLAPS,
    SCREENS,
    UNFOLD,
    WIDER,
    axe,
    violations,
)
from test_suites.follow_up_desk import ACME, TERMS, FollowUpDesk, path_of_plan
from test_suites.hub_serving import served

WIDTHS = (320, 390, 768, 1280)
ALARM = address("alarms", ACME, "A-0001")
PAGES = (
    ("/plans", "assessor"),
    ("/plans?waiting=assessor", "decider"),
    (path_of_plan("P-0001"), "acme"),
    (path_of_plan("P-0002"), "acme"),
    (path_of_plan("P-0003"), "assessor"),
    (path_of_plan("P-0004"), "assessor"),
    ("/decisions", "decider"),
    (address("decisions", ACME, "spring@becta-2008"), "decider"),
    ("/alarms", "assessor"),
    (ALARM, "assessor"),
    (ALARM, "acme"),
)


class Served:
    """The pages at an address."""

    def __init__(self, address_of_hub: str, desk: FollowUpDesk) -> None:
        self.address, self.desk = address_of_hub, desk


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub with plans in several states, a campaign that waits, and an alarm."""
    desk = FollowUpDesk(tmp_path_factory.mktemp("hub") / "out")
    desk.open_plan(4)
    for act, who, values in (
        ("submit", "acme", TERMS),
        ("agree", "assessor", {"as": "submitted"}),
        ("progress", "acme", {"note": "n"}),
        ("claim", "acme", {"statement": "s"}),
    ):
        desk.act("P-0004", act, who, **values)
    desk.retest("P-0004")
    desk.open_plan(1, severity="Crit", title="Pages about drugs " + "and other things " * 6)
    desk.open_plan(2)
    desk.open_plan(3)
    desk.act("P-0003", "submit", "acme", **TERMS)
    desk.campaign()
    desk.raise_alarm()
    with served(desk.app) as address_of_hub:
        yield Served(address_of_hub, desk)
    desk.close()


async def show(page: Page, hub: Served, path: str, who: str) -> None:
    """Load a page as somebody."""
    await page.call("Network.enable")
    await page.call("Network.setCookie", name="accredit_session", value=who, url=hub.address)
    await page.open(f"{hub.address}{path}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
async def test_axe_finds_nothing(page: Page, hub: Served, width: int, scheme: str) -> None:
    core = axe()
    await page.resize(width, scheme)
    for path, who in PAGES:
        await show(page, hub, path, who)
        await page.run(UNFOLD)
        assert [] == await violations(page, core), path
    assert [] == page.said


@pytest.mark.timeout(240)
@pytest.mark.parametrize("width", WIDTHS)
async def test_nothing_is_wider_cut_off_covered_or_broken(
    page: Page, hub: Served, width: int
) -> None:
    await page.resize(width, "light")
    for path, who in PAGES:
        await show(page, hub, path, who)
        await page.run(UNFOLD)
        for check in (WIDER, CLIPPED, OVERLAPS, BROKEN):
            assert [] == await page.run(check), (path, who)


@pytest.mark.timeout(120)
async def test_a_plan_is_agreed_by_keyboard_without_script(page: Page, hub: Served) -> None:
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await show(page, hub, path_of_plan("P-0003"), "assessor")
    await page.call("Emulation.setScriptExecutionDisabled", value=False)
    await page.run("document.querySelector('#act-agree button').focus()")
    await page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")
    await page.loaded()

    assert "Recorded" in await page.text()
    assert PlanState.AGREED is hub.desk.session.plan("P-0003").plan.state
