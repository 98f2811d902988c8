"""The board of action plans, and that a supplier's pages tell nothing of others."""

from __future__ import annotations

from datetime import timedelta

from harness.follow.status_history import replay_statuses
from harness.model.event import PlanSuperseded
from harness.model.obligation import Lane
from reports.site.board_facts import CLOSED_WITHIN, board_of
from reports.site.private_pages import private_files
from test_suites.kit.hubs.site_example import NOW, example_views, on

VIEWS = example_views()
GATEWAY, FILTER = VIEWS


def test_plans_stand_in_lanes_of_urgency_with_who_must_act() -> None:
    board = board_of(VIEWS, NOW)

    assert [(lane, len(cards)) for lane, cards in board.lanes] == [
        (Lane.ESCALATED, 0), (Lane.OVERDUE, 2), (Lane.SOON, 0), (Lane.ON_TRACK, 0),
    ]  # fmt: skip
    first, second = board.lanes[1][1]
    assert (first.obligation.plan, first.step, first.severity) == ("P-0001", 4, "critical")
    assert first.when == "149 days overdue, was due 24\N{NO-BREAK SPACE}June 2026"
    assert first.who == "The assessor (not PRIVATE Owner)"
    assert (second.obligation.plan, second.step) == ("P-0002", 1)
    assert board.open_plans == 2


def test_the_headline_says_what_is_late() -> None:
    page = private_files(VIEWS, NOW, for_whom="x")["plans.html"].decode()

    assert "Two open action plans: two overdue" in page
    assert "One waits for the assessor, one waits for the supplier." in page
    before = private_files(VIEWS, on("2026-05-26"), for_whom="x")["plans.html"].decode()
    assert ">Two open action plans</h1>" in before


def test_a_plan_that_ended_leaves_the_lanes_and_is_listed_for_a_year() -> None:
    ended = PlanSuperseded(
        at=on("2026-10-01"), actor="PRIVATE Person", plan="P-0002", scheme_version="2",
        reason="r", approver="PRIVATE Other",
    )  # fmt: skip
    state, history = replay_statuses([*GATEWAY.events, ended], NOW)
    view = GATEWAY._replace(state=state, history=history)
    board = board_of([view], NOW)

    assert board.open_plans == 1
    (one,) = board.ended
    assert (one.plan.id, one.days) == ("P-0002", 9)
    later = board_of([view], on("2026-10-01") + CLOSED_WITHIN + timedelta(days=1))
    assert later.ended == ()


def test_what_is_due_beside_plans_is_listed() -> None:
    others = board_of([FILTER], NOW).others

    assert [one.obligation.about for one in others] == ["D-0001"]


def test_a_suppliers_pages_hold_nothing_of_another() -> None:
    for own, other in ((GATEWAY, FILTER), (FILTER, GATEWAY)):
        alone = private_files([own], NOW, for_whom=f"for {own.supplier}")
        words = (other.supplier, *(one.service for one in other.campaigns))
        for name, content in alone.items():
            assert not any(word.encode() in content for word in words), name
        both = private_files(VIEWS, NOW, for_whom="for the owner")
        assert all(word.encode() in both["index.html"] for word in words)


def test_counts_of_a_suppliers_board_are_its_own() -> None:
    page = private_files([FILTER], NOW, for_whom="x")["plans.html"].decode()

    assert "No open action plans" in page
    assert "No plan waits for anybody." in page
