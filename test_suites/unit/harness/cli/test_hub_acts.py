"""Acts of the hub on a registry: a decision from a measured campaign, by forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.registry_session import current_user
from harness.model.hub_access import BOUND, Permission, Role, Viewer
from reports.dashboard.access import NotHere, Refusal
from reports.dashboard.act_forms import ACKNOWLEDGE, DECIDE, PLAN_ACTS, RECOMMEND, ActForm
from reports.dashboard.acts import ActRefused
from reports.dashboard.addresses import address
from test_suites.kit.hubs.follow_up_desk import ACME, BETA, PEOPLE, SERVICE, FollowUpDesk, words_of
from test_suites.unit.harness.cli.conftest import BoardOf
from test_suites.unit.harness.cli.decision_board import MISSED, Board


@pytest.fixture
def board(board_of: BoardOf) -> Board:
    """A board whose campaign ``spring`` meets everything."""
    return board_of()


@pytest.fixture
def desk(board: Board) -> Iterator[FollowUpDesk]:
    board.version()
    made = FollowUpDesk(board.out, board.clock)
    yield made
    made.close()


PATH = address("decisions", ACME)


def test_a_service_is_accredited_and_suspended_through_the_pages(
    board: Board, desk: FollowUpDesk
) -> None:
    waiting = f"{PATH}/spring%40one-row"

    read = desk.page(f"{waiting}?proposal=yes", "decider")
    assert "The rules propose: accredited" in read
    assert "Somebody else reviews the evaluation first: an assessor or a decision maker" in read
    values = {"status": "accredited", "reason": "read it all", "version": "2.1", "until": ""}
    unreviewed = desk.post(f"{waiting}/decide", "decider", revision="0", **values)
    assert "nobody has reviewed this evaluation" in words_of(unreviewed.text)
    reviewed = desk.post(f"{waiting}/recommend", "assessor", revision="0", **values)
    assert reviewed.headers["location"].endswith("?done=recommend")
    assert "Ama Assessor recommends for version 2.1: accredited" in desk.page(waiting, "decider")
    made = desk.post(f"{waiting}/decide", "decider", revision="0", **values)
    twice = desk.post(f"{waiting}/decide", "decider", revision="0", **values)

    assert (303, f"{PATH}/D-0001?done=decide") == (made.status_code, made.headers["location"])
    assert 404 == twice.status_code, "it does not wait any more"
    shown = desk.page(f"{PATH}/D-0001", "decider")
    assert "Di Decider decided on" in shown
    assert "accredited" in shown
    assert "kept, unchanged" in board.accredit("decision", "show", "D-0001")
    stopped = desk.post(
        f"{PATH}/D-0001/decide", "decider", revision="1", status="suspended", reason="a list lacks"
    )
    assert f"{PATH}/D-0002?done=decide" == stopped.headers["location"]
    assert "Replaced by D-0002" in desk.page(f"{PATH}/D-0001")
    assert "suspended" == board.shown("D-0002")["status_now"]
    late = desk.post(
        f"{PATH}/D-0001/decide", "decider", revision="1", status="withdrawn", reason="again"
    )
    assert 409 == late.status_code
    assert "This changed since you opened the page" in words_of(late.text)
    assert ["D-0002", "D-0001"] == [
        line.split(",")[1].strip('"') for line in desk.get("/decisions.csv").text.splitlines()[1:]
    ]


def test_who_measured_the_service_is_told_who_may_decide(board: Board, desk: FollowUpDesk) -> None:
    desk.people["decider"] = replace(PEOPLE["decider"], name=current_user().upper())
    waiting = f"{PATH}/spring%40one-row"

    page = desk.page(f"{waiting}?proposal=yes", "decider")
    values = {"status": "accredited", "reason": "I am sure", "version": "2.1"}
    refused = desk.post(f"{waiting}/decide", "decider", revision="0", **values)

    assert "cannot do this. Another person may: a decision maker." in page
    assert 409 == refused.status_code
    assert "cannot decide" in words_of(refused.text)


def test_nobody_decides_better_than_the_rules_propose(
    board_of: BoardOf,
) -> None:
    board = board_of(code=1, miss=MISSED)
    board.version()
    desk = FollowUpDesk(board.out, board.clock)
    try:
        waiting = f"{PATH}/spring%40one-row"
        read = desk.get(f"{waiting}?proposal=yes", "decider").text
        assert "Not yet" in read or "not-yet" in read
        assert 'value="accredited"' not in read
        refused = desk.post(
            f"{waiting}/decide", "decider", revision="0", status="accredited", reason="r",
            version="2.1",
        )  # fmt: skip
        assert 409 == refused.status_code
        assert "more lenient" in words_of(refused.text)
    finally:
        desk.close()


@st.composite
def viewers(draw: st.DrawFn) -> Viewer:
    """Anybody: of any role, with any suppliers in sight, perhaps by a token with few permissions."""
    role = draw(st.sampled_from(Role))
    some = draw(st.frozensets(st.sampled_from([ACME, BETA])))
    sees_all = role not in BOUND and draw(st.booleans())
    only = draw(st.none() | st.frozensets(st.sampled_from(Permission), max_size=4))
    person = "" if role is Role.PUBLIC else "1" * 32
    return Viewer(
        role=role, person=person, name="Pat", streams=None if sees_all else some, only=only
    )


ACTS = [*PLAN_ACTS.values(), RECOMMEND, DECIDE, ACKNOWLEDGE]


@settings(max_examples=150, deadline=None)
@given(
    viewer=viewers(),
    form=st.sampled_from(ACTS),
    stream=st.sampled_from([ACME, BETA, "supplier:nobody", "owner", "a\0b"]),
)
def test_acts_check_permission_and_supplier_whatever_page_asks(
    both: FollowUpDesk, viewer: Viewer, form: ActForm, stream: str
) -> None:
    before = [head.hash for head in both.session.registry.heads()]
    is_there = stream in (ACME, BETA)
    is_allowed = viewer.may(form.permission) and viewer.sees(stream) and is_there

    answer = carried_out(both, viewer, form, stream)

    if viewer.is_public:
        assert "SignInNeeded" == answer
    elif not is_allowed:
        assert "NotHere" == answer
    else:
        assert "ActRefused" == answer, "what was sent is of an older page, and lacks all fields"
    assert before == [head.hash for head in both.session.registry.heads()]


def carried_out(desk: FollowUpDesk, viewer: Viewer, form: ActForm, stream: str) -> str:
    """Try an act with a form that no rule accepts; the name of what was raised."""
    try:
        if form is RECOMMEND:
            desk.acts.recommend(viewer, stream, "spring@becta-2008", {"status": "accredited"}, -1)
        elif form is DECIDE:
            desk.acts.decide(viewer, stream, "spring@becta-2008", {"status": "accredited"}, -1)
        elif form is ACKNOWLEDGE:
            desk.acts.acknowledge(viewer, stream, "A-0001", " ")
        else:
            desk.acts.act_on_plan(viewer, stream, "P-0001", form.name, {}, -1)
    except (Refusal, ActRefused) as raised:
        return type(raised).__name__
    return "recorded"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FollowUpDesk]:
    """Both suppliers have a plan, a campaign that waits, and an alarm, of the same ids."""
    desk = FollowUpDesk(tmp_path_factory.mktemp("both") / "out")
    for supplier, service in (("Acme", SERVICE), ("Beta", "Calm Net")):
        desk.open_plan(supplier=supplier, service=service)
        desk.campaign(supplier=supplier, service=service)
        desk.raise_alarm(supplier, service=service)
    yield desk
    desk.close()


def test_an_act_that_does_not_exist_is_not_carried_out(both: FollowUpDesk) -> None:
    with pytest.raises(NotHere):
        both.acts.act_on_plan(PEOPLE["assessor"], ACME, "P-0001", "verify", {}, 1)
    with pytest.raises(NotHere):
        both.acts.act_on_plan(PEOPLE["assessor"], ACME, "P-0099", "agree", {}, 1)


def test_values_that_are_none_are_refused(tmp_path: Path) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    try:
        plan, assessor, acme = desk.open_plan(), PEOPLE["assessor"], PEOPLE["acme"]
        for viewer, act, values in (
            (assessor, "escalate", {"level": "shouted at"}),
            (acme, "progress", {"note": "n", "milestone": "-1"}),
            (acme, "progress", {"note": "n", "milestone": "9" * 50}),
            (acme, "submit", {"owner": "o", "action": "a", "milestones": "no date"}),
            (acme, "submit", {"owner": "o", "action": "a", "due": "tomorrow"}),
        ):
            with pytest.raises(ActRefused):
                desk.acts.act_on_plan(viewer, ACME, plan, act, values, 1)
    finally:
        desk.close()
