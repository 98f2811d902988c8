"""Squid and protocols beside the web: it refuses tunnels to other ports than those of TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpora.protocol_hosts import PROTOCOL_PACK, protocol_hosts
from harness.model.outcome import Conformity
from harness.model.protocol_case import PROTOCOLS
from harness.model.verdict import State
from probes.range.testbed import RangeTestbed
from test_suites.calibration.test_protocols import SCHEME
from test_suites.kit.campaigns.ranges import PATIENT, pack_campaign
from test_suites.kit.campaigns.rehearsal import rehearse
from test_suites.products.blocklist import BlockList
from test_suites.products.measured import SENTINEL
from test_suites.products.squid import Reply, Squid

PAGES = protocol_hosts("squid", of_protocol=1)
OPEN = dict.fromkeys(PROTOCOLS, "allow") | {"app": "out_of_scope"}
GROUPS: dict[str, Any] = {
    "pupils": {
        "phase": "ks2",
        "protocols": dict.fromkeys(PROTOCOLS, "block") | {"app": "out_of_scope"},
    },
    "staff": {"phase": "staff", "protocols": OPEN | {"bittorrent": "block"}},
}


class PortSquid(Squid):
    """A Squid with the rules of its own default configuration about ports, for pupils alone."""

    def _rules(self) -> list[str]:
        rules = super()._rules()
        return [
            *rules[:1],
            "acl SSL_ports port 443",
            "acl pupils myportname pupils",
            "http_access deny pupils CONNECT !SSL_ports",
            *rules[1:],
        ]


@pytest.mark.product("squid")
def test_squid_is_seen_to_refuse_the_ports_of_protocols_and_to_carry_them(tmp_path: Path) -> None:
    shown: dict[str, Any] = {"contents": PAGES.contents, "texts": PAGES.texts}
    sentinel = BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.PAGE)
    with RangeTestbed.running(tmp_path / "world", **shown) as world:
        lists = dict.fromkeys(GROUPS, ("sentinel",))
        with PortSquid(world.origin, (sentinel,), lists) as squid:
            line = {
                "name": "proxy",
                "type": "explicit_proxy",
                "options": {"proxy": squid.proxy("pupils"), "authority": world.origin.authority},
                "by_profile": {name: {"proxy": squid.proxy(name)} for name in GROUPS},
            }
            run = rehearse(
                pack_campaign(
                    tmp_path, world, PROTOCOL_PACK, PAGES, SCHEME, lines=[line], profiles=GROUPS,
                    corpora=[{"pack": "./pages"}], probes=["protocols"], limits=PATIENT,
                )
            )  # fmt: skip

    states = {(one.key.profile, one.item.stratum.partition(":")[2]): one for one in run.verdicts}
    blocked = {key for key, one in states.items() if one.state is State.BLOCKED}
    assert blocked == {("pupils", name) for name in PROTOCOLS if name != "app"}
    assert {one.mechanism for key, one in states.items() if key in blocked} == {"proxy_refusal"}
    found = {one.profile: one for one in run.assessment.outcomes}
    assert found["pupils"].conformity is Conformity.CONFORMS
    assert found["staff"].conformity is Conformity.DOES_NOT_CONFORM
    assert found["staff"].metric.value == 1  # file sharing, which it carries
