"""Services that know their users, but not always."""

from __future__ import annotations

from dataclasses import replace

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.told import PHASES
from test_suites.calibration.hostile.areas.visit import Visit, user_of

policy = in_area("policy")

BOTH, STRICTER, MIXED, UNKNOWN = "POL-01", "POL-04", "POL-05", "POL-07"
FIRST = 10
"""Requests without a name that get the strictest policy."""


@policy("Gives a request the policy of the user before it, while another request is under way.", {MIXED}, by_chance=frozenset({BOTH, STRICTER, UNKNOWN}))  # fmt: skip
async def mixes_users_when_busy(visit: Visit) -> None:
    service = visit.call.service
    before = service.memory.get("profile", visit.profile)
    if user_of(visit.call.request):
        service.memory["profile"] = visit.profile
    is_busy = service.in_flight > 1 and bool(user_of(visit.call.request))
    await visit.call.wait(0.01)
    await _as(visit, before if is_busy else visit.profile)


@policy("Gives the first ten requests without a name the strictest policy, and later ones that of staff.", {MIXED, UNKNOWN})  # fmt: skip
async def strict_for_ten_requests(visit: Visit) -> None:
    memory = visit.call.service.memory
    if user_of(visit.call.request):
        await visit.rightly()
        return
    memory["unknown"] = memory.get("unknown", 0) + 1
    await _as(visit, "pupils" if memory["unknown"] <= FIRST else "staff")


@policy(
    "Gives requests without a name the policy of the user who was active last.", {MIXED, UNKNOWN}
)
async def last_user_for_all(visit: Visit) -> None:
    memory = visit.call.service.memory
    if user_of(visit.call.request):
        memory["last"] = visit.profile
        await visit.rightly()
    else:
        await _as(visit, memory.get("last", "staff"))


@policy("Gives every user the policy of the youngest pupils.", {BOTH, MIXED})
async def one_policy_for_all(visit: Visit) -> None:
    await _as(visit, "pupils")


@policy("Gives pupils the policy of staff, and staff that of pupils.", {BOTH, STRICTER, MIXED, UNKNOWN})  # fmt: skip
async def exchanges_groups(visit: Visit) -> None:
    await _as(visit, _other(visit.profile))


def _other(profile: str) -> str:
    return next(each for each in PHASES if each != profile)


async def _as(visit: Visit, profile: str) -> None:
    """Filter rightly, under some profile."""
    await replace(visit, profile=profile).rightly()
