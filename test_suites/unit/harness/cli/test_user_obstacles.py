"""Before a campaign: whether its users can be compared, and what their requests cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.campaign.assemble import Prepared
from harness.cli.compose import prepare
from harness.cli.user_obstacles import obstacles_of, user_requests
from harness.model.protocol_case import NEVER_BLOCKED, PROTOCOLS
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

PROXY = {"proxy": "http://127.0.0.1:1"}
NAMES = {"pupils": {"username": "ann"}, "staff": {"username": "bob"}}


def prepared(folder: Path, by_profile: dict[str, Any], **more: Any) -> Prepared:
    options = more.pop("options", PROXY)
    line = {"name": "school", "type": "explicit_proxy", "options": options}
    path = write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[line | {"by_profile": by_profile}],
        categories=["DRUG"],
        **({"profiles": {"pupils": {"phase": "ks2"}, "staff": {"phase": "staff"}}} | more),
    )
    return prepare(path)


def obstacles(campaign: Prepared, profile: str = "pupils") -> dict[str, str]:
    (line,) = campaign.campaign.lines
    return {name: why for name, (why, _) in obstacles_of(campaign, line, profile).items()}


def test_users_of_one_proxy_can_be_compared(tmp_path: Path) -> None:
    campaign = prepared(tmp_path, NAMES, concurrent_users={"events": 100, "items": 10})

    assert "identity_cross_talk" not in obstacles(campaign)
    assert user_requests(campaign) == 100 + 3 * 20 + 60 + 10


def test_a_user_at_a_proxy_of_its_own_is_named(tmp_path: Path) -> None:
    ports = {name: {"proxy": f"http://127.0.0.1:{n}"} for n, name in enumerate(NAMES, 1)}
    campaign = prepared(tmp_path, ports)

    assert (
        "no other user shares the proxy of pupils, staff"
        == (obstacles(campaign)["identity_cross_talk"])
    )
    assert user_requests(campaign) == 0


def test_users_with_another_address_of_this_machine_do_not_share_one(tmp_path: Path) -> None:
    sources = {name: {"source": f"127.0.0.{n}"} for n, name in enumerate(NAMES, 1)}
    both = {name: NAMES[name] | sources[name] for name in NAMES}

    assert "identity_cross_talk" in obstacles(prepared(tmp_path, both))


def test_what_a_log_must_show_is_declared(tmp_path: Path) -> None:
    records = {"users": {"pupils": "ann"}, "computers": {"school": ["127.0.0.1", "LAPTOP-7"]}}
    campaign = prepared(tmp_path, NAMES, service={"name": "Safe Net", "records": records})
    (line,) = campaign.campaign.lines
    why, remedy = obstacles_of(campaign, line, "staff")["wrong_log_fields"]

    assert "wrong_log_fields" not in obstacles(campaign)
    assert "what the service's log must show is not declared" == why
    assert remedy.startswith("add to service.records users: {staff: NAME}; then accredit log send")


def test_no_wanted_requests_show_nothing(tmp_path: Path) -> None:
    campaign = prepared(tmp_path, NAMES, concurrent_users={"events": 0})

    assert "no concurrent users are wanted" == obstacles(campaign)["identity_cross_talk"]


def test_users_with_the_default_policy_who_are_not_declared_are_named(tmp_path: Path) -> None:
    campaign = prepared(tmp_path, NAMES, not_offered=["guest", "own_device"])

    found = obstacles(campaign)["default_policy_leaks"]
    assert "not declared: users who are not identified, devices off site" == found


def test_protocols_of_which_a_profile_declares_nothing_are_named(tmp_path: Path) -> None:
    protocols = {"xmpp": "block", "irc": "block", "bittorrent": "block", "mqtt": "out_of_scope"}
    staff = {"phase": "staff", "protocols": protocols | {"app": "block"}}
    pupils = {"phase": "ks2", "protocols": protocols}
    campaign = prepared(tmp_path, NAMES, profiles={"pupils": pupils, "staff": staff})

    assert obstacles(campaign)["protocol_mismatches"] == "not declared for pupils: app"
    assert "protocol_mismatches" not in obstacles(campaign, "staff")


def test_protocols_that_no_profile_blocks_are_named(tmp_path: Path) -> None:
    protocols = dict.fromkeys(PROTOCOLS, "allow") | {"mqtt": "out_of_scope"}
    pupils = {"phase": "ks2", "protocols": protocols | {"irc": "block"}}
    staff = {"phase": "staff", "protocols": protocols}
    campaign = prepared(tmp_path, NAMES, profiles={"pupils": pupils, "staff": staff})

    for profile in ("pupils", "staff"):
        why = obstacles(campaign, profile)["protocol_mismatches"]
        assert why == f"xmpp, bittorrent, app: {NEVER_BLOCKED}"
