"""WireGuard over UDP port 51820, in userspace (wireguard-go), so no kernel module is needed."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, PrivateNetwork, program
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel

PORT = 51820
PROGRAMS = ("wireguard-go", "wireguard-go"), ("wg", "wireguard-tools")
FAR_ADDRESS = "10.9.0.1"
CLIENTS = 200
"""Clients that a far end knows; two at once with the same number would disturb each other."""


def _key(end: End, owner: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(end.secret(f"wireguard {owner}"))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _peer(end: End, owner: str, *lines: str) -> str:
    public = _text(_key(end, owner).public_key().public_bytes_raw())
    return "\n".join(("[Peer]", f"PublicKey = {public}", *lines, ""))


def _own(end: End, owner: str, *lines: str) -> str:
    private = _text(_key(end, owner).private_bytes_raw())
    return "\n".join(("[Interface]", f"PrivateKey = {private}", *lines, ""))


async def _set_up(network: PrivateNetwork, configuration: str, address: str) -> None:
    """Start the program, and give its device the configuration and an address."""
    path = await network.write("wg.conf", configuration)
    daemon, tool = (program(*each) for each in PROGRAMS)
    await network.start("wireguard-go", [daemon, "-f", "wg0"], {"LOG_LEVEL": "verbose"})
    await network.wait_for_log("wireguard-go", "UAPI listener started")
    await network.run(tool, "setconf", "wg0", path)
    await network.run("ip", "address", "add", f"{address}/24", "dev", "wg0")
    await network.run("ip", "link", "set", "wg0", "up")


async def _open(end: ClientEnd) -> ByteStream:
    number = end.number % CLIENTS
    peer = _peer(end, "server", f"Endpoint = {LOOPBACK}:{PORT}", f"AllowedIPs = {FAR_ADDRESS}/32")
    address = f"10.9.0.{number + 2}"
    await _set_up(end.network, _own(end, f"client {number}") + peer, address)
    return await end.network.connect(FAR_ADDRESS, PAGE_PORT, "wireguard-go")


async def _start(end: FarEnd) -> None:
    peers = "".join(
        _peer(end, f"client {number}", f"AllowedIPs = 10.9.0.{number + 2}/32")
        for number in range(CLIENTS)
    )
    own = _own(end, "server", f"ListenPort = {PORT}")
    await _set_up(end.network, own + peers, FAR_ADDRESS)


WIREGUARD = Tunnel(
    name="wireguard",
    over="udp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=PROGRAMS,
    server_programs=PROGRAMS,
)
