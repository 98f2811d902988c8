"""Say before a campaign what its users cost, and what of them is not declared."""

from __future__ import annotations

from collections.abc import Mapping

from harness.campaign.assemble import Prepared
from harness.measure.concurrent_users import users_of_lines
from harness.model.campaign import LineDeclaration
from harness.model.protocol_case import NEVER_BLOCKED, PROTOCOL, Handled, handled_in
from harness.model.service_log import RecordKeeping
from harness.model.user import USER_KINDS

Obstacles = Mapping[str, tuple[str, str]]
"""Why a metric cannot be decided, and a remedy, by the name of the metric."""


def obstacles_of(prepared: Prepared, line: LineDeclaration, profile: str) -> Obstacles:
    """Return the obstacles on a line and in a profile that concern users and what they may do."""
    campaign = prepared.campaign
    found: dict[str, tuple[str, str]] = {}
    users = [one for one in users_of_lines(campaign, prepared.lines) if one.line == line.name]
    compared = {profile for one in users for profile in one.profiles}
    if alone := [profile for profile in campaign.profiles if profile not in compared]:
        why = f"no other user shares the proxy of {', '.join(alone)}"
        found["identity_cross_talk"] = why, "give usernames of one proxy under 'by_profile'"
    elif not campaign.concurrent_users.events:
        why = "no concurrent users are wanted"
        found["identity_cross_talk"] = why, "raise 'concurrent_users.events'"
    if missing := [USER_KINDS[kind] for kind in campaign.users().missing]:
        remedy = "name them under 'users' of a line or profile, or under 'not_offered'"
        found["default_policy_leaks"] = f"not declared: {', '.join(missing)}", remedy
    declared = {name: one.protocols for name, one in campaign.profiles.items()}
    handled = handled_in(declared, profile)
    if undeclared := _protocols(handled, None):
        why = f"not declared for {profile}: {undeclared}"
        remedy = f"say block, allow or out_of_scope for each under 'profiles.{profile}.protocols'"
        found["protocol_mismatches"] = why, remedy
    elif names := _protocols(handled, "never_blocked"):
        remedy = "declare a profile for which it is blocked, or out_of_scope"
        found["protocol_mismatches"] = f"{names}: {NEVER_BLOCKED}", remedy
    records = campaign.service.records or RecordKeeping()
    if lacking := records.undeclared(profile, line.name):
        remedy = f"add to service.records {lacking}; then accredit log send and accredit log import"
        found["wrong_log_fields"] = "what the service's log must show is not declared", remedy
    return found


def _protocols(handled: Mapping[str, Handled], how: Handled) -> str:
    names = (case.removeprefix(PROTOCOL) for case, one in handled.items() if one == how)
    return ", ".join(names)


def user_requests(prepared: Prepared) -> int:
    """Return how many requests concurrent users make at most, those of the control included."""
    wanted, total = prepared.campaign.concurrent_users, 0
    by_line: dict[str, list[int]] = {}
    for one in users_of_lines(prepared.campaign, prepared.lines) if wanted.events else ():
        by_line.setdefault(one.line, []).append(len(one.profiles))
    for numbers in by_line.values():
        events = -(-wanted.events // len(numbers))
        for users in numbers:
            turn = wanted.items * users
            total += events + (1 + users) * turn + (events + turn) // users + wanted.items
    return total
