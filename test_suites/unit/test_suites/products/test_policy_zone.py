"""Policy zones say what is to be done in the way that BIND and Unbound both read."""

from __future__ import annotations

import dns.zone
import pytest

from test_suites.products.blocklist import BlockList
from test_suites.products.policy_zone import Action, policy_zone


@pytest.mark.parametrize(
    ("action", "record"),
    [
        (Action.NXDOMAIN, "CNAME ."),
        (Action.NODATA, "CNAME *."),
        (Action.DROP, "CNAME rpz-drop."),
        (Action.NULL, "A 0.0.0.0"),
        (Action.SINKHOLE, "A 127.0.0.9"),
    ],
)
def test_each_action_has_its_record(action: Action, record: str) -> None:
    denied = BlockList(name="x", hosts=("a.accredit.test",), reply=action)

    zone = dns.zone.from_text(policy_zone(denied, sinkhole="127.0.0.9"), "x.rpz")

    (found,) = zone.find_node("a.accredit.test").rdatasets
    assert record in found.to_text().removeprefix("60 IN ")


def test_a_reply_that_policy_zones_do_not_know_is_refused() -> None:
    denied = BlockList(name="x", hosts=("a.accredit.test",), reply="tarpit")

    with pytest.raises(ValueError, match="tarpit"):
        policy_zone(denied, sinkhole="127.0.0.9")
