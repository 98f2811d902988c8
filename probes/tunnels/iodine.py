"""iodine: packets of IP inside DNS, in questions below a zone that the far end answers."""

from __future__ import annotations

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, program
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel

PORT = 53
CLIENT, SERVER = ("iodine", "iodine"), ("iodined", "iodine")
FAR_ADDRESS = "10.7.0.1"


def _zone(zone: str) -> str:
    return f"i.{zone}"


def _password(end: End) -> dict[str, str]:
    """Return the password in the variable by which iodine takes it; its first 32 letters count."""
    return {
        "IODINE_PASS": end.secret("iodine").hex()[:32],
        "IODINED_PASS": end.secret("iodine").hex()[:32],
    }


async def _open(end: ClientEnd) -> ByteStream:
    # -r: not by UDP beside DNS; -m: a size of fragments that needs no search.
    argv = [program(*CLIENT), "-f", "-r", "-m", "500", "-T", "TXT", "-d", "dns0"]
    argv += [LOOPBACK, _zone(end.zone)]
    await end.network.start("iodine", argv, _password(end))
    return await end.network.connect(FAR_ADDRESS, PAGE_PORT, "iodine")


async def _start(end: FarEnd) -> None:
    argv = [program(*SERVER), "-f", "-c", "-l", LOOPBACK, "-p", str(PORT), "-d", "dns0"]
    await end.network.start(
        "iodined", [*argv, f"{FAR_ADDRESS}/24", _zone(end.zone)], _password(end)
    )
    await end.network.wait_for_log("iodined", "Listening to dns")


IODINE = Tunnel(
    name="iodine",
    over="udp",
    ports=(PORT,),
    open=_open,
    start=_start,
    client_programs=(CLIENT,),
    server_programs=(SERVER,),
)
