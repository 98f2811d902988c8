"""Squid whose users sign in at one port: the policy of each, and what a confused helper does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.model.outcome import Conformity, Outcome
from harness.model.verdict import State
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
HELPER = """\
import sys

kind, folder = sys.argv[1:]
lists = {}
last = {}
for line in sys.stdin:
    channel, user, address, host = line.split()[:4]
    if user not in lists:
        lists[user] = set(open(f"{folder}/{user}.txt").read().split())
    asked = last.get(address, user) if kind == "confused" else user
    last[address] = user
    print(channel, "OK" if host in lists[asked] else "ERR", flush=True)
"""
"""An external ACL helper that says whether a user may not visit a host (Squid, external_acl_type).

A confused one answers for the user whom it saw last at the client's address.
"""


CHILDREN = "children-max=1 children-startup=1 concurrency=1000"
"""One helper that takes many questions at once: Squid denies what does not fit into its queue."""


class UserSquid(Squid):
    """Squid with one port, basic authentication, and a helper that knows what each user may not."""

    def __init__(
        self, origin: Origin, denied: Mapping[str, BlockList], *, is_confused: bool = False
    ) -> None:
        super().__init__(origin, denied.values(), {"all": ()})
        self._kind = "confused" if is_confused else "right"

    def _rules(self) -> list[str]:
        here = self.folder.path
        helper = self.folder.write("helper.py", HELPER)
        asked = f"%LOGIN %SRC %DST /usr/bin/python3 {helper} {self._kind} {here}/lists"
        return [
            "acl CONNECT method CONNECT",
            "auth_param basic program /usr/lib/squid/basic_fake_auth",
            "auth_param basic realm school",
            "acl known proxy_auth REQUIRED",
            f"external_acl_type policy ttl=0 negative_ttl=0 {CHILDREN} {asked}",
            "acl denied external policy",
            f"deny_info 403:ERR_{PUPILS.upper()} denied",
            "http_access deny !known",
            "http_access deny denied",
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
        f"{one.key.item} for {one.key.profile}"
        for one in seen
        if (one.nonce in arrived) != (getattr(one.facts, "canary", "") == "seen")
    ]


@pytest.mark.product("squid")
@pytest.mark.parametrize("is_confused", [False, True])
def test_a_helper_that_confuses_users_is_found_as_the_origins_log_tells(
    tmp_path: Path, start_range: StartRange, *, is_confused: bool
) -> None:
    world = start_range()
    hosts = tuple(item.host for item in canaries({"ADLT": 1000})["ADLT"])
    denied = {
        PUPILS: BlockList(name=PUPILS, hosts=(SENTINEL, *hosts), reply=Reply.PAGE),
        STAFF: BlockList(name=STAFF, hosts=(SENTINEL,), reply=Reply.PAGE),
    }

    with UserSquid(world.origin, denied, is_confused=is_confused) as squid:
        run = measured(tmp_path / "run", world, squid)

    outcome: Outcome = run.outcome("POL-05", "squid")
    wanted = Conformity.DOES_NOT_CONFORM if is_confused else Conformity.CONFORMS
    assert (outcome.conformity, outcome.reasons) == (wanted, ())
    assert bool(outcome.metric.k) is is_confused
    assert {one.state for one in outcome.witnesses} <= {State.ALLOWED, State.BLOCKED}
    assert [] == contradicted(run, world)
