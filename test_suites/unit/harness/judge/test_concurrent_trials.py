"""Users of one address, as the judge sees them: who was alone, and who was not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from harness.judge.judge import Judge
from harness.model.facts import Facts
from harness.model.observation import CONTROL, Observation, Timings
from harness.model.user import UserTrial
from test_suites.kit.campaigns.trials import observation, web

DENIED = web(canary="absent", status=403, title="Access denied by the filter", body_length=90)


def user(
    facts: Facts, profile: str, begun: float = 0.0, lasted: float = 1.0, **more: Any
) -> Observation:
    seen = observation(facts, more.pop("line", "proxy"), role="user", batch=99)
    return replace(
        seen,
        key=replace(seen.key, profile=profile, round=600_002),
        started=seen.started + timedelta(seconds=begun),
        timings=Timings(total=lasted),
        **more,
    )


def trials(*seen: Observation) -> list[UserTrial]:
    control = user(web(), "pupils", line=CONTROL)
    return list(Judge([control, *seen], samples_required=False).users)


def test_all_users_share_the_controls_visit() -> None:
    found = trials(user(web(), "pupils"), user(DENIED, "staff"))

    assert [("pupils", "allowed"), ("staff", "blocked")] == [
        (one.profile, one.state) for one in found
    ]


def test_a_request_is_concurrent_if_another_users_was_under_way() -> None:
    found = trials(
        user(web(), "pupils", 0.0, 1.0),
        user(web(), "staff", 0.5, 1.0),
        user(web(), "pupils", 2.0, 1.0),
        user(web(), "pupils", 2.5, 1.0),
    )

    assert [True, True, False, False] == [one.is_concurrent for one in found]
    assert not any(one.is_alone for one in found)


def test_a_user_is_alone_only_if_nobody_else_was_active() -> None:
    found = trials(
        user(web(), "pupils", 0.0, look="alone"),
        user(web(), "pupils", 2.0, look="alone"),
        user(web(), "staff", 2.5, look="alone"),
    )

    assert [True, False, False] == [one.is_alone for one in found]


def test_what_passed_while_the_filter_was_off_is_undecided() -> None:
    (found,) = trials(user(web(), "pupils", filter_off=True))

    assert "insufficient" == found.state
