"""A block list as a response policy zone (draft-vixie-dnsop-dns-rpz-00)."""

from __future__ import annotations

from enum import StrEnum

from test_suites.products.blocklist import BlockList


class Action(StrEnum):
    """What a policy zone can do with a listed name."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    DROP = "drop"
    NULL = "null"
    SINKHOLE = "sinkhole"
    ALIAS = "alias"
    """An alias (CNAME): the host's name with the list's ``address``, such as ``safe.``, before it."""


BLOCKING = tuple(each for each in Action if each is not Action.ALIAS)
"""The actions that block; an alias leads to another name."""


def policy_zone(denied: BlockList, *, sinkhole: str) -> str:
    """The zone file, owner names relative to the zone; ``denied.reply`` is an Action.

    Raises ValueError for a reply that policy zones do not know.
    """
    record = {
        Action.NXDOMAIN: "CNAME .",
        Action.NODATA: "CNAME *.",
        Action.DROP: "CNAME rpz-drop.",
        Action.NULL: "A 0.0.0.0",
        Action.SINKHOLE: f"A {sinkhole}",
        Action.ALIAS: f"CNAME {denied.address}{{host}}.",
    }[Action(denied.reply)]
    head = "$TTL 60\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
    return head + "".join(f"{host} {record.format(host=host)}\n" for host in denied.hosts)
