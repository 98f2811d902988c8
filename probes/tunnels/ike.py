"""IKEv2 with ESP in UDP (RFC 7296, RFC 3948), ports 500 and 4500, by strongSwan at both ends.

Packets are encrypted in userspace (plugin kernel-libipsec), so no kernel module is needed. Between
the ends addresses change as behind NAT, so both go on at port 4500, as devices at home do.
"""

from __future__ import annotations

from harness.ports.streams import ByteStream
from probes.net.private_network import FOLDER, LOOPBACK, PrivateNetwork, program
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel

PORTS = (500, 4500)
DAEMON, TOOL = ("charon-systemd", "charon-systemd"), ("swanctl", "strongswan-swanctl")
PROGRAMS = (
    DAEMON,
    TOOL,
    ("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so", "libcharon-extra-plugins"),
)
FAR_ADDRESS = "10.6.0.1"
CONTROL = f"unix://{FOLDER}/charon.vici"

_DAEMON_CONFIGURATION = """\
charon-systemd {{
  load = random nonce openssl hmac kdf pem vici kernel-libipsec kernel-netlink socket-default
  retransmit_timeout = 1
  {ports}
  plugins {{
    vici {{
      socket = {control}
    }}
  }}
  filelog {{
    file {{
      path = {folder}/ike.log
      default = 1
      flush_line = yes
    }}
  }}
}}
"""
_ANY_PORTS = "port = 0\n  port_nat_t = 0"
"""The client's own ports, since those of its loopback device lead to the far end."""

_CONNECTIONS = """\
connections {{
  tunnel {{
    version = 2
    unique = never
    proposals = aes128gcm16-prfsha256-ecp256
    {ends}
    local {{
      auth = psk
      id = {own}
    }}
    remote {{
      auth = psk
      id = {other}
    }}
    children {{
      tunnel {{
        esp_proposals = aes128gcm16
        {traffic}
      }}
    }}
  }}
}}
{more}
secrets {{
  ike-tunnel {{
    secret = 0x{secret}
  }}
}}
"""


async def _start_daemon(network: PrivateNetwork, ports: str, connections: str) -> str:
    """Start the daemon, and load connections; return the path of their file."""
    text = _DAEMON_CONFIGURATION.format(ports=ports, control=CONTROL, folder=FOLDER)
    settings = await network.write("strongswan.conf", text)
    path = await network.write("swanctl.conf", connections)
    await network.start("charon", [program(*DAEMON)], {"STRONGSWAN_CONF": settings})
    await network.wait_for_file("charon.vici", "charon")
    await network.run(program(*TOOL), "--load-all", "--uri", CONTROL, "--file", path)
    return path


def _connections(end: End, **fields: str) -> str:
    return _CONNECTIONS.format(secret=end.secret("ike").hex(), **fields)


async def _open(end: ClientEnd) -> ByteStream:
    text = _connections(
        end,
        ends=f"remote_addrs = {LOOPBACK}\n    vips = 0.0.0.0",
        own="client",
        other="server",
        traffic=f"remote_ts = {FAR_ADDRESS}/32",
        more="",
    )
    await _start_daemon(end.network, _ANY_PORTS, text)
    await end.network.run(program(*TOOL), "--initiate", "--child", "tunnel", "--uri", CONTROL)
    return await end.network.connect(FAR_ADDRESS, PAGE_PORT, "charon")


async def _start(end: FarEnd) -> None:
    await end.network.run("ip", "address", "add", f"{FAR_ADDRESS}/32", "dev", "lo")
    text = _connections(
        end,
        ends="pools = clients",
        own="server",
        other="client",
        traffic=f"local_ts = {FAR_ADDRESS}/32",
        more="pools {\n  clients {\n    addrs = 10.6.1.0/24\n  }\n}",
    )
    await _start_daemon(end.network, "", text)


IKEV2 = Tunnel(
    name="ikev2",
    over="udp",
    ports=PORTS,
    open=_open,
    start=_start,
    client_programs=PROGRAMS,
    server_programs=PROGRAMS,
)
