"""A probe that a line never filters counts against the service, while another one is filtered."""

from __future__ import annotations

from msgspec.structs import replace

from harness.judge.judge import judge
from harness.model.facts import Facts
from harness.model.observation import CONTROL, Failure, Observation
from harness.model.verdict import State
from test_suites.kit.campaigns.trials import batch_of, failed, observation, web

PAGE = web(canary="absent", status=403, title="Access denied by the filter", body_length=90)


def course(
    probe: str, number: int, blocked: Facts | Failure, item: Facts | Failure
) -> list[Observation]:
    """A batch of one probe with one item, and what its must-block sentinel met."""
    name = f"i-{probe}-{number}"
    seen = batch_of(number, web(), blocked)
    seen += [observation(web(), CONTROL, item=name, batch=number)]
    seen += [observation(item, item=name, batch=number)]
    return [replace(one, key=replace(one.key, probe=probe)) for one in seen]


def states(*seen: list[Observation]) -> list[State]:
    return [one.state for one in judge([one for batch in seen for one in batch]).verdicts]


def test_what_passes_by_a_probe_that_is_never_filtered_is_allowed() -> None:
    seen = [*course("web", 1, PAGE, PAGE), *course("web_https", 2, web(), web())]
    judgement = judge(seen)

    assert [State.BLOCKED, State.ALLOWED] == [one.state for one in judgement.verdicts]
    told = {one.name: one for one in judgement.preconditions}
    assert told["not-filtered-by-this-probe"].held
    assert told["not-filtered-by-this-probe"].batches == told["sentinels"].batches == 1
    assert "web_https is not filtered" in told["not-filtered-by-this-probe"].detail


def test_a_filter_that_is_off_voids_all() -> None:
    both = states(course("web", 1, web(), web()), course("web_https", 2, web(), web()))

    assert [State.INSUFFICIENT] * 2 == both


def test_a_filter_that_was_on_before_was_switched_off() -> None:
    found = states(
        course("web", 1, PAGE, PAGE),
        course("web_https", 2, PAGE, PAGE),
        course("web_https", 3, web(), web()),
    )

    assert [State.BLOCKED, State.BLOCKED, State.INSUFFICIENT] == found


def test_a_filter_that_falls_silent_for_the_other_probe_too_excuses_nothing() -> None:
    found = states(
        course("web", 1, PAGE, PAGE),
        course("web", 2, web(), web()),
        course("web_https", 3, web(), web()),
    )

    assert [State.BLOCKED, State.INSUFFICIENT, State.INSUFFICIENT] == found


def test_a_line_on_which_the_agreed_page_fails_excuses_nothing() -> None:
    seen = course("web", 1, PAGE, PAGE) + course("web_https", 2, web(), web())
    broken = [
        observation(failed("eof_error"), item=one.key.item, role="must_allow", batch=3)
        if one.role == "must_allow" and one.key.line != CONTROL
        else one
        for one in course("web_https", 3, web(), web())
    ]
    broken = [replace(one, key=replace(one.key, probe="web_https")) for one in broken]

    assert State.INSUFFICIENT is judge([*seen, *broken]).verdicts[1].state
