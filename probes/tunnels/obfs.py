"""obfs4: a stream without any form, as Tor's bridges have it; by obfs4proxy at both ends.

Both are told what to do as Tor tells them (the pluggable transport specification, pt-spec.txt).
"""

from __future__ import annotations

import base64
import json
import re

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from harness.ports.streams import ByteStream
from probes.net.private_network import FOLDER, LOOPBACK, PrivateNetworkError, program
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel
from probes.tunnels.socks import connect_by_socks

PORT = 9443
PROGRAM = ("obfs4proxy", "obfs4proxy")
COMMON = {"TOR_PT_MANAGED_TRANSPORT_VER": "1", "TOR_PT_STATE_LOCATION": FOLDER}
NODE_BYTES, SEED_BYTES = 20, 24

_METHOD = re.compile(rf"CMETHOD obfs4 socks5 {re.escape(LOOPBACK)}:(\d+)")


def _node(end: End) -> tuple[bytes, X25519PrivateKey]:
    """Return the identifier and the key of the bridge."""
    key = X25519PrivateKey.from_private_bytes(end.secret("obfs4 key"))
    return end.secret("obfs4 node")[:NODE_BYTES], key


async def _open(end: ClientEnd) -> ByteStream:
    settings = COMMON | {"TOR_PT_CLIENT_TRANSPORTS": "obfs4"}
    await end.network.start("obfs4proxy", [program(*PROGRAM)], settings)
    log = await end.network.wait_for_log("obfs4proxy", "CMETHODS DONE")
    found = _METHOD.search(log)
    if found is None:
        msg = f"obfs4proxy offers nothing: {log[-200:]}"
        raise PrivateNetworkError(msg)
    identifier, key = _node(end)
    public = key.public_key().public_bytes_raw()
    certificate = base64.b64encode(identifier + public).decode().rstrip("=")
    stream = await end.network.connect(LOOPBACK, int(found[1]), "obfs4proxy")
    login = f"cert={certificate};iat-mode=0".encode(), b"\0"
    await connect_by_socks(stream, LOOPBACK, PORT, login)
    return stream


async def _start(end: FarEnd) -> None:
    identifier, key = _node(end)
    state = {
        "node-id": identifier.hex(),
        "private-key": key.private_bytes_raw().hex(),
        "public-key": key.public_key().public_bytes_raw().hex(),
        "drbg-seed": end.secret("obfs4 seed")[:SEED_BYTES].hex(),
        "iat-mode": 0,
    }
    await end.network.write("obfs4_state.json", json.dumps(state))
    settings = COMMON | {
        "TOR_PT_SERVER_TRANSPORTS": "obfs4",
        "TOR_PT_SERVER_BINDADDR": f"obfs4-{LOOPBACK}:{PORT}",
        "TOR_PT_ORPORT": f"{LOOPBACK}:{PAGE_PORT}",
    }
    await end.network.start("obfs4proxy", [program(*PROGRAM)], settings)
    await end.network.wait_for_log("obfs4proxy", "SMETHODS DONE")


OBFS = Tunnel(
    name="obfs",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=(PROGRAM,),
    server_programs=(PROGRAM,),
)
