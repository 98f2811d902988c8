"""The gateways of a laboratory for techniques: each is one product as schools have it.

Run as a program in the namespace of one gateway, which serves until its standard input ends, and
prints ``ready`` before. All are given the same list of hosts; what else they do is what their kind
does. ``careful`` is the calibration: a gateway that should leave nothing open.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.campaign.origin_file import read_origin
from harness.ports.network import Origin
from test_suites.kit.processes.product import which
from test_suites.products.bind import Bind
from test_suites.products.blocklist import BlockList
from test_suites.products.careful_gateway import CarefulSquid, careful_names, known_hosts
from test_suites.products.direct_products import (
    DirectGuardian,
    DirectSquid,
    StubBind,
    StubUnbound,
    TransparentHaProxy,
)
from test_suites.products.gateway_rules import GatewayRules
from test_suites.products.haproxy import Reply as HaProxyReply
from test_suites.products.policy_zone import Action
from test_suites.products.squid import Reply
from test_suites.products.technique_layout import Site, sites
from test_suites.products.unbound import Reply as UnboundReply
from test_suites.products.unbound import Unbound

PROXY_PORT = 3128


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product is started: its network, the origin, and the hosts that it has to block."""

    site: Site
    origin: Origin
    hosts: tuple[str, ...]
    running: ExitStack
    folder: Path

    def listed(self, reply: str) -> list[BlockList]:
        """The list, as products take it."""
        return [BlockList(name="listed", hosts=self.hosts, reply=reply)]

    def names(self, *, filtering: bool) -> int:
        """Start the network's own resolver; returns its port."""
        lists = self.listed(UnboundReply.NXDOMAIN) if filtering else []
        chosen = {"all": ["listed"] if filtering else []}
        return self.running.enter_context(StubUnbound(self.origin, lists, chosen)).ports["all"]

    def publish(self, authority: Path) -> None:
        """Put the authority of a product that opens TLS where the tester finds it."""
        shutil.copy(authority, self.folder / f"{self.site.name}.pem")


Denied = {"all": ["listed"]}


def nftables(place: Place) -> GatewayRules:
    """Ports 80 and 443 alone, and a resolver that does not know what is blocked."""
    return GatewayRules(
        place.site,
        names=place.names(filtering=True),
        forwarded=("tcp dport { 80, 443 } accept", "drop"),
    )


def squid(place: Place) -> GatewayRules:
    """An explicit proxy that opens no TLS; nothing goes past it."""
    proxy = place.running.enter_context(DirectSquid(place.origin, place.listed(Reply.PAGE), Denied))
    return GatewayRules(place.site, proxy=(PROXY_PORT, proxy.ports["all"]), forwarded=("drop",))


def squid_tls(place: Place) -> GatewayRules:
    """Ports 80 and 443 led to a proxy that opens TLS; everything else passes by IPv4."""
    proxy = place.running.enter_context(
        DirectSquid(
            place.origin, place.listed(Reply.PAGE), Denied, intercepts=True, site=place.site.network
        )
    )
    assert proxy.authority is not None
    place.publish(proxy.authority.certificate)
    return GatewayRules(
        place.site,
        names=place.names(filtering=False),
        led={80: proxy.ports["all"], 443: proxy.tls_ports["all"]},
        forwarded=("meta nfproto ipv4 accept", "reject with icmpx no-route"),
    )


def squid_sni(place: Place) -> GatewayRules:
    """The same without opening TLS: it is cut off by its SNI. IPv6 passes."""
    proxy = place.running.enter_context(
        DirectSquid(place.origin, place.listed(Reply.PAGE), Denied, site=place.site.network)
    )
    return GatewayRules(
        place.site,
        names=place.names(filtering=False),
        led={80: proxy.ports["all"], 443: proxy.tls_ports["all"]},
        forwarded=("accept",),
    )


def e2guardian(place: Place) -> GatewayRules:
    """An explicit proxy that opens TLS and reads pages; nothing goes past it."""
    guardian = place.running.enter_context(DirectGuardian(place.origin, place.listed(Reply.PAGE)))
    place.publish(guardian.authority.certificate)
    return GatewayRules(place.site, proxy=(PROXY_PORT, guardian.port), forwarded=("drop",))


def haproxy(place: Place) -> GatewayRules:
    """Port 80 filtered by Host, port 443 by SNI; everything else passes, also by IPv6."""
    proxy = place.running.enter_context(
        TransparentHaProxy(place.origin, place.listed(HaProxyReply.PAGE))
    )
    return GatewayRules(
        place.site, names=place.names(filtering=False), led=proxy.ports, forwarded=("accept",)
    )


def unbound(place: Place) -> GatewayRules:
    """A resolver with a local zone for each host; nothing else is filtered."""
    return GatewayRules(place.site, names=place.names(filtering=True), forwarded=("accept",))


def bind(place: Place) -> GatewayRules:
    """A resolver with a response policy zone; nothing else is filtered."""
    names: Bind = place.running.enter_context(
        StubBind(place.origin, place.listed(Action.NXDOMAIN), Denied)
    )
    return GatewayRules(place.site, names=names.ports["all"], forwarded=("accept",))


def careful(place: Place) -> GatewayRules:
    """A proxy that opens TLS and knows what it allows; all other ways are refused."""
    known = known_hosts(place.origin)
    proxy = place.running.enter_context(
        CarefulSquid(place.origin, place.listed(Reply.PAGE), known, site=place.site.network)
    )
    assert proxy.authority is not None
    place.publish(proxy.authority.certificate)
    names: Unbound = place.running.enter_context(
        StubUnbound(
            place.origin, place.listed(UnboundReply.NXDOMAIN), Denied, settings=careful_names(known)
        )
    )
    return GatewayRules(
        place.site,
        names=names.ports["all"],
        takes_all_names=True,
        led={80: proxy.ports["all"], 443: proxy.tls_ports["all"]},
        forwarded=("meta l4proto tcp reject with tcp reset", "reject with icmpx admin-prohibited"),
    )


class Kind(NamedTuple):
    """A product: how the tester is connected to it, and what starts it."""

    line: str
    start: Callable[[Place], GatewayRules]
    words: str


GATEWAYS: dict[str, Kind] = {
    "nftables": Kind("interface", nftables, "nftables 1.1, layers 3 and 4, and its resolver"),
    "squid": Kind("explicit_proxy", squid, "Squid 6.13, explicit proxy"),
    "squid-tls": Kind("interface", squid_tls, "Squid 6.13, intercepting, opening TLS"),
    "squid-sni": Kind("interface", squid_sni, "Squid 6.13, intercepting, by SNI"),
    "e2guardian": Kind("explicit_proxy", e2guardian, "e2guardian 5.5.8, explicit, opening TLS"),
    "haproxy": Kind("interface", haproxy, "haproxy 3.0, by Host and SNI"),
    "unbound": Kind("resolver", unbound, "Unbound 1.26, local zones"),
    "bind": Kind("resolver", bind, "BIND 9.20, response policy zone"),
    "careful": Kind("interface", careful, "a careful school's gateway"),
}
"""The products by name, in the order of tables."""


def main(name: str, origin: Origin, hosts: Iterable[str], folder: Path) -> None:
    """Serve until the standard input ends."""
    with ExitStack() as running:
        place = Place(sites(GATEWAYS)[name], origin, tuple(hosts), running, folder)
        rules = GATEWAYS[name].start(place)
        nft = which("nft") or "nft"
        subprocess.run([nft, "-f", "-"], input=str(rules), text=True, check=True)
        print("ready", flush=True)  # noqa: T201 - to the program that waits for it
        sys.stdin.read()


if __name__ == "__main__":
    main(
        sys.argv[1],
        read_origin(Path(sys.argv[2])),
        Path(sys.argv[3]).read_text(encoding="ascii").split(),
        Path(sys.argv[4]),
    )
