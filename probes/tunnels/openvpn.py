"""OpenVPN, over TCP port 443 or UDP port 1194; its ends know each other's certificates.

The control channel is that of every OpenVPN: a handshake of TLS in packets of its own. Certificates
are pinned by their digests (option ``peer-fingerprint``, OpenVPN 2.6).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, program
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Over, Tunnel

PROGRAM = ("openvpn", "openvpn")
TCP_PORT, UDP_PORT = 443, 1194
FAR_ADDRESS = "10.8.0.1"
STARTED = "Initialization Sequence Completed"

USES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
VALID = datetime(2024, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""The certificates are the same each time, so that each end knows that of the other."""


def _identity(end: End, owner: str) -> tuple[str, x509.Certificate]:
    """Return the private key of an owner as PEM, and its certificate."""
    key = Ed25519PrivateKey.from_private_bytes(end.secret(f"openvpn {owner}"))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(VALID[0])
        .not_valid_after(VALID[1])
        .add_extension(x509.ExtendedKeyUsage([USES[owner]]), critical=False)
        .sign(key, None)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, certificate


def _configuration(end: End, own: str, other: str, lines: tuple[str, ...]) -> str:
    key, certificate = _identity(end, own)
    digest = _identity(end, other)[1].fingerprint(SHA256()).hex(":")
    pem = certificate.public_bytes(Encoding.PEM).decode()
    common = ("dev tun0", "dev-type tun", "topology subnet", f"peer-fingerprint {digest}")
    return "\n".join((*lines, *common, f"<cert>\n{pem}</cert>\n<key>\n{key}</key>\n"))


async def _open(end: ClientEnd, over: Over, port: int) -> ByteStream:
    protocol = "tcp-client" if over == "tcp" else "udp"
    lines = ("client", "nobind", f"proto {protocol}", f"remote {LOOPBACK} {port}")
    text = _configuration(end, "client", "server", (*lines, "connect-retry 1", "verb 3"))
    path = await end.network.write("client.conf", text)
    await end.network.start("openvpn", [program(*PROGRAM), "--config", path])
    return await end.network.connect(FAR_ADDRESS, PAGE_PORT, "openvpn")


async def _start(end: FarEnd, over: Over, port: int) -> None:
    protocol = "tcp-server" if over == "tcp" else "udp"
    addresses = ("server 10.8.0.0 255.255.255.0", "duplicate-cn")
    at = (f"local {LOOPBACK}", f"port {port}", f"proto {protocol}", "dh none", "verb 3")
    text = _configuration(end, "server", "client", (*addresses, *at))
    path = await end.network.write("server.conf", text)
    await end.network.start("openvpn", [program(*PROGRAM), "--config", path])
    await end.network.wait_for_log("openvpn", STARTED)


def _tunnel(over: Over, port: int) -> Tunnel:
    return Tunnel(
        name=f"openvpn-{over}",
        over=over,
        ports=(port,),
        open=partial(_open, over=over, port=port),
        start=partial(_start, over=over, port=port),
        client_programs=(PROGRAM,),
        server_programs=(PROGRAM,),
        inside_web=over == "tcp",
    )


OPENVPN_TCP, OPENVPN_UDP = _tunnel("tcp", TCP_PORT), _tunnel("udp", UDP_PORT)
