"""Whose page was it: the service's, the origin's, or nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import FilterFingerprints
from harness.judge.judge import judge_trial
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.trials import PROSE, THEIRS, foreign, trial, web


def _beside(control: dict[str, Any] | None = None, **facts: Any) -> Verdict:
    return judge_trial(trial(foreign(**facts), foreign(**control or {}), host=THEIRS))


@pytest.mark.parametrize("status", [200, 307, 404, 410])
def test_on_our_own_zone_a_page_that_nobody_knows_is_insufficient(status: int) -> None:
    verdict = judge_trial(trial(web(canary="absent", status=status, title="Hello")))

    assert (verdict.rule, verdict.state) == ("page-not-recognised", State.INSUFFICIENT)
    assert "'Hello'" in verdict.witnesses[1]


def test_an_error_of_the_service_is_a_block_only_if_it_says_so_or_was_learned() -> None:
    error = web(canary="absent", status=503, title="Oops")
    says = web(
        canary="absent",
        status=503,
        title="Web page blocked",
        text="Access to this page has been blocked in accordance with company policy",
    )

    assert judge_trial(trial(error)).state is State.INSUFFICIENT
    assert (
        judge_trial(trial(error), FilterFingerprints(titles=frozenset({"oops"}))).state
        is State.BLOCKED
    )
    assert judge_trial(trial(says)).state is State.BLOCKED


def test_451_on_plain_http_is_the_lines_and_451_everywhere_is_the_origins() -> None:
    assert _beside(status=451, title="", text="").mechanism is Mechanism.HTTP_451
    everywhere = _beside(control={"status": 451}, status=451)
    assert everywhere.state is State.INSUFFICIENT
    assert everywhere.origin_refusal


@pytest.mark.parametrize("status", [403, 451])
def test_a_status_that_refuses_over_a_page_of_another_kind_is_no_block(status: int) -> None:
    shown: tuple[dict[str, Any], ...] = (
        {"title": "Le jardin", "text": "el nidraj " * 25, "text_length": 250},
        {"title": "", "text": "", "embedded": 1},
        {"title": "", "text": "", "frames": ("http://a.example/",)},
    )
    for facts in shown:
        verdict = judge_trial(trial(web(canary="absent", status=status, **facts)))
        assert (verdict.rule, verdict.state) == ("page-not-recognised", State.INSUFFICIENT)


def test_a_notice_over_pictures_is_insufficient_and_says_why() -> None:
    says = "Access to this website has been blocked by your school."
    page = web(canary="absent", title="Access denied", text=says, embedded=2, text_length=55)
    verdict = judge_trial(trial(page))

    assert (verdict.rule, verdict.state) == ("notice-beside-content", State.INSUFFICIENT)
    assert (
        "2 pictures, frames, scripts or style sheets (known block pages: 0)" in verdict.witnesses[1]
    )


def test_451_with_a_block_page_is_a_block() -> None:
    says = "Access to this website has been blocked by your school."
    verdict = judge_trial(trial(web(canary="absent", status=451, title="Blocked", text=says)))

    assert (verdict.rule, verdict.mechanism) == ("status-451", Mechanism.HTTP_451)


def test_451_with_a_few_words_of_the_law_is_a_block_and_a_long_page_is_not() -> None:
    says = "A court has ordered that this site be withheld."
    facts: dict[str, Any] = {"title": "Not available", "text": says, "status": 451}

    assert judge_trial(trial(web(canary="absent", **facts, text_length=80))).rule == "status-451"
    longer: list[dict[str, Any]] = [{"text_length": 2200}, {"embedded": 1}]
    for more in longer:
        verdict = judge_trial(trial(web(canary="absent", **facts, **more)))
        assert verdict.state is State.INSUFFICIENT


def test_451_on_a_site_of_other_people_must_leave_no_room_for_content() -> None:
    kept_by_others = _beside(status=451, text="Withheld.")
    long = _beside(control={"text_length": 3000}, status=451, text_length=900)

    assert kept_by_others.rule == "status-451"
    assert long.state is State.INSUFFICIENT


@pytest.mark.parametrize(
    "facts",
    [
        {"status": 403, "title": "Access denied", "text": "Error 1020. Ray ID: 7a. Cloudflare"},
        {"status": 403, "title": "Access Denied", "text": "Reference #18.2d35.155.a4e16ab"},
        {"status": 200, "title": "Are you a robot?", "text": "Please solve the CAPTCHA"},
        {"status": 451, "title": "451", "text": "Unavailable in the European Economic Area"},
        {"status": 403, "title": "Sorry", "text": "Not available in your country"},
        {"status": 403, "title": "403 Forbidden", "text": "nginx/1.14"},
    ],
)
def test_what_an_origin_refuses_is_never_a_block(facts: dict[str, Any]) -> None:
    verdict = _beside(**facts)

    assert verdict.state is State.INSUFFICIENT
    assert verdict.origin_refusal


def test_an_origin_that_refuses_both_is_insufficient_as_well() -> None:
    refused: dict[str, Any] = {"status": 403, "title": "Just a moment...", "text": "Ray ID: 7a"}

    assert _beside(control=refused, **refused).state is State.INSUFFICIENT


def test_a_page_that_is_missing_for_both_is_allowed() -> None:
    missing: dict[str, Any] = {
        "status": 404,
        "title": "Not found",
        "text": "Nothing here. Try the catalogue.",
    }

    assert _beside(control=missing, **missing).state is State.ALLOWED


def test_a_news_page_of_the_day_is_the_same_page() -> None:
    assert _beside(text=PROSE + "New: a reading on Friday.", body_length=9400).rule == "page-same"


def test_an_empty_page_in_the_place_of_a_full_one_is_neither() -> None:
    assert _beside(title="", text="", body_length=13).rule == "page-unlike"
    assert _beside(title="", text="", body_length=13).state is State.INSUFFICIENT


@pytest.mark.parametrize(("length", "is_short"), [(1500, True), (7000, False), (8900, False)])
def test_only_a_page_far_smaller_than_the_controls_replaces_it(length: int, is_short: bool) -> None:
    verdict = _beside(title="Hm", text="Back to your lesson, please.", body_length=length)

    assert (verdict.rule == "page-unlike") == is_short


def test_a_parked_page_that_the_control_sees_too_is_allowed() -> None:
    parked: dict[str, Any] = {"title": "library.org", "text": "This domain is for sale."}

    assert _beside(control=parked, **parked).rule == "page-same"


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"text": "Back to your lesson, please."}, "page-shrunken"),
        ({"title": "Town-library", "text": "Back to your lesson, please."}, "page-shrunken"),
        ({"text": "Back to your lesson, please.", "body_length": 4000}, "page-same"),
        ({"text": PROSE, "body_length": 300}, "page-same"),
    ],
)
def test_the_sites_title_over_a_mere_notice_is_no_access(facts: dict[str, Any], rule: str) -> None:
    assert _beside(**({"body_length": 300} | facts)).rule == rule
