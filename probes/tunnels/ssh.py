"""SSH (RFC 4254 section 7): OpenSSH forwards a port to the origin's pages.

Its server runs as an ordinary user that only its own namespaces know, and without privileges.
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
CLIENT, SERVER = ("ssh", "openssh-client"), ("sshd", "openssh-server")

USER, NUMBER = "pupil", 1000
USERS = f"{USER}:x:{NUMBER}:{NUMBER}::{FOLDER}:/bin/sh\n"
LOWEST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"

_SERVER_CONFIGURATION = f"""\
ListenAddress {LOOPBACK}:{PORT}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding local
AllowStreamLocalForwarding no
PermitOpen {LOOPBACK}:{PAGE_PORT}
PermitTTY no
X11Forwarding no
ForceCommand false
"""


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
    await end.network.start("ssh", [*argv, f"{USER}@{LOOPBACK}"])
    return await end.network.connect(LOOPBACK, LOCAL_PORT, "ssh")


async def _start(end: FarEnd) -> None:
    users = await end.network.write("passwd", USERS)
    await end.network.run("mount", "--bind", users, "/etc/passwd")
    await end.network.run("sh", "-c", f"echo 0 >{LOWEST_PORT}")
    key = await end.network.write("host-key", _private(_key(end, "host")))
    allowed = await end.network.write("allowed", _public(_key(end, "client")))
    lines = f"{_SERVER_CONFIGURATION}HostKey {key}\nAuthorizedKeysFile {allowed}\n"
    configuration = await end.network.write("sshd.conf", lines)
    as_user = [program("unshare", "util-linux"), "--user"]
    as_user += [f"--map-user={NUMBER}", f"--map-group={NUMBER}", "--"]
    await end.network.start("sshd", [*as_user, program(*SERVER), "-D", "-e", "-f", configuration])
    (await end.network.connect(LOOPBACK, PORT, "sshd")).close()


SSH = Tunnel(
    name="ssh",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=(CLIENT,),
    server_programs=(SERVER,),
)
