"""Availability checks: up and filtered must be seen; what the control does not show is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from harness.judge.judge import Judge
from harness.model.availability import ROUND, AvailabilityCheck, PageKind, as_checked
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Failure,
    Heartbeats,
    Observation,
    Timings,
)
from harness.model.timed_event import EventNote

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE = WebFacts(url="http://a.test/", status=200, canary="seen", title="Garden", text="Seeds.")
BLOCK = WebFacts(
    url="http://a.test/",
    status=403,
    canary="absent",
    title="Blocked",
    text="This website has been blocked by your school's web filter.",
)
ERROR = WebFacts(url="http://a.test/", status=503, canary="absent", title="Error", text="Try later")
REFUSED = Failure(name="connection_refused", stage="connect")
CUT_OFF = Failure(name="eof_error", stage="response")
DOWN_HERE = Failure(name="network_down", stage="connect")
OURS = Failure(name="instrument_overload", stage="instrument")
Answer = WebFacts | Failure


def page(kind: PageKind, turn: int, service: Answer, control: Answer = PAGE) -> list[Observation]:
    """The observations of a page of a check: on the control, and on the line."""
    item = as_checked(Item(id="x", value=f"{kind}-{turn}.test", labels=("CTRL",)), 7, kind, turn)
    made = []
    for line, answer in ((CONTROL, control), ("line", service)):
        key = AttemptKey(
            campaign="c", item=item.id, probe="web", line=line, profile="pupils", round=ROUND + 2
        )
        what: dict[str, Any] = {"failure" if isinstance(answer, Failure) else "facts": answer}
        made.append(
            Observation(
                key=key,
                item=item,
                started=NOON,
                batch=1,
                role="availability",
                look="alone",
                heartbeats=Heartbeats(answered=1),
                **what,
            )
        )
    return made


def judged(*pages: Sequence[Observation]) -> AvailabilityCheck:
    (found,) = Judge(one for each in pages for one in each).records.availability.checks
    return found


def test_a_check_that_shows_both_is_filtered() -> None:
    found = judged(page("ordinary", 1, PAGE), page("harmful", 1, BLOCK))

    assert (found.state, found.why) == ("filtered", "")
    assert (found.run, found.number, found.line, found.profile) == (2, 7, "line", "pupils")
    assert found.harmful == (("harmful-1.test", "blocked"),)


@pytest.mark.parametrize("answer", [ERROR, REFUSED])
def test_up_is_not_filtered_unless_a_block_was_seen(answer: Answer) -> None:
    """An error page is no block, nor is a refusal that nobody saw beside a working line."""
    harmful = [
        msgspec.structs.replace(one, heartbeats=Heartbeats(late=1))
        for one in page("harmful", 1, answer)
    ]

    found = judged(page("ordinary", 1, PAGE), harmful)

    assert found.state == "unknown"
    assert found.harmful[0].result == "no_answer"


def test_a_refusal_beside_a_page_that_came_is_a_block() -> None:
    assert judged(page("ordinary", 1, PAGE), page("harmful", 1, REFUSED)).state == "filtered"


@pytest.mark.parametrize("opened", [1, 2, 3])
def test_only_three_open_pages_show_that_the_filter_is_off(opened: int) -> None:
    pages = [page("harmful", turn, PAGE) for turn in range(1, opened + 1)]

    found = judged(page("ordinary", 1, PAGE), *pages)

    assert found.state == ("unfiltered" if opened == 3 else "unknown")


def test_a_page_that_is_blocked_after_two_open_ones_shows_a_filter() -> None:
    pages = [page("harmful", 1, PAGE), page("harmful", 2, PAGE), page("harmful", 3, BLOCK)]

    assert judged(page("ordinary", 1, PAGE), *pages).state == "filtered"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REFUSED, "connection_refused at connect"),
        (ERROR, "another page came, or an error page"),
        (BLOCK, "an ordinary page is blocked"),
    ],
)
def test_ordinary_pages_that_do_not_come_are_an_outage(answer: Answer, why: str) -> None:
    pages = [page("ordinary", turn, answer) for turn in (1, 2, 3)]

    found = judged(*pages, page("harmful", 1, REFUSED))

    assert (found.state, found.why) == ("down", why)


LATE, IN_TIME = 5.1, 4.9
LONG = msgspec.structs.replace(PAGE, text_length=1000)


def took(seconds: float, pages: Sequence[Observation], line: str = "line") -> list[Observation]:
    """The same page, which came after so many seconds on a line."""
    return [
        msgspec.structs.replace(one, timings=Timings(total=seconds))
        if one.key.line == line
        else one
        for one in pages
    ]


@pytest.mark.parametrize(
    ("third", "came"),
    [
        (took(IN_TIME, page("ordinary", 3, PAGE)), 3),
        (took(LATE, page("ordinary", 3, PAGE)), 2),
        (page("ordinary", 3, REFUSED), 2),
        (page("ordinary", 3, ERROR), 2),
        (page("ordinary", 3, BLOCK), 2),
        (page("ordinary", 3, msgspec.structs.replace(LONG, text_length=899), LONG), 2),
        (page("ordinary", 3, msgspec.structs.replace(LONG, text_length=900), LONG), 3),
        (page("ordinary", 3, msgspec.structs.replace(PAGE, status=500)), 2),
        ([msgspec.structs.replace(one, failure=CUT_OFF if one.key.line == "line" else None)
          for one in page("ordinary", 3, PAGE)], 2),
    ],
)  # fmt: skip
def test_each_ordinary_page_counts_by_itself(third: Sequence[Observation], came: int) -> None:
    found = judged(
        page("ordinary", 1, PAGE), page("ordinary", 2, PAGE), third, page("harmful", 1, BLOCK)
    )

    assert (found.came, found.asked) == (came, 3)
    assert (found.state, found.share) == (("filtered", 1.0) if came == 3 else ("partial", 2 / 3))
    assert found.why.startswith("" if came == 3 else "1 of 3 ordinary pages did not come in time: ")


@pytest.mark.parametrize("answer", [PAGE, REFUSED])
def test_a_page_that_the_control_does_not_get_in_time_counts_neither_way(answer: Answer) -> None:
    slow = took(LATE, took(LATE, page("ordinary", 3, answer)), CONTROL)
    found = judged(
        page("ordinary", 1, PAGE), page("ordinary", 2, PAGE), slow, page("harmful", 1, BLOCK)
    )

    assert (found.state, found.came, found.asked) == ("filtered", 2, 2)


@pytest.mark.parametrize(
    ("answers", "state", "share"),
    [([PAGE], "filtered", 1.0), ([REFUSED, PAGE], "partial", 0.0), ([ERROR, PAGE], "partial", 0.0)],
)
def test_of_an_older_check_the_first_page_alone_counts(
    answers: Sequence[Answer], state: str, share: float
) -> None:
    """It tried others only where the first one did not come."""
    pages = [page("ordinary", turn, answer) for turn, answer in enumerate(answers, 1)]
    found = judged(*reversed(pages), page("harmful", 1, BLOCK))

    assert (found.state, found.share, found.asked) == (state, share, 1)


def test_pages_that_are_lost_are_known_whether_or_not_the_filter_is() -> None:
    pages = [page("ordinary", turn, PAGE if turn == 1 else REFUSED) for turn in (1, 2, 3)]
    found = judged(*pages, page("harmful", 1, ERROR))

    assert (found.state, found.share) == ("partial", 1 / 3)


@pytest.mark.parametrize("control", [REFUSED, ERROR])
def test_a_page_that_does_not_come_on_the_control_either_shows_nothing(control: Answer) -> None:
    pages = [page("ordinary", turn, REFUSED, control) for turn in (1, 2, 3)]

    assert judged(*pages, page("harmful", 1, REFUSED, control)).state == "unknown"


@pytest.mark.parametrize("failure", [DOWN_HERE, OURS])
def test_trouble_of_the_tester_is_no_outage(failure: Failure) -> None:
    pages = [page("ordinary", turn, failure) for turn in (1, 2, 3)]

    assert judged(*pages, page("harmful", 1, failure)).state == "unknown"


PORTAL = WebFacts(url="http://a.test/", status=200, canary="absent", title="Log in", text="Welcome")
NO_ROUTE = Failure(name="network_unreachable", stage="connect")
SILENCE = Failure(name="generic_timeout_error", stage="connect")


def in_moment(ordinary: Answer, harmful: Answer, control: Answer = PAGE) -> AvailabilityCheck:
    """A check at a moment of a device; its pages were tried at the same time."""
    note = EventNote(kind="moment", asks="block", at=NOON, name="network")
    seen = [*page("ordinary", 1, ordinary, control), *page("harmful", 1, harmful, control)]
    return judged([msgspec.structs.replace(one, event=note, heartbeats=None) for one in seen])


@pytest.mark.parametrize("control", [PAGE, NO_ROUTE])
@pytest.mark.parametrize("ordinary", [PAGE, NO_ROUTE])
def test_in_a_moment_a_page_came_if_its_token_did_whatever_the_control_got(
    ordinary: Answer, control: Answer
) -> None:
    found = in_moment(ordinary, PAGE, control)

    assert found.harmful[0].result == "open"
    assert found.ordinary == ("came" if ordinary is PAGE else "missing")


def test_in_a_moment_a_page_in_a_frame_of_another_one_came() -> None:
    frame = msgspec.structs.replace(BLOCK, inner=(PAGE,))

    assert in_moment(NO_ROUTE, frame, NO_ROUTE).harmful[0].result == "open"


@pytest.mark.parametrize(
    ("ordinary", "shown"),
    [
        (PAGE, "came"),
        (PORTAL, "missing"),
        (NO_ROUTE, "missing"),
        (DOWN_HERE, "missing"),
        (SILENCE, "missing"),
        (BLOCK, "missing"),
        (OURS, "unknown"),
    ],
)
@pytest.mark.parametrize("control", [PAGE, NO_ROUTE])
def test_in_a_moment_the_network_of_the_device_is_away_if_no_ordinary_page_comes(
    ordinary: Answer, shown: str, control: Answer
) -> None:
    assert in_moment(ordinary, SILENCE, control).ordinary == shown


@pytest.mark.parametrize(
    ("ordinary", "harmful", "control", "result"),
    [
        (PAGE, BLOCK, PAGE, "blocked"),
        (PAGE, SILENCE, PAGE, "blocked"),
        (PAGE, REFUSED, PAGE, "blocked"),
        (NO_ROUTE, SILENCE, PAGE, "no_answer"),
        (PAGE, SILENCE, NO_ROUTE, "no_answer"),
        (PAGE, PORTAL, PAGE, "no_answer"),
        (PAGE, OURS, PAGE, "undecided"),
    ],
)
def test_in_a_moment_a_block_needs_a_control_and_an_ordinary_page_beside_it(
    ordinary: Answer, harmful: Answer, control: Answer, result: str
) -> None:
    found = in_moment(ordinary, harmful, control)

    assert found.harmful[0].result == result
    if result == "blocked":
        assert found.state == "filtered"


def test_what_has_another_name_is_no_page_of_a_check() -> None:
    odd = [
        msgspec.structs.replace(one, item=msgspec.structs.replace(one.item, id="check-1-odd-1"))
        for one in page("ordinary", 1, PAGE)
    ]

    assert Judge(odd).records.availability.checks == ()
