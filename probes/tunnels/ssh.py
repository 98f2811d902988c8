"""SSH (RFC 4254 section 7): OpenSSH forwards a port to the origin's pages.

The far end is dropbear, because OpenSSH's server needs the privileges of root.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from harness.ports.streams import ByteStream
from probes.net.private_network import FOLDER, LOOPBACK, program
from probes.tunnels.ends import LOCAL_PORT, PAGE_PORT, ClientEnd, End, FarEnd, Tunnel

PORT = 22
CLIENT = "ssh", "openssh-client"
SERVER, CONVERTER = ("dropbear", "dropbear-bin"), ("dropbearconvert", "dropbear-bin")


def _key(end: End, owner: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(end.secret(f"ssh {owner}"))


def _private(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + "\n"


async def _open(end: ClientEnd) -> ByteStream:
    key = await end.network.write("key", _private(_key(end, "client")))
    known = await end.network.write("known", f"origin {_public(_key(end, 'host'))}")
    options = {
        "BatchMode": "yes",
        "ExitOnForwardFailure": "yes",
        "GlobalKnownHostsFile": "none",
        "HostKeyAlias": "origin",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known,
    }
    argv = [program(*CLIENT), "-N", "-F", "none", "-i", key, "-p", str(PORT)]
    argv += ["-L", f"{LOOPBACK}:{LOCAL_PORT}:{LOOPBACK}:{PAGE_PORT}"]
    for name, value in options.items():
        argv += ["-o", f"{name}={value}"]
    await end.network.start("ssh", [*argv, f"root@{LOOPBACK}"])
    return await end.network.connect(LOOPBACK, LOCAL_PORT, "ssh")


async def _start(end: FarEnd) -> None:
    given = await end.network.write("host-key.openssh", _private(_key(end, "host")))
    key = f"{FOLDER}/host-key"
    await end.network.run(program(*CONVERTER), "openssh", "dropbear", given, key)
    await end.network.write("users/authorized_keys", _public(_key(end, "client")))
    # -s: no passwords; -k: nothing is forwarded from the server; -c: and no command but this one.
    argv = [program(*SERVER), "-F", "-E", "-s", "-k", "-c", "false", "-P", f"{FOLDER}/pid"]
    argv += ["-r", key, "-D", f"{FOLDER}/users", "-p", f"{LOOPBACK}:{PORT}"]
    await end.network.start("dropbear", argv)
    (await end.network.connect(LOOPBACK, PORT, "dropbear")).close()


SSH = Tunnel(
    name="ssh",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=(CLIENT,),
    server_programs=(SERVER, CONVERTER),
)
