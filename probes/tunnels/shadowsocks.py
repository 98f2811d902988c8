"""Shadowsocks (SIP004, AEAD ciphers), by shadowsocks-libev at both ends."""

from __future__ import annotations

import json

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, program
from probes.tunnels.ends import LOCAL_PORT, PAGE_PORT, ClientEnd, End, FarEnd, Tunnel

PORT = 8388
PACKAGE = "shadowsocks-libev"
CLIENT, SERVER = ("ss-tunnel", PACKAGE), ("ss-server", PACKAGE)


def _configuration(end: End, **options: str | int) -> str:
    common = {
        "server": LOOPBACK,
        "password": end.secret("shadowsocks").hex(),
        "method": "chacha20-ietf-poly1305",
        "timeout": 60,
    }
    return json.dumps(common | options)


async def _open(end: ClientEnd) -> ByteStream:
    text = _configuration(
        end,
        server_port=PORT,
        local_address=LOOPBACK,
        local_port=LOCAL_PORT,
        tunnel_address=f"{LOOPBACK}:{PAGE_PORT}",
    )
    path = await end.network.write("client.json", text)
    await end.network.start("ss-tunnel", [program(*CLIENT), "-c", path])
    return await end.network.connect(LOOPBACK, LOCAL_PORT, "ss-tunnel")


async def _start(end: FarEnd) -> None:
    path = await end.network.write("server.json", _configuration(end, server_port=PORT))
    await end.network.start("ss-server", [program(*SERVER), "-c", path])
    (await end.network.connect(LOOPBACK, PORT, "ss-server")).close()


SHADOWSOCKS = Tunnel(
    name="shadowsocks",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=(CLIENT,),
    server_programs=(SERVER,),
)
