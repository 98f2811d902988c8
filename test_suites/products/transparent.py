"""A campaign from inside a school whose packets are led to a filter; run by its test.

Run as a program (``python -m``) in network and mount namespaces of its own, where it measures
over an interface line in the school's namespace, and prints what became of each host as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.model.corpus import Item
from probes.range.testbed import RangeTestbed, running
from test_suites.kit.clocks.sizes import sized
from test_suites.products import site, unbound
from test_suites.products.blocklist import BlockList, lists_from
from test_suites.products.e2guardian import E2Guardian
from test_suites.products.measured import SENTINEL, canaries, measure_through
from test_suites.products.squid import Reply, Squid

REPLIES = {
    "PORN": Reply.PAGE,
    "VIOL": Reply.RESET,
    "DISC": Reply.LEGAL,
    "CRIM": Reply.PAGE_200,
}

ALLOWED = "amber-lantern.accredit.test"

Doors = tuple[dict[int, int], str]
"""The filter's own ports by those it is given, and the authority that clients trust."""


def some_items() -> dict[str, list[Item]]:
    """What is measured: a few items for each reply, and twins that must pass."""
    return canaries(dict.fromkeys((*REPLIES, "twin:DRUG"), sized(2, 3)))


@contextmanager
def filtering(product: str, world: RangeTestbed, items: list[Item]) -> Iterator[Doors]:
    """Start a product by name: it blocks what REPLIES lists, and the sentinel."""
    lists = (
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.PAGE),
        *lists_from(items, REPLIES),
    )
    if product == "e2guardian":
        with E2Guardian(world.origin, lists) as guardian:
            doors = {80: guardian.port, 443: guardian.tls_port}
            yield doors, str(guardian.authority.certificate)
        return
    opens = product == "squid-opening"
    denied = {"all": [each.name for each in lists]}
    with Squid(world.origin, lists, denied, intercepts=opens, site=site.NETWORK) as squid:
        doors = {80: squid.ports["all"], 443: squid.tls_ports["all"]}
        yield doors, str(squid.authority.certificate) if opens and squid.authority else ""


def main(folder: Path, product: str, lane: str) -> None:
    """Measure a campaign through the product, and print what became of each host."""
    items = [item for some in some_items().values() for item in some]
    hosts = (SENTINEL, ALLOWED, *(item.host for item in items))
    everywhere = BlockList(
        name="everywhere", hosts=hosts, reply=unbound.Reply.SINKHOLE, address=site.FAR
    )
    site.join()
    with (
        running(folder) as world,
        unbound.Unbound(world.origin, [everywhere], {"all": ["everywhere"]}) as names,
        filtering(product, world, items) as (doors, authority),
        site.leading(world.origin, doors, names.server("all")),
    ):
        options = {"netns": site.NAME, "resolver": f"{site.SUPPLIER}:53", "ports": {}}
        measured = measure_through(
            folder,
            {
                "name": "school",
                "type": "interface",
                "options": {**options, "authority": authority, "lane": lane},
            },
            items,
        )
    print(json.dumps({probe: measured.fates(probe) for probe in ("web", "web_https")}))  # noqa: T201 - to the test that waits outside the namespace


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
