"""A closed port refuses; a black hole takes all and answers nothing."""

from __future__ import annotations

import socket

import pytest

from probes.range.gateway import BlackHole, FullBacklog, closed_port


def test_a_closed_port_refuses() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port()), timeout=5)


def test_a_black_hole_takes_everything_and_says_nothing() -> None:
    with BlackHole() as hole:
        with socket.create_connection(("127.0.0.1", hole.port), timeout=5) as stream:
            stream.settimeout(0.05)
            stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TimeoutError):
                stream.recv(1)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(0.05)
            datagrams.sendto(b"question", ("127.0.0.1", hole.port))
            with pytest.raises(TimeoutError):
                datagrams.recv(1)


def test_after_a_black_hole_its_port_is_closed() -> None:
    with BlackHole() as hole:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", hole.port), timeout=5)


def test_a_full_house_lets_nobody_in() -> None:
    port = closed_port()
    with FullBacklog("127.0.0.1", port), pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), timeout=0.05)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
