"""The pages of decisions: what waits for one, and who may decide."""

from __future__ import annotations

import pytest

from harness.model.hub_access import Permission
from reports.dashboard.addresses import address
from test_suites.kit.hubs.follow_up_desk import ACME, PEOPLE, SERVICE, FollowUpDesk, words_of

PATH = address("decisions", ACME, "spring@becta-2008")


def test_a_campaign_waits_for_a_decision_by_somebody_who_did_not_measure(
    desk: FollowUpDesk,
) -> None:
    desk.campaign(by="Di Decider")

    listed, shown = desk.page("/decisions", "decider"), desk.page(PATH, "decider")
    bar = '<a href="/decisions" aria-current="true">Decisions</a>'
    assert bar in desk.get(PATH, "decider").text
    assert "Decisions" not in desk.get("/plans", "acme").text

    assert "One campaign waits for a decision" in listed
    assert f"spring {SERVICE} Acme" in listed
    assert "8 conform, 1 do not, 2 not decided" in listed
    assert "Measured by Di Decider" in shown
    assert "May not decide Di Decider" in shown
    assert "Work out the proposal, and act" in shown
    worked_out = desk.page(f"{PATH}?proposal=yes", "decider")
    assert "No assessment of campaign spring is kept" in worked_out
    assert "Record the decision" not in worked_out


def test_a_decision_that_cannot_be_made_is_refused_with_what_was_typed(desk: FollowUpDesk) -> None:
    desk.campaign()

    missing = desk.post(f"{PATH}/decide", "decider", revision="0", status="accredited", reason="")
    faulty = desk.post(
        f"{PATH}/decide", "decider", revision="0", status="expired", reason="r", version="9"
    )

    assert (422, 422) == (missing.status_code, faulty.status_code)
    assert "Not recorded" in words_of(missing.text)
    assert "Not recorded" in words_of(faulty.text)


@pytest.mark.parametrize("who", PEOPLE)
def test_who_may_not_decide_learns_nothing_and_decides_nothing(
    desk: FollowUpDesk, who: str
) -> None:
    desk.campaign()
    viewer = PEOPLE[who]
    values = {"revision": "0", "status": "not-yet", "reason": "r", "version": "2.1"}

    act = desk.post(f"{PATH}/decide", who, **values)
    page, unknown = desk.get(PATH, who), desk.get(PATH.replace("spring", "autumn"), who)

    may = viewer.may(Permission.DECIDE) and viewer.sees(ACME)
    with desk.session.registry.reading(ACME) as access:
        kinds = [type(event).__name__ for event in access.events()]
    assert "DecisionMade" not in kinds  # nobody can: there are no results of the campaign
    if viewer.is_public:
        assert (403, 303) == (act.status_code, page.status_code)
        return
    assert may == (404 != act.status_code)
    sees = viewer.may(Permission.READ_EVIDENCE) and viewer.sees(ACME)
    assert (200 if sees else 404) == page.status_code
    assert sees or page.text == unknown.text
    if viewer.may(Permission.READ_DECISIONS):
        assert sees == ("spring" in desk.page("/decisions", who))
