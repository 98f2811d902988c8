"""Three schools and a hub in network namespaces; between them, this namespace is the internet.

``asks`` and ``opens`` are the gateways of two schools, whose agents have no other way out. The
third agent is in the internet itself. To be called in network, mount and process namespaces of its
own, which end with the program.
"""

from __future__ import annotations

import subprocess

from test_suites.kit.processes.product import which
from test_suites.products.school_squids import TRANSPARENT

HUB, PORT = "10.40.0.1", 8443
ASKS, OPENS = "10.41.1.1", "10.41.2.1"
"""The gateways, as their agents see them."""

INTERNET = {"hub": HUB, "asks": "10.40.0.11", "opens": "10.40.0.12", "agent-3": "10.40.0.13"}
SCHOOLS = {"agent-1": ("asks", ASKS, "10.41.1.2"), "agent-2": ("opens", OPENS, "10.41.2.2")}
HERE = "10.40.0.254"

LEAD = f"""table ip school {{
  chain lead {{
    type nat hook prerouting priority dstnat
    ip daddr {HUB} tcp dport {PORT} redirect to :{TRANSPARENT}
  }}
}}
"""


def within(host: str, *words: str) -> list[str]:
    """The command that runs a program in the namespace of a host."""
    return [which("ip") or "ip", "netns", "exec", host, *words]


def join() -> None:
    """Make the namespaces, and the networks that join them."""
    for place in ("/run", "/dev/shm"):
        _run("mount", "-t", "tmpfs", "none", place)
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "internet", "type", "bridge")
    _ip("address", "add", f"{HERE}/24", "dev", "internet")
    _ip("link", "set", "internet", "up")
    for host in (*INTERNET, *SCHOOLS):
        _ip("netns", "add", host)
        _ip("-n", host, "link", "set", "lo", "up")
    for host, address in INTERNET.items():
        _ip("link", "add", f"to-{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        _ip("link", "set", f"to-{host}", "master", "internet", "up")
        _address(host, "eth0", address)
    for host, (gateway, inner, address) in SCHOOLS.items():
        ends = ("name", "eth0", "netns", host)
        _ip("-n", gateway, "link", "add", "school", "type", "veth", "peer", *ends)
        _address(gateway, "school", inner)
        _address(host, "eth0", address)
    _ip("-n", "agent-2", "route", "add", "default", "via", OPENS)
    _run(*within("opens", which("nft") or "nft", "-f", "-"), words_in=LEAD)


def take_offline(host: str) -> None:
    """Take the network of a host down."""
    _ip("link", "set", f"to-{host}", "down")


def bring_online(host: str) -> None:
    """Bring the network of a host up again."""
    _ip("link", "set", f"to-{host}", "up")


def _address(host: str, device: str, address: str) -> None:
    _ip("-n", host, "address", "add", f"{address}/24", "dev", device)
    _ip("-n", host, "link", "set", device, "up")


def _ip(*words: str) -> None:
    _run(which("ip") or "ip", *words)


def _run(*words: str, words_in: str = "") -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, input=words_in)
