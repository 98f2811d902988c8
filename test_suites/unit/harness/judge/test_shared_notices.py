"""What a notice shows in the place of many pages belongs to the notice."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.shared_notices import MANY, SharedNotices
from harness.model.verdict import Trial
from test_suites.kit.campaigns.trials import trial, web

LOGO, DRUGS = 11, 12


def notice(host: str, **changes: Any) -> Trial:
    """A notice with two pictures in the place of a host's page."""
    text = f"http://{host}/ is blocked by your school: drugs."
    said: dict[str, Any] = {
        "canary": "absent", "title": "Access denied", "text": text, "text_length": len(text),
        "embedded": 2, "parts": (LOGO, DRUGS),
    }  # fmt: skip
    control = web(f"http://{host}/", text="The garden centre opens at nine.", text_length=1300)
    return trial(web(f"http://{host}/", **{**said, **changes}), control, host=host)


def learned(trials: list[Trial], line: str = "proxy") -> frozenset[int]:
    notices = SharedNotices()
    for each in trials:
        notices.count(each)
    return notices.added_to(NO_FINGERPRINTS, line).parts


def hosts(number: int) -> list[str]:
    return [f"drug-{each:03}.canary.accredit.test" for each in range(number)]


def test_pictures_of_a_notice_that_came_in_the_place_of_many_pages_are_known() -> None:
    many = [notice(each) for each in hosts(MANY)]

    assert learned(many) == {LOGO, DRUGS}
    assert learned(many, "another line") == frozenset()
    assert learned(many[1:] + many[1:]) == frozenset(), "the same host again is no other page"


@pytest.mark.parametrize(
    "changes",
    [
        {"embedded": 3},  # something else is shown, such as a script
        {"frames": ("http://filter.example/inside",)},
        {"title": "Garden", "text": "Seeds, pots and tools are in the first hall"},
        {"canary": "seen"},
        {"parts": ()},
        {"text_length": 0, "text": ""},
    ],
)
def test_nothing_is_learned_of_a_page_that_may_be_something_else(changes: dict[str, Any]) -> None:
    assert learned([notice(each, **changes) for each in hosts(MANY)]) == frozenset()


def test_a_picture_of_its_own_for_each_page_is_never_known() -> None:
    trials = [notice(each, parts=(LOGO, number)) for number, each in enumerate(hosts(50), 100)]

    assert learned(trials) == frozenset()


def test_other_peoples_pages_show_nothing() -> None:
    control = web(canary="not_applicable", text="The garden centre opens at nine.")
    trials = [
        trial(notice(each).service.facts, control, host=each)  # the control saw no token
        for each in hosts(MANY)
    ]

    assert learned(trials) == frozenset()
