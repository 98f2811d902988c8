"""The page of an agent in each of its states, for tests of its words and of its layout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reports.agent_page import AgentFacts, PageBracket, PageSchedule
from test_suites.kit.campaigns.hostile_texts import NAME

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HELD = PageBracket("daily", NOW - timedelta(minutes=4), held=True, failed="")
FAILED = PageBracket("weekly", NOW, held=False, failed="the control was not reached (line school)")
DAILY = PageSchedule("daily", NOW + timedelta(hours=3), is_running=False, last="none yet")
WEEKLY = PageSchedule("weekly", None, is_running=True, last="measured on 01 Mar 2026 06:20 UTC")
LONG = "w" * 300


def facts(**changes: object) -> AgentFacts:
    """The facts of an agent that has just begun; ``changes`` are others."""
    begun: dict[str, object] = {
        "service": "Safe Net",
        "site": "Hill School",
        "hub": "hub.example:8443",
        "now": NOW,
        "version": "1.0",
    }
    return AgentFacts(**begun | changes)  # type: ignore[arg-type]  # of a test's words


WORKING: dict[str, object] = {
    "schedules": (DAILY, WEEKLY),
    "brackets": (HELD,),
    "asked": NOW - timedelta(minutes=2),
    "is_intercepted": False,
    "clock_offset": -3.2,
    "clock_bound": 0.02,
    "clock_age": 120.0,
}

STATES: dict[str, AgentFacts] = {
    "new": facts(),
    "ordered": facts(schedules=(DAILY,), asked=NOW),
    "working": facts(**WORKING),
    "waiting": facts(**WORKING | {"trouble": "the hub is not reached", "waiting": 3}),
    "failing": facts(**WORKING | {"brackets": (HELD, FAILED), "trouble": "sentinels fail"}),
    "intercepted": facts(**WORKING | {"is_intercepted": True, "issuer": "CN=School Filter"}),
    "offered": facts(**WORKING | {"offered": "2.0"}),
    "revoked": facts(is_revoked=True, trouble="the hub has revoked this agent"),
    "hostile": facts(
        service=NAME,
        site=NAME,
        hub=LONG,
        version=LONG,
        schedules=(PageSchedule(NAME, NOW, is_running=False, last=NAME), DAILY),
        brackets=(PageBracket(NAME, NOW, held=False, failed=NAME),),
        trouble=NAME + LONG,
        is_intercepted=True,
        issuer=NAME,
        offered=LONG,
        waiting=10**12,
        clock_offset=-1e9,
        clock_bound=1e6,
        clock_age=1e9,
    ),
}
