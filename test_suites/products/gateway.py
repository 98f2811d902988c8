"""An nftables gateway at layers 3 and 4, in a network namespace of its own.

Names get an address per list from a resolver, as sites have addresses of their own. Clients
reach the filter by port: what goes to ``ports`` meets the rules, what goes to the origin's own
ports does not. Run as a program (``python -m``) inside the namespace, where it measures a
campaign into a folder and prints the fate of each host as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from harness.model.corpus import Item
from harness.ports.network import Origin
from probes.range.testbed import running
from test_suites.kit.clocks.sizes import sized
from test_suites.kit.processes.product import which
from test_suites.products import unbound
from test_suites.products.blocklist import BlockList
from test_suites.products.measured import SENTINEL, canaries, measure_through

PORTS = {80: 9080, 443: 9443}
"""Nobody else listens in this namespace."""


class Reply(StrEnum):
    """What the gateway does with a SYN to a listed address."""

    RESET = "reject with tcp reset"
    DROP = "drop"
    PROHIBITED = "reject with icmpx admin-prohibited"
    NO_HOST = "reject with icmpx host-unreachable"
    NO_ROUTE = "reject with icmpx no-route"
    NO_PORT = "reject with icmpx port-unreachable"


REPLIES = dict(zip(("PORN", "VIOL", "DISC", "DRUG", "CRIM", "GAMB"), Reply, strict=True))


def some_items() -> dict[str, list[Item]]:
    """What is measured: a few items for each reply, and twins that must pass."""
    return canaries(dict.fromkeys((*REPLIES, "twin:DRUG"), sized(2, 3)))


def ruleset(origin: Origin, lists: Iterable[BlockList]) -> str:
    """The rules: refuse by address, then lead everything else to the origin."""
    doors = ", ".join(map(str, PORTS.values()))
    refusals = "".join(
        f"    ip daddr {each.address} tcp dport {{ {doors} }} {each.reply}\n" for each in lists
    )
    ways = "".join(
        f"    tcp dport {door} redirect to :{origin.ports[port]}\n"
        f"    ip daddr 127.0.1.0/24 tcp dport {origin.ports[port]} redirect\n"
        for port, door in PORTS.items()
    )
    return f"""table inet gateway {{
  chain refuse {{
    type filter hook output priority -150
{refusals}  }}
  chain lead {{
    type nat hook output priority -100
{ways}  }}
}}
"""


def main(folder: Path, lane: str) -> None:
    """Measure a campaign through the gateway, and print what became of each host."""
    chosen = some_items()
    lists = [
        BlockList(
            name=stratum.lower(),
            hosts=tuple(item.host for item in chosen[stratum]),
            reply=reply,
            address=f"127.0.1.{place}",
        )
        for place, (stratum, reply) in enumerate(REPLIES.items(), 1)
    ]
    lists.append(
        BlockList(name="sentinel", hosts=(SENTINEL,), reply=Reply.RESET, address="127.0.1.99")
    )
    names = [
        BlockList(
            name=each.name, hosts=each.hosts, reply=unbound.Reply.SINKHOLE, address=each.address
        )
        for each in lists
    ]
    _run("ip", "link", "set", "lo", "up")
    with (
        running(folder) as world,
        unbound.Unbound(world.origin, names, {"all": [each.name for each in names]}) as resolver,
    ):
        _run("nft", "-f", "-", words=ruleset(world.origin, lists))
        measured = measure_through(
            folder,
            {
                "name": "gateway",
                "type": "control",
                "options": {"resolver": resolver.server("all"), "ports": PORTS, "lane": lane},
            },
            [item for some in chosen.values() for item in some],
            control={"options": {"resolver": resolver.server("all")}},
        )
    print(json.dumps({probe: measured.fates(probe) for probe in ("web", "web_https")}))  # noqa: T201 - to the test that waits outside the namespace


def _run(program: str, *arguments: str, words: str = "") -> None:
    subprocess.run([which(program) or program, *arguments], input=words, text=True, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
