"""Squid whose users sign in at one port, each with a policy of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.model.outcome import Conformity, Outcome
from harness.ports.network import Origin
from harness.store.journal.journal import open_journal
from probes.range.testbed import RangeTestbed
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.measured import SENTINEL, canaries
from test_suites.products.squid import Reply, Squid
from test_suites.rehearsal import Rehearsal, rehearse, write_campaign

EVENTS = 60
PUPILS, STAFF = "pupils", "staff"
SCHEME = f"""\
id: our-school
version: "1.0"
title: Whose policy answers
policy: uk-schools-2026
requirements: [{{id: POL-05, n_min: {EVENTS}}}]
"""


class UserSquid(Squid):
    """Squid with one port, basic authentication, and a list of what each user may not visit."""

    def __init__(self, origin: Origin, denied: Mapping[str, BlockList]) -> None:
        super().__init__(origin, denied.values(), {"all": ()})

    def _rules(self) -> list[str]:
        by_user = [
            rule
            for user in (PUPILS, STAFF)
            for rule in (
                f"acl of_{user} proxy_auth {user}",
                f'acl not_{user} dstdomain "{self.folder.path}/lists/{user}.txt"',
                f"deny_info 403:ERR_{PUPILS.upper()} not_{user}",
                f"http_access deny of_{user} not_{user}",
            )
        ]
        return [
            "acl CONNECT method CONNECT",
            "auth_param basic program /usr/lib/squid/basic_fake_auth",
            "auth_param basic realm school",
            "acl known proxy_auth REQUIRED",
            "http_access deny !known",
            *by_user,
            "http_access allow localhost",
            "http_access deny all",
        ]


def measured(folder: Path, world: RangeTestbed, squid: UserSquid) -> Rehearsal:
    """Measure and conclude a campaign of two users."""
    line = {
        "name": "squid",
        "type": "explicit_proxy",
        "options": {"proxy": squid.proxy("all")},
        "by_profile": {name: {"username": name, "password": "p"} for name in (PUPILS, STAFF)},
    }
    folder.mkdir()
    (folder / "scheme.yaml").write_text(SCHEME)
    path = write_campaign(
        folder,
        origin=Path(world.origin.authority).parent / "origin.json",
        lines=[line],
        categories=["ADLT"],
        sample=6,
        profiles={PUPILS: {"phase": "ks2"}, STAFF: {"phase": "staff"}},
        concurrent_users={"events": EVENTS},
        limits={"timeout": 5, "confirmation_timeout": 10, "concurrency": 20},
        scheme="scheme.yaml",
    )
    return rehearse(path)


def contradicted(run: Rehearsal, world: RangeTestbed) -> list[str]:
    """Requests of users that the origin's log tells otherwise: it saw what was open, nothing else."""
    arrived = {arrival.nonce for arrival in world.log.arrivals() if arrival.nonce}
    journal = open_journal(run.journal)
    try:
        seen = [one for one in journal.observations() if one.role == "user"]
    finally:
        journal.close()
    assert len(seen) > EVENTS
    return [
        f"{one.key.item} for {one.key.profile}: {one.facts or one.failure}"
        for one in seen
        if (one.nonce in arrived) != (getattr(one.facts, "canary", "") == "seen")
    ]


@pytest.mark.product("squid")
def test_users_who_get_their_own_policies_are_found_as_the_origins_log_tells(
    tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    hosts = tuple(item.host for item in canaries({"ADLT": 1000})["ADLT"])
    denied = {
        PUPILS: BlockList(name=PUPILS, hosts=(SENTINEL, *hosts), reply=Reply.PAGE),
        STAFF: BlockList(name=STAFF, hosts=(SENTINEL,), reply=Reply.PAGE),
    }

    with UserSquid(world.origin, denied) as squid:
        run = measured(tmp_path / "run", world, squid)

    outcome: Outcome = run.outcome("POL-05", "squid")
    assert (outcome.conformity, outcome.reasons) == (Conformity.CONFORMS, ())
    assert outcome.metric.k == 0
    assert [] == contradicted(run, world)
