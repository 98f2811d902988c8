"""The hub's whole story, as people live it in browsers: from the sign-in to the public register."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")

from playwright.sync_api import Browser, Page, expect, sync_playwright

from test_suites.browser.layout_checks import axe
from test_suites.browser.story_hub import (
    BUNDLED,
    EVALUATOR,
    SECOND_ASSESSOR,
    MadeHub,
    StoryHub,
    make_story_hub,
    retest,
    served_story,
)
from test_suites.browser.story_people import PATIENCE, People, follow, open_until, press
from test_suites.kit.processes.product import require, which

ADMINISTRATOR, ASSESSOR = "administrator@demo.invalid", "assessor@demo.invalid"
DECISION_MAKER, NORTHGATE = "decision-maker@demo.invalid", "northgate@demo.invalid"
OWNER = "scheme-owner@demo.invalid"
STREAM = "supplier%3Anorthgate%20learning%20networks"
PLAN = f"/plans/{STREAM}/P-0003"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = """
(() => {
  const on = document.activeElement;
  return [on.labels?.[0]?.textContent, on.value, on.textContent].filter(Boolean).join(' | ').trim();
})()
"""
"""The label, value and text of what has the focus."""

MOST_TABS = 120
FEWER_THAN_REQUIRED = re.compile(r"[1-7]?\d of 90 test items were blocked")
"""Which of the 240 sites are drawn depends on the day."""
REQUIREMENT, RETEST = 'main a[href$="/requirements/URL-04"]', "the result of campaign dns-retest"
"""Links from a service to what is required of it, and from there to one measurement.

The samples of runs of surveillance differ each time, so that the worst result may be of any site.
"""

PLAN_TITLE = "Material about taking or promoting illegal drugs is blocked"

pytestmark = pytest.mark.timeout(1500)
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    require("chromium")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeHub:
    """The hub of the demonstration, made once."""
    return make_story_hub(tmp_path_factory.mktemp("story"))


@pytest.fixture
def hub(made: MadeHub, tmp_path: Path) -> Iterator[StoryHub]:
    """A copy of it that is served."""
    with served_story(made, tmp_path / "hub") as served:
        yield served


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_whole_story(hub: StoryHub, browser: Browser, *, has_scripts: bool) -> None:
    core = axe() if has_scripts else ""
    people = People(hub, browser, core, java_script_enabled=has_scripts)

    signs_in_by_password(people)
    signs_in_by_the_provider(people)
    uses_a_second_factor(people)
    sends_a_bundle(people)
    drills_down(people)
    plan_is_agreed(people)
    plan_is_closed(people)
    decision_is_refused(people)
    register_is_read(people)
    people.close()

    assert [] == people.faults
    assert {hub.url, hub.provider.issuer} == people.asked
    assert [(403, "/sign-in"), (403, "/sign-in/code")] == people.refused


def signs_in_by_password(people: People) -> None:
    page = people.sign_in(ASSESSOR, "not my password")
    expect(page.get_by_role("alert")).to_contain_text("That did not work. Check what you typed.")
    assert "/sign-in" == page.url.removeprefix(people.hub.url)
    assert "Northgate" not in page.locator("body").inner_text(), "nothing is told"
    assert ASSESSOR == page.get_by_label("E-mail address").input_value()
    people.look(page)

    page.get_by_label("Password").fill(people.hub.passwords[ASSESSOR])
    press(page, "Sign in")
    page.wait_for_url("**/overview")
    expect(page.get_by_role("heading", level=1)).to_have_text("One of three services is suspended")
    people.look(page)


def signs_in_by_the_provider(people: People) -> None:
    people.hub.provider.person("subject-1", OWNER)
    page = people.page(OWNER)
    page.goto("/plans")
    page.wait_for_url("**/sign-in?to=/plans")
    follow(page, "Sign in with Example Board")
    page.wait_for_url("**/plans")
    expect(page.get_by_role("link", name="Placeholder Scheme Owner")).to_be_visible()


def uses_a_second_factor(people: People) -> None:
    page = people.signed_in(ADMINISTRATOR)
    follow(page, "Placeholder Administrator")
    page.locator("#factor-password").fill(people.hub.passwords[ADMINISTRATOR])
    press(page, "Set up a second factor")
    totp = pyotp.TOTP(page.locator("#secret").inner_text())
    people.look(page)
    used = totp.at(datetime.now(UTC))
    page.get_by_label("Code of your authenticator").fill(used)
    press(page, "Use this second factor")
    expect(page.get_by_text("Set: you need a code to sign in")).to_be_visible()
    press(page, "Sign out")

    people.sign_in(ADMINISTRATOR)
    expect(page.get_by_role("heading", level=1)).to_have_text("Give your code")
    people.look(page)
    page.get_by_label("Code of your authenticator").fill(used)
    press(page, "Sign in")
    expect(page.get_by_role("alert")).to_contain_text("You are not signed in")
    code = totp.at(datetime.now(UTC) + timedelta(seconds=30))  # that after the used one, at least
    page.get_by_label("Code of your authenticator").fill(code)
    press(page, "Sign in")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def sends_a_bundle(people: People) -> None:
    page = people.page(ASSESSOR)
    follow(page, "Uploads", is_exact=True)
    page.get_by_label("Bundle", exact=True).set_input_files(people.hub.bundle)
    people.look(page)
    press(page, "Send the bundle")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{BUNDLED}.zip")
    path = page.url.removeprefix(people.hub.url)
    if people.core:  # the page shows it by itself
        expect(page.get_by_text("is recorded")).to_be_visible()
    open_until(page, path, "is recorded")
    people.look(page)

    follow(page, BUNDLED, is_exact=True)
    expect(page.locator("main")).to_contain_text("Harbour Filter meets the scheme demo")
    people.look(page)


def drills_down(people: People) -> None:
    page = people.page(ASSESSOR)
    page.goto("/overview")
    expect(page.get_by_role("row").filter(has_text="Harbour Filter 7.2")).to_contain_text(
        "Accredited"
    )
    follow(page, "SchoolShield DNS 2.1")
    expect(page.get_by_role("heading", level=1)).to_have_text("SchoolShield DNS 2.1")
    people.look(page)
    page.locator(REQUIREMENT).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("URL-04")
    people.look(page)
    follow(page, RETEST)
    expect(page.get_by_role("heading", level=1)).to_contain_text(FEWER_THAN_REQUIRED)
    people.look(page)
    follow(page, "90 items counted for URL-04")
    expect(page.locator("main tbody tr").first).to_contain_text("let through")
    people.look(page)
    name = page.locator("main tbody a").first.inner_text()
    follow(page, name)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} came through")
    hops = page.get_by_role("table", name="Each hop of the same item on both lines")
    expect(hops.get_by_role("columnheader")).to_have_text(["Hop", "Control line", "Service line"])
    expect(hops.get_by_role("row").filter(has_text="Asked for").locator("code")).to_have_count(2)
    expect(page.locator("tr.decided")).to_contain_text("token-arrived")
    people.look(page)

    reads = people.page(ADMINISTRATOR)
    follow(reads, "Administration")
    follow(reads, "Audit log")
    read = reads.get_by_role("row").filter(has_text="evidence read").first
    expect(read).to_contain_text("Placeholder Assessor")
    expect(read).to_contain_text(f"dns-retest / {page.url.rpartition('/')[2]}")
    people.look(reads)


def plan_is_agreed(people: People) -> None:
    assessor = people.page(ASSESSOR)
    follow(assessor, "Action plans")
    follow(assessor, PLAN_TITLE)
    people.look(assessor)
    act(assessor, "return", "Return the plan", "What has to change", "Say how it is prevented")

    supplier = people.signed_in(NORTHGATE)
    supplier.goto(PLAN)
    form = supplier.locator("#act-submit")
    form.get_by_label("Who is responsible for the fix").fill("Placeholder Assessor")
    form.get_by_label("Prevention").fill("Each feed is compared with the one before")
    press(form, "Submit the plan")
    expect(supplier.get_by_role("status")).to_contain_text("Submit the plan")
    people.look(supplier)

    assessor.goto(PLAN)
    expect(assessor.locator("#act-agree")).to_contain_text(
        "Placeholder Assessor owns it and cannot agree it; somebody else must. "
        "Another person may: an assessor."
    )
    expect(assessor.locator("#act-agree").get_by_role("button")).to_have_count(0)
    second = people.signed_in(SECOND_ASSESSOR)
    second.goto(PLAN)
    press(second.locator("#act-agree"), "Agree the plan")
    expect(second.get_by_role("status")).to_contain_text("Agree the plan")


def act(page: Page, name: str, button: str, label: str, text: str) -> None:
    """Carry out an act on a plan by its form, which has one field to fill."""
    form = page.locator(f"#act-{name}")
    form.get_by_label(label).fill(text)
    press(form, button)
    expect(page.get_by_role("status")).to_contain_text("Recorded")


def plan_is_closed(people: People) -> None:
    supplier = people.page(NORTHGATE)
    supplier.goto(PLAN)
    supplier.get_by_label("Milestone that was reached").select_option("1")
    act(supplier, "progress", "Report progress", "What was done", "Feed 117 is loaded beside it")
    what = "What was fixed, and how"
    act(supplier, "claim", "Claim the fix", what, "Feed 119 has all drug sites")
    with ThreadPoolExecutor(1) as laboratory:  # the driver of the browsers has this thread
        laboratory.submit(retest, people.hub, "P-0003").result()
    open_until(supplier, PLAN, "The fix holds")
    expect(supplier.locator("main")).to_contain_text("you need not do anything")
    expect(supplier.locator("#acts")).to_have_count(0)
    people.look(supplier)
    assert "close" not in supplier.locator("main form").evaluate_all(
        "all => all.map(x => x.action)"
    )
    token = supplier.locator("input[name=csrf]").first.get_attribute("value") or ""
    forged = supplier.request.post(f"{PLAN}/close", form={"csrf": token, "revision": "9"},
                                   headers={"Origin": people.hub.url})  # fmt: skip
    assert 404 == forged.status

    second = people.page(SECOND_ASSESSOR)
    second.goto(PLAN)
    act(second, "close", "Close the plan", "Closing remark", "The fix has held")
    expect(second.locator("main")).to_contain_text("Nothing is left to do")
    people.look(second)


def decision_is_refused(people: People) -> None:
    """No accreditation is decided on a bundle whose campaign this registry did not register."""
    evaluator = people.signed_in(EVALUATOR)
    follow(evaluator, "Decisions", is_exact=True)
    follow(evaluator.locator("main"), BUNDLED)
    press(evaluator, "Work out the proposal, and act")
    expect(evaluator.locator("#act-decide")).to_contain_text(
        "Placeholder Assessor measured the service or judged evidence of it, has a part in one of "
        "its action plans, or speaks for its supplier, and cannot do this."
    )
    path = evaluator.url.removeprefix(people.hub.url)

    page = people.signed_in(DECISION_MAKER)
    page.goto(path)
    people.look(page)
    expect(page.locator("main")).to_contain_text("was not registered before its first packet")
    choices = page.get_by_label("Decision", exact=True).locator("option")
    assert "accredited" not in [each.get_attribute("value") for each in choices.all()]


def register_is_read(people: People) -> None:
    page = people.page("")
    page.goto("/")
    row = page.get_by_role("listitem").filter(has_text="Harbour Filter 7.2")
    expect(row).to_contain_text("valid until ")
    people.look(page)
    follow(row, "Harbour Filter 7.2")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Harbour Filter")
    people.look(page)


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on what has that label or text."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted in page.evaluate(FOCUSED):
            return
    pytest.fail(f"{wanted}: not reached by Tab")


def test_sign_in_a_filter_and_an_act_need_no_mouse(hub: StoryHub, browser: Browser) -> None:
    people = People(hub, browser)
    page = people.page(ASSESSOR)
    keys = page.keyboard
    page.goto("/sign-in")
    tab_to(page, "E-mail address")
    keys.type(ASSESSOR)
    tab_to(page, "Password")
    keys.type(hub.passwords[ASSESSOR])
    keys.press("Enter")
    page.wait_for_url("**/overview")

    tab_to(page, "Action plans")
    keys.press("Enter")
    page.wait_for_url("**/plans")
    expect(page.locator(".card")).to_have_count(2)
    tab_to(page, "Service")
    keys.type("SchoolShield D")
    tab_to(page, "Show")
    keys.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    assert "service=SchoolShield+DNS" in page.url

    tab_to(page, PLAN_TITLE)
    keys.press("Enter")
    page.wait_for_url(f"**{PLAN}")
    tab_to(page, "What has to change")
    keys.type("Say how it is prevented")
    tab_to(page, "Return the plan")
    keys.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Return the plan")
    people.close()

    assert [] == people.faults
    assert [] == people.refused
    assert {hub.url} == people.asked


def test_no_page_is_wider_than_a_telephone_in_the_dark(hub: StoryHub, browser: Browser) -> None:
    people = People(
        hub, browser, color_scheme="dark", viewport={"width": 390, "height": 844}
    )  # fmt: skip
    seen = []

    def look(page: Page) -> None:
        """Look at the page as it is, after all of it has come."""
        page.wait_for_load_state()
        path = page.url.removeprefix(hub.url)
        seen.append(path)
        assert 0 == page.evaluate(WIDER), path
        red, green, blue = page.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor.match(/[0-9]+/g).map(Number)"
        )[:3]
        assert max(red, green, blue) < 64, path

    public = people.page("")
    for path in ("/", "/sign-in", "/states"):
        public.goto(path)
        look(public)
    public.goto("/")
    follow(public.locator("main"), "Harbour Filter")
    look(public)
    page = people.signed_in(ASSESSOR)
    for path in ("/overview", "/campaigns", "/plans", PLAN, "/decisions", "/alarms", "/sites",
                 "/uploads", "/account"):  # fmt: skip
        page.goto(path)
        look(page)
    page.goto("/overview")
    follow(page.locator("main"), "SchoolShield DNS 2.1")
    look(page)
    page.locator(REQUIREMENT).first.click()
    look(page)
    for link in (RETEST, "90 items counted for URL-04", "drug-"):
        follow(page.locator("main"), link)
        look(page)
    page = people.signed_in(ADMINISTRATOR)
    for path in ("/admin", "/admin/audit"):
        page.goto(path)
        look(page)
    people.close()

    assert 20 == len(set(seen))
    assert [] == people.faults
    assert [] == people.refused
    assert {hub.url} == people.asked
