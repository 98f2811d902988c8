"""A school's network, whose packets all pass a filter that its devices do not know of.

Two network namespaces: this one is the supplier's, and ``site`` is the school's, joined by a
veth pair. nftables leads what arrives from the school for ports 80 and 443 to the filter, and
what the filter sends on to the canary origin.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK, which

NAME = "site"
NETWORK = "10.77.0.0/24"
SUPPLIER, SCHOOL = "10.77.0.1", "10.77.0.2"
INTERNET = "198.51.100.0/24"
"""Addresses for documentation (RFC 5737); every host of the zone is at one of them."""

FAR = "198.51.100.10"


def ruleset(origin: Origin, doors: dict[int, int], resolver: str) -> str:
    """What is led where; ``doors`` maps ports to the filter's own on loopback."""
    names = resolver.rpartition(":")[2]
    arriving = "".join(
        f'    iif "up0" tcp dport {port} dnat to {LOOPBACK}:{door}\n'
        for port, door in doors.items()
    )
    leaving = "".join(
        f"    ip daddr {FAR} tcp dport {port} redirect to :{origin.ports[port]}\n" for port in doors
    )
    return f"""table ip supplier {{
  chain arriving {{
    type nat hook prerouting priority -100
{arriving}    iif "up0" udp dport 53 dnat to {LOOPBACK}:{names}
  }}
  chain leaving {{
    type nat hook output priority -100
{leaving}    ip daddr {LOOPBACK} udp dport 53 redirect to :{names}
  }}
}}
"""


def join() -> None:
    """Make the school's namespace and the way to it; we must be in a namespace of our own."""
    # A /run of our own, so that no name of a namespace is left outside.
    _run("mount", "-t", "tmpfs", "none", "/run")
    _run("ip", "netns", "add", NAME)
    _run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", NAME)
    _run("ip", "address", "add", f"{SUPPLIER}/24", "dev", "up0")
    for here in ("lo", "up0"):
        _run("ip", "link", "set", here, "up")
    _run("ip", "route", "add", INTERNET, "dev", "up0")
    _run("ip", "-n", NAME, "address", "add", f"{SCHOOL}/24", "dev", "eth0")
    for there in ("lo", "eth0"):
        _run("ip", "-n", NAME, "link", "set", there, "up")
    _run("ip", "-n", NAME, "route", "add", "default", "via", SUPPLIER)
    # What arrives may be led on to loopback, where the filter listens.
    Path("/proc/sys/net/ipv4/conf/up0/route_localnet").write_text("1", encoding="ascii")


@contextmanager
def leading(origin: Origin, doors: dict[int, int], resolver: str) -> Iterator[None]:
    """Lead the school's packets to a filter while inside."""
    _run("nft", "-f", "-", words=ruleset(origin, doors, resolver))
    try:
        yield
    finally:
        _run("nft", "delete", "table", "ip", "supplier")


def _run(program: str, *arguments: str, words: str = "") -> None:
    subprocess.run([which(program) or program, *arguments], input=words, text=True, check=True)
