"""The table of tunnels by name."""

from __future__ import annotations

from collections.abc import Mapping

from probes.net.private_network import PrivateNetworkError, program
from probes.tunnels.ends import Tunnel
from probes.tunnels.ike import IKEV2
from probes.tunnels.iodine import IODINE
from probes.tunnels.obfs import OBFS
from probes.tunnels.openvpn import OPENVPN_TCP, OPENVPN_UDP
from probes.tunnels.shadowsocks import SHADOWSOCKS
from probes.tunnels.socks import SOCKS, TLS
from probes.tunnels.ssh import SSH
from probes.tunnels.sstp import SSTP
from probes.tunnels.tor import TOR
from probes.tunnels.wireguard import WIREGUARD

TUNNELS: Mapping[str, Tunnel] = {
    each.name: each
    for each in (
        SSH,
        SOCKS,
        TLS,
        OPENVPN_TCP,
        OPENVPN_UDP,
        WIREGUARD,
        OBFS,
        SHADOWSOCKS,
        IODINE,
        IKEV2,
        SSTP,
        TOR,
    )
}

UDP_PORTS = {port for each in TUNNELS.values() if each.over == "udp" for port in each.ports}
"""The usual ports at which tunnels over UDP begin."""


def missing_program(needed: tuple[tuple[str, str], ...]) -> str:
    """Return which program is missing, in a sentence; empty if none is."""
    try:
        for name, package in needed:
            program(name, package)
    except PrivateNetworkError as error:
        return str(error)
    return ""
