"""The transparent gateway decides by the Host line or the ClientHello, and seals as it was told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed, running

HOST = "drug-001.canary.accredit.test"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    policy = FilterPolicy(blocks=lambda *_: False)
    folder = tmp_path_factory.mktemp("gateway")
    with running(folder, policy=policy, profiles=("ks2",), gateway=True) as world:
        yield world


def port_of(world: RangeTestbed, port: int) -> int:
    """Where the gateway listens for clients of a port."""
    return int(world.origin.services["reference"]["gateway"]["ks2"][str(port)])


def get(world: RangeTestbed) -> bytes:
    """The whole answer to one plain request."""
    with socket.create_connection(("127.0.0.1", port_of(world, 80)), timeout=5) as client:
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(65536), b""))


def issuer_of(world: RangeTestbed, *authorities: Path) -> Any:
    """The issuer of the certificate that a client sees who trusts those authorities."""
    context = ssl.create_default_context(cafile=str(authorities[0]))
    for authority in authorities[1:]:
        context.load_verify_locations(authority)
    with (
        socket.create_connection(("127.0.0.1", port_of(world, 443)), timeout=5) as client,
        context.wrap_socket(client, server_hostname=HOST) as sealed,
    ):
        certificate = sealed.getpeercert()
        assert certificate is not None
        return certificate["issuer"]


def authorities(world: RangeTestbed) -> tuple[Path, Path]:
    """The origin's, and the gateway's own."""
    origin = Path(world.origin.authority)
    return origin, origin.parent / "gateway.pem"


def test_what_is_not_blocked_passes(world: RangeTestbed) -> None:
    assert get(world).startswith(b"HTTP/1.1 200")
    assert issuer_of(world, authorities(world)[0])


def test_a_block_of_plain_http_is_a_page(world: RangeTestbed) -> None:
    world.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=frozenset({HOST}), service="gateway"))

    assert get(world).startswith(b"HTTP/1.1 403")


def test_a_block_of_https_is_said_under_its_own_seal(world: RangeTestbed) -> None:
    theirs = issuer_of(world, authorities(world)[0])
    world.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=frozenset({HOST}), service="gateway"))

    with pytest.raises(ssl.SSLCertVerificationError):
        issuer_of(world, authorities(world)[0])
    assert theirs != issuer_of(world, *authorities(world))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (FaultKind.UNKNOWN_AUTHORITY, "certificate verify failed"),
        (FaultKind.WRONG_HOST, "Hostname mismatch"),
        (FaultKind.EXPIRED, "certificate has expired"),
    ],
)
def test_bad_seals_are_refused_by_clients(kind: FaultKind, said: str, world: RangeTestbed) -> None:
    world.faults.add(Fault(kind=kind, hosts=frozenset({HOST}), service="gateway"))

    with pytest.raises(ssl.SSLCertVerificationError, match=said):
        issuer_of(world, *authorities(world))


def test_an_alert_is_an_alert(world: RangeTestbed) -> None:
    world.faults.add(Fault(kind=FaultKind.ALERT, hosts=frozenset({HOST}), service="gateway"))

    with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        issuer_of(world, *authorities(world))


def test_a_reset_after_the_clienthello(world: RangeTestbed) -> None:
    world.faults.add(Fault(kind=FaultKind.RESET, hosts=frozenset({HOST}), service="gateway"))

    with pytest.raises(ConnectionResetError):
        issuer_of(world, *authorities(world))


def test_what_is_no_tls_is_closed(world: RangeTestbed) -> None:
    with socket.create_connection(("127.0.0.1", port_of(world, 443)), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")

        assert b"" == client.recv(100)
