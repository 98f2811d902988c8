"""An origin that cannot listen, or read one of its files, says so in one sentence."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from probes.range import public_origin
from test_suites.kit.networks.public_origin import origin_in


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "CAP_NET_BIND_SERVICE"),
        (errno.EADDRINUSE, "another program uses it"),
        (errno.EADDRNOTAVAIL, "this machine has no such address"),
        (errno.ENOBUFS, "choose another address or port"),
    ],
)
async def test_a_port_that_cannot_be_bound_is_named_with_the_remedy(
    folder: Path,
    reports: list[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    remedy: str,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(public_origin, "bound_socket", refuse)
    with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1, TCP port .*{remedy}"):
        async with origin_in(folder, reports):
            pass


async def test_a_port_that_is_taken_after_the_first_look_is_one_sentence(
    folder: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origin_in(folder, reports)
    monkeypatch.setattr(public_origin, "check_ports", lambda _: None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", origin.settings.ports.https))
        other.listen()
        with pytest.raises(
            UsageError, match=r"cannot listen on 127\.0\.0\.1, ::1: Address already"
        ):
            async with origin:
                pass


async def test_a_port_in_use_is_found_by_address_and_protocol(
    folder: Path, reports: list[str]
) -> None:
    origin = origin_in(folder, reports)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", origin.settings.ports.dns))
        with pytest.raises(UsageError, match=rf"::1, UDP port {origin.settings.ports.dns}"):
            async with origin:
                pass


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("origin.key", lambda _: b"xyz", "not a key of 32 to 128 hexadecimal digits"),
        ("origin.key", lambda _: None, "the key cannot be read: No such file"),
        ("authority-key.pem", lambda _: b"", "no usable certificate and key"),
        ("authority-key.pem", lambda text: text[:200], "no usable certificate and key"),
    ],
)
def test_a_faulty_file_is_named(
    folder: Path,
    reports: list[str],
    name: str,
    spoil: Callable[[bytes], bytes | None],
    message: str,
) -> None:
    path = folder / name
    content = spoil(path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=f"{name}: {message}"):
        origin_in(folder, reports)
