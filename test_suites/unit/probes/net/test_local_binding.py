"""Where packets leave from: bound addresses and devices, and what cannot be bound."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from harness.errors import UsageError
from probes.net.local_binding import LocalBinding, check_binding, local_address, open_socket

TCP = socket.SOCK_STREAM


def test_an_address_is_bound() -> None:
    with open_socket("127.0.0.1", TCP, LocalBinding(address="127.0.0.5")) as sock:
        assert sock.getsockname()[0] == "127.0.0.5"
        assert sock.gettimeout() == 0


def test_our_own_address_is_the_one_that_packets_leave_from() -> None:
    assert "127.0.0.1" == local_address("127.0.0.1")
    assert "127.0.0.5" == local_address("127.0.0.1", LocalBinding(address="127.0.0.5"))


def test_any_source_is_left_to_the_routes() -> None:
    with open_socket("::1", TCP) as sock:
        assert (sock.family, sock.getsockname()[0]) == (socket.AF_INET6, "::")


def test_another_family_is_our_own_trouble() -> None:
    with pytest.raises(OSError, match="other family") as caught:
        open_socket("::1", TCP, LocalBinding(address="127.0.0.1"))

    assert caught.value.errno == errno.EAFNOSUPPORT


def test_a_mapped_address_is_reached_from_a_source_of_ipv4() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with open_socket("::ffff:127.0.0.1", TCP, LocalBinding(address="127.0.0.5")) as sock:
            sock.settimeout(10)
            sock.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
            accepted, peer = server.accept()
        accepted.close()

    assert peer[0] == "127.0.0.5"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (LocalBinding(address="192.0.2.77"), "no interface of this machine has that address"),
        (LocalBinding(device="nothing0"), "this machine has no such device"),
    ],
)
def test_what_cannot_be_bound_says_so(source: LocalBinding, says: str) -> None:
    with pytest.raises(UsageError, match=f"line 'x': cannot send from .*: {says}"):
        check_binding(source, "line 'x'")


def test_a_socket_is_made_inside_its_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []

    def enter(namespace: str, make: Any) -> Any:
        entered.append(namespace)
        return make()

    monkeypatch.setattr("probes.net.local_binding.run_in_namespace", enter)
    with open_socket("127.0.0.1", TCP, LocalBinding(address="127.0.0.5", netns="site")) as sock:
        assert ("127.0.0.5", ["site"]) == (sock.getsockname()[0], entered)


def test_a_namespace_that_cannot_be_entered_is_said_first() -> None:
    with pytest.raises(UsageError, match=r"^line 'x': cannot enter 'accredit-nowhere': "):
        check_binding(LocalBinding(device="nothing0", netns="accredit-nowhere"), "line 'x'")


def test_a_device_without_the_right_to_it_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Denied(socket.socket):
        def setsockopt(self, *_: Any) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("probes.net.local_binding.socket.socket", Denied)
    with pytest.raises(UsageError, match=r"CAP_NET_RAW capability; run as root, or use 'address'"):
        check_binding(LocalBinding(device="lo"), "line 'x'")
