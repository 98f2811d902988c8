"""Whatever happens in whatever order, a token enrols one device, and a revoked one stays revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.fleet_event import AgentEnrolled, AgentInvited, AgentRevoked, FleetEvent
from harness.monitor.agent_standing import (
    AgentStanding,
    next_invitation,
    standings,
    why_not_enrolled,
    why_not_revoked,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def invited(number: int, at: datetime = NOW) -> AgentInvited:
    return AgentInvited(
        at=at, actor="Ann", invitation=f"I-{number:04d}", label="", monitoring="m", supplier="s",
        service="x", site="y", secret=f"{number:064x}", until=at + WEEK,
    )  # fmt: skip


def enrolled(number: int, agent: str, at: datetime = NOW) -> AgentEnrolled:
    return AgentEnrolled(
        at=at, actor="a", invitation=f"I-{number:04d}", agent=agent, signing="0" * 64,
        sealing="1" * 64, version="1", platform="Linux",
    )  # fmt: skip


def agent_in(events: list[FleetEvent], agent: str) -> AgentStanding | None:
    return next((each for each in standings(events) if each.agent == agent), None)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["invite", "enrol", "revoke"]),
        st.integers(1, 4),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(acts=ACTS)
def test_the_rules_hold_after_any_acts(acts: list[tuple[str, int, str, int]]) -> None:
    events: list[FleetEvent] = []
    now, revoked = NOW, set[str]()
    for kind, number, agent, days in acts:
        now += timedelta(days=days)
        held = {each.invited.invitation: each for each in standings(events)}
        if kind == "invite":
            events.append(invited(int(next_invitation(events)[2:]), now))
        elif kind == "enrol":
            place = held.get(f"I-{number:04d}")
            why = why_not_enrolled(place, agent, agent_in(events, agent), now)
            if not why and place is not None:
                assert agent not in revoked
                assert place.enrolled is not None or now <= place.invited.until
                if place.enrolled is None:
                    events.append(enrolled(number, agent, now))
        elif not why_not_revoked(agent_in(events, agent), agent):
            revoked.add(agent)
            events.append(AgentRevoked(at=now, actor="Ann", agent=agent, reason="x"))

    made = [each for each in events if isinstance(each, AgentEnrolled)]
    assert (
        len({each.invitation for each in made}) == len(made) == len({each.agent for each in made})
    )
    found = standings(events)
    assert [each.invited.invitation for each in found] == [
        f"I-{number:04d}" for number in range(1, len(found) + 1)
    ]
    assert {each.agent for each in found if each.revoked} == revoked


def test_a_token_ends_at_its_time() -> None:
    held = AgentStanding(invited(1))

    assert why_not_enrolled(held, "a", None, NOW + WEEK) == ""
    assert "expired" in why_not_enrolled(held, "a", None, NOW + WEEK + timedelta(seconds=1))
    assert "no such" in why_not_enrolled(None, "a", None, NOW)


def test_an_invitation_without_a_device_has_no_keys() -> None:
    with pytest.raises(ValueError, match="nobody was enrolled by invitation I-0001"):
        _ = AgentStanding(invited(1)).identity


def test_keys_are_used_for_one_invitation() -> None:
    known = AgentStanding(invited(1), enrolled(1, "a"))

    assert "make new keys" in why_not_enrolled(AgentStanding(invited(2)), "a", known, NOW)
    assert why_not_enrolled(known, "a", known, NOW + 9 * WEEK) == ""
