"""The networks of a laboratory for techniques: the internet, a gateway for each product, a tester.

The namespace that makes them is the internet, where the origin is. Every product has a gateway in a
namespace of its own, between a device of the tester and the internet. The tester has a further
device past all of them. Everything ends with the last process inside, since nothing has a name
outside.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from test_suites.kit.processes.product import namespace, which
from test_suites.products.delegated_origin import command

ZONE = "canary.example.org"
ORIGIN, ORIGIN_6 = "192.88.99.10", "3ffe:99::10"
"""Addresses that nobody has any more (RFC 7526, RFC 3701); reserved ones lead nowhere."""

TESTER = "tester"
CONTROL = "past"
"""The tester's device past the products, which has the usual route."""

INSIDE, OUTSIDE = "eth0", "eth1"
"""The devices of a gateway: towards the tester, and towards the internet."""

BRIDGE = "internet"
HOME, HOME_6 = "203.0.113.254", "3ffe:113::254"
"""The internet's own addresses on its bridge, where everybody's packets go."""

USUAL, BY_DEVICE = 100, 200
"""Metrics of routes: of the usual one, and above which are those that only bound sockets take."""


@dataclass(frozen=True, slots=True)
class Site:
    """The network of one product; ``number`` is its place in all addresses."""

    name: str
    number: int

    @property
    def gateway(self) -> str:
        """The product's address in the tester's network."""
        return f"10.20.{self.number}.1"

    @property
    def network(self) -> str:
        """The tester's network."""
        return f"10.20.{self.number}.0/24"

    @property
    def addresses(self) -> dict[str, tuple[str, str]]:
        """The addresses of the gateway's devices, by IPv4 and IPv6."""
        n = self.number
        return {
            INSIDE: (f"{self.gateway}/24", f"fd20:{n}::1/64"),
            OUTSIDE: (f"203.0.113.{n}/24", f"3ffe:113::{n}/64"),
        }

    @property
    def client(self) -> tuple[str, str]:
        """The addresses of the tester's device."""
        return f"10.20.{self.number}.9/24", f"fd20:{self.number}::9/64"


def sites(names: Iterable[str]) -> dict[str, Site]:
    """The networks of products, by name."""
    return {name: Site(name, number) for number, name in enumerate(names, 1)}


def within(host: str, *words: str) -> list[str]:
    """The command that runs a program in the namespace of a host."""
    return [which("ip") or "ip", "netns", "exec", host, *words]


def confined(*words: str) -> list[str]:
    """The command that runs a program in namespaces, where nothing outlives it or its parent.

    The program is the first process of a namespace of processes, which the kernel ends with it.
    """
    opened = namespace(["unshare", "-nm"], ["unshare", "-rnm", "--map-auto"])
    return [
        *("setpriv", "--pdeathsig", "KILL", *opened),
        *("--pid", "--fork", "--kill-child", "--mount-proc", *words),
    ]


def confine() -> None:
    """Give this mount namespace its own places for temporary files, which end with it."""
    for place, mode in (("/run", "755"), ("/dev/shm", "1777")):
        command("mount", "-t", "tmpfs", "-o", f"mode={mode}", "none", place)
    products = Path("/run/products")
    products.mkdir()
    products.chmod(0o755)
    os.environ["TMPDIR"] = str(products)


FURTHER_PORTS = f"""table inet internet {{
  chain arriving {{
    type nat hook prerouting priority -100
    ip daddr {ORIGIN} tcp dport 8080 dnat ip to {ORIGIN}:80
    ip daddr {ORIGIN} tcp dport 8443 dnat ip to {ORIGIN}:443
  }}
}}
"""
"""The origin's web server has further ports here, as on the test range."""


def join(places: Iterable[Site]) -> None:
    """Make the namespaces, and the networks that join them."""
    command("ip", "link", "set", "lo", "up")
    subprocess.run([which("nft") or "nft", "-f", "-"], input=FURTHER_PORTS, text=True, check=True)
    command("ip", "link", "add", BRIDGE, "type", "bridge")
    command("ip", "link", "set", BRIDGE, "up")
    for address in (f"{HOME}/24", f"{ORIGIN}/32", f"{HOME_6}/64", f"{ORIGIN_6}/128"):
        _give(address, BRIDGE)
    # The origin itself answers pings, where the kernel does not.
    Path("/proc/sys/net/ipv4/icmp_echo_ignore_all").write_text("1", encoding="ascii")
    _add_host(TESTER)
    _plug(TESTER, CONTROL, "203.0.113.200/24", "3ffe:113::200/64")
    _route(TESTER, CONTROL, HOME, HOME_6, USUAL)
    for site in places:
        _add_host(site.name)
        _plug(site.name, OUTSIDE, *site.addresses[OUTSIDE])
        _route(site.name, OUTSIDE, HOME, HOME_6, USUAL)
        peer = ("peer", "name", INSIDE, "netns", site.name)
        command("ip", "-n", TESTER, "link", "add", site.name, "type", "veth", *peer)
        for host, device, addresses in (
            (TESTER, site.name, site.client),
            (site.name, INSIDE, site.addresses[INSIDE]),
        ):
            _set_up(host, device, addresses)
        _route(TESTER, site.name, site.gateway, f"fd20:{site.number}::1", BY_DEVICE + site.number)
        # What arrives may be led on to loopback, where products listen.
        settings = (
            f"net/ipv4/conf/{INSIDE}/route_localnet", "net/ipv4/ip_forward",
            "net/ipv6/conf/all/forwarding",
        )  # fmt: skip
        for setting in settings:
            command(*within(site.name, "sh", "-c", f"echo 1 >/proc/sys/{setting}"))


def _add_host(host: str) -> None:
    command("ip", "netns", "add", host)
    command("ip", "-n", host, "link", "set", "lo", "up")


def _plug(host: str, device: str, *addresses: str) -> None:
    """Join a host's device to the internet."""
    outer = f"to-{host}"
    command("ip", "link", "add", outer, "type", "veth", "peer", "name", device, "netns", host)
    command("ip", "link", "set", outer, "master", BRIDGE, "up")
    _set_up(host, device, addresses)


def _set_up(host: str, device: str, addresses: Iterable[str]) -> None:
    for address in addresses:
        _give(address, device, host)
    command("ip", "-n", host, "link", "set", device, "up")


def _give(address: str, device: str, host: str = "") -> None:
    """Give a device an address, without a search for others that have it."""
    where = ("-n", host) if host else ()
    alone = ("nodad",) if ":" in address else ()
    command("ip", *where, "address", "add", address, "dev", device, *alone)


def _route(host: str, device: str, gateway: str, gateway_6: str, metric: int) -> None:
    for family, via in (("-4", gateway), ("-6", gateway_6)):
        way = ("default", "via", via, "dev", device, "metric", str(metric))
        command("ip", "-n", host, family, "route", "add", *way)
