"""The pages of action plans, and the acts on them by their forms."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sqlalchemy import insert

from harness.model.action_plan import PlanState
from harness.model.retest_schedule import SampleRule
from harness.store.hub.hub_tables import CAMPAIGNS
from reports.dashboard.act_forms import PLAN_ACTS
from reports.dashboard.addresses import address
from test_suites.kit.hubs.follow_up_desk import (
    ACME,
    BETA,
    NOW,
    PEOPLE,
    SERVICE,
    TERMS,
    FollowUpDesk,
    path_of_plan,
    words_of,
)
from test_suites.kit.hubs.hub_serving import CSRF


def test_a_plan_is_submitted_agreed_claimed_and_closed_by_people_on_the_hub(
    desk: FollowUpDesk,
) -> None:
    plan = desk.open_plan()

    for act, who, values in (
        ("submit", "acme", TERMS),
        ("agree", "assessor", {"as": "submitted"}),
        ("progress", "acme", {"note": "The list is loaded", "milestone": ""}),
        ("claim", "acme", {"statement": "The list is loaded each day"}),
    ):
        answer = desk.act(plan, act, who, **values)
        assert (303, f"{path_of_plan(plan)}?done={act}") == (
            answer.status_code,
            answer.headers["location"],
        ), words_of(answer.text)
    desk.retest(plan)
    closed = desk.act(plan, "close", "assessor-2", note="It holds")

    assert 303 == closed.status_code, words_of(closed.text)
    held = desk.session.plan(plan).plan
    assert PlanState.CLOSED is held.state
    assert "Fay Acme <ffffffffffff>" == held.claimed_by
    shown = desk.page(path_of_plan(plan))
    assert "Nothing is left to do." in shown
    assert "Fay Acme fix claimed: The list is loaded each day" in shown
    assert "ffffffffffff" not in shown
    assert "Bob Assessor closed" in shown
    requirement = address("services", ACME, SERVICE, "requirements", "URL-01")
    campaigns = ("spring", f"retest-{plan.lower()}")
    links = [f'href="{address("campaigns", ACME, each)}"' for each in campaigns]
    text = desk.get(path_of_plan(plan)).text
    assert f'href="{requirement}"' in text
    assert not any(link in text for link in links), "a campaign without a page is only named"
    keep_campaigns(desk, *campaigns)
    text = desk.get(path_of_plan(plan)).text
    assert all(link in text for link in links)
    assert "No open action plans" in desk.page("/plans")
    assert plan in desk.page("/plans")


def keep_campaigns(desk: FollowUpDesk, *names: str) -> None:
    """Keep the rows of campaigns, without what was found."""
    shared = {
        "stream": ACME, "scheme": "becta-2008", "service": SERVICE, "site": "", "schedule": "",
        "measured_at": NOW, "state": "conforms", "conforms": 1, "does_not_conform": 0,
        "insufficient": 0, "observations": 1, "journal": "", "has_items": False, "body": "{}",
    }  # fmt: skip
    with desk.session.registry.transaction(is_writing=True) as connection:
        connection.execute(insert(CAMPAIGNS), [shared | {"campaign": name} for name in names])


def test_the_board_shows_the_most_urgent_plans_first_and_who_must_act(desk: FollowUpDesk) -> None:
    desk.open_plan(1, severity="Crit")
    desk.open_plan(2)
    desk.open_plan(1, supplier="Beta", service="Calm Net")
    desk.later(8)

    board = desk.page("/plans")

    assert "Three open action plans" in board
    assert "step 1 of 7" in board
    assert board.index("Overdue") < board.index("Due within 14 days") < board.index("On track")
    assert "Acme : contain the failure, and report it once the plan is agreed" in board
    assert "Beta" not in desk.page("/plans", "acme")
    filtered = desk.get("/plans?service=Calm+Net&waiting=supplier").text
    assert ["Calm Net"] == re.findall(r'class="note"><bdi>([^<]*)</bdi> · URL', filtered)
    assert "No plan matches the filter." in desk.page("/plans?waiting=assessor")


def test_the_page_of_a_plan_says_its_levels_and_who_passes_the_next_re_test(
    desk: FollowUpDesk,
) -> None:
    rule = SampleRule(alpha=0.05, rate=0.9, n_min=29, by_group=True)
    asked, each_counts = desk.open_plan(1, rule=rule), desk.open_plan(2)

    page = words_of(desk.get(path_of_plan(asked)).text)

    assert (
        "All re-tests of this plan together let a service at the limit pass in at most 5 %" in page
    )
    assert "a fix that is right in 95 % (90 % is required) passes in" in page
    assert "All re-tests" not in words_of(desk.get(path_of_plan(each_counts)).text)


def test_nobody_agrees_a_plan_that_the_same_account_submitted(desk: FollowUpDesk) -> None:
    plan = desk.open_plan()
    desk.act(plan, "submit", "acme", **TERMS)
    fay = PEOPLE["acme"]
    for other in (
        type(fay)(role=PEOPLE["assessor"].role, person=fay.person, name="F. A.", streams=None),
        type(fay)(role=PEOPLE["assessor"].role, person="1" * 32, name="fay  ACME", streams=None),
    ):
        desk.people["turned"] = other
        page = desk.page(path_of_plan(plan), "turned")
        refused = desk.act(plan, "agree", "turned", **{"as": "submitted"})

        assert 409 == refused.status_code
        words = "submitted it and cannot agree it; somebody else must. Another person may: an asse"
        assert words in page
        assert words in words_of(refused.text)
    assert PlanState.SUBMITTED is desk.session.plan(plan).plan.state


def test_a_form_that_is_sent_twice_acts_once(desk: FollowUpDesk) -> None:
    plan = desk.open_plan()
    desk.act(plan, "submit", "acme", **TERMS)
    desk.act(plan, "agree", "assessor", **{"as": "submitted"})
    revision = str(len(desk.session.plan(plan).plan.history))
    path = f"{path_of_plan(plan)}/progress"

    first = desk.post(path, "acme", revision=revision, note="half is done")
    second = desk.post(path, "acme", revision=revision, note="half is done")

    assert (303, 409) == (first.status_code, second.status_code)
    assert "Read how it stands now before you act" in words_of(second.text)
    assert ">\nhalf is done</textarea>" in second.text
    history = desk.session.plan(plan).plan.history
    assert 1 == sum("half is done" in line for line in history)


def test_what_was_typed_is_kept_beside_the_fault(desk: FollowUpDesk) -> None:
    plan = desk.open_plan()

    answer = desk.act(
        plan, "submit", "acme", owner="Olive", action="  ", due="31/3/2026", cause="<i>x</i>"
    )

    assert 422 == answer.status_code
    assert 'value="Olive"' in answer.text
    assert "&lt;i&gt;x&lt;/i&gt;" in answer.text
    assert "<i>x</i>" not in answer.text
    assert 'aria-describedby="submit-due-hint submit-due-error"' in answer.text
    assert re.search(r'id="submit-action-error">Please fill this in.', answer.text)
    assert "Please write a date like 2026-03-31." in answer.text
    assert PlanState.DRAFT is desk.session.plan(plan).plan.state


def test_a_rule_that_refuses_is_told_as_a_sentence_with_what_was_typed(desk: FollowUpDesk) -> None:
    plan = desk.open_plan(severity="Crit")

    answer = desk.act(plan, "submit", "acme", **{**TERMS, "containment": ""})

    assert 409 == answer.status_code
    told = words_of(answer.text)
    assert "Plan P-0001: needs containment: what limits the failure until the fix." in told
    assert "(--containment)" not in told
    assert "Load the list daily" in answer.text


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("act", PLAN_ACTS)
def test_each_act_is_refused_to_all_who_may_not_and_nothing_is_recorded(
    desk: FollowUpDesk, act: str, who: str
) -> None:
    plan = desk.open_plan()
    viewer, permission = PEOPLE[who], PLAN_ACTS[act].permission
    path = f"{path_of_plan(plan)}/{act}"
    before = desk.session.plan(plan).plan.history

    answer = desk.post(path, who, revision="1", **TERMS, reason="r", note="n", statement="s")
    unknown = desk.post(f"{path_of_plan('P-0099')}/{act}", who, revision="1", **TERMS, reason="r",
                        note="n", statement="s")  # fmt: skip

    if viewer.is_public:
        assert (403, 403) == (answer.status_code, unknown.status_code)  # without a token
        assert before == desk.session.plan(plan).plan.history
    elif not (viewer.may(permission) and viewer.sees(ACME)):
        assert (404, answer.text) == (answer.status_code, unknown.text)
        assert before == desk.session.plan(plan).plan.history
    else:
        assert answer.status_code in (303, 409, 422)
        assert 404 == unknown.status_code or answer.status_code == 422


def test_a_form_without_the_token_of_the_session_is_refused(desk: FollowUpDesk) -> None:
    plan = desk.open_plan()
    path = f"{path_of_plan(plan)}/submit"

    for csrf in ("", "wrong", CSRF[:-1], f"{CSRF}c", "\u00e9"):
        assert 403 == desk.post(path, "acme", csrf, revision="1", **TERMS).status_code
    assert 413 == desk.post(path, "acme", action="x" * 70_000).status_code
    plain = desk.request("POST", path, "acme", json={"csrf": CSRF})
    assert 403 == plain.status_code
    many = "&".join(f"f{n}=1" for n in range(1000))
    typed = {"content-type": "application/x-www-form-urlencoded"}
    answer = desk.request("POST", path, "acme", content=many, headers=typed)
    assert 400 == answer.status_code
    assert PlanState.DRAFT is desk.session.plan(plan).plan.state


def test_a_supplier_sees_its_own_plans_and_learns_of_no_other(desk: FollowUpDesk) -> None:
    desk.open_plan()
    desk.open_plan(supplier="Beta", service="Calm Net")

    own, foreign = (
        desk.get(path_of_plan("P-0001"), "acme"),
        desk.get(path_of_plan("P-0001", BETA), "acme"),
    )
    unknown = desk.get(path_of_plan("P-0001", "supplier:nobody"), "acme")

    assert 200 == own.status_code
    assert (404, unknown.text.replace("nobody", "beta")) == (foreign.status_code, foreign.text)
    assert "Calm Net" not in desk.get("/plans", "acme").text
    assert "Calm Net" not in desk.get("/plans.csv", "acme").text
    assert 404 == desk.get("/plans", "school").status_code
    assert 404 == desk.get("/plans", "administrator").status_code
    assert 303 == desk.get("/plans", "public").status_code


def test_hostile_text_stays_text_in_pages_and_in_csv(desk: FollowUpDesk) -> None:
    evil = "=HYPERLINK(1)<script>alert(1)</script>"
    plan = desk.open_plan(title=evil, statement=evil)
    desk.act(plan, "submit", "acme", **{**TERMS, "owner": evil, "action": "<img src=x>"})

    for path in ("/plans", path_of_plan(plan)):
        text = desk.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text
    table = desk.get("/plans.csv")
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert f"'{evil}" == row["title"]
    assert "text/csv; charset=utf-8" == table.headers["content-type"]


def test_plans_that_ended_are_shown_page_by_page(
    desk: FollowUpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        plan = desk.open_plan(number)
        desk.act(plan, "submit", "acme", **TERMS)
        desk.act(plan, "agree", "assessor", **{"as": "submitted"})
        desk.act(plan, "progress", "acme", note="n")
        desk.act(plan, "claim", "acme", statement="s")
        desk.retest(plan)
        assert 303 == desk.act(plan, "close", "assessor").status_code

    monkeypatch.setattr("reports.dashboard.pages.plans.ROWS", 2)
    first = desk.get("/plans").text
    (after,) = re.findall(r'href="(/plans\?after=[^"]+)"', first)
    second = desk.get(after).text

    assert ["P-0003", "P-0002"] == re.findall(r">(P-\d+)</a>", first)
    assert ["P-0001"] == re.findall(r">(P-\d+)</a>", second)
    for place in (
        "x",
        "AAAA",
        "%00",
        "W10=",
        "é",
        "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiIiwiIl0",
    ):
        assert 400 == desk.get(f"/plans?after={place}").status_code


def test_an_escalated_plan_is_on_the_board_also_if_others_are_due_first(
    desk: FollowUpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        desk.open_plan(number)
    desk.open_plan(4, severity="Min")
    values = {"level": "finding-review", "reason": "no answer", "exit_criteria": "an answer"}
    assert 303 == desk.act("P-0004", "escalate", "assessor", **values).status_code
    monkeypatch.setattr("reports.dashboard.pages.plans.MOST_CARDS", 2)

    board = desk.page("/plans")

    assert "P-0004" in board
    assert "It has the 2 that are escalated or due first, of 4 that are open." in board
    assert 5 == len(desk.get("/plans.csv").text.splitlines())
