"""The socket of ``accredit serve``: what is sent goes out at once, and a taken port is told."""

from __future__ import annotations

import socket

import pytest

from harness.cli.serve import listening, shown_address
from harness.errors import UsageError


def test_connections_send_without_waiting_for_the_other_side() -> None:
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_named() -> None:
    with (
        listening("127.0.0.1", 0) as listener,
        pytest.raises(UsageError, match=f"{shown_address(listener)}: cannot listen here"),
        listening(*listener.getsockname()),
    ):
        pass
