"""Places where nothing answers: a closed port, a black hole, and a full house."""

from __future__ import annotations

import socket
from typing import Self

from probes.range.zone import ADDRESS

GUESTS = 3
"""Connections that fill a queue of length 0: the kernel takes one more than it says."""


def closed_port() -> int:
    """A loopback port on which nothing listens: connections to it are refused."""
    with socket.socket() as briefly:
        briefly.bind((ADDRESS, 0))
        return int(briefly.getsockname()[1])


class BlackHole:
    """A port that takes connections and datagrams and never answers; a context manager."""

    def __enter__(self) -> Self:
        self._tcp = socket.socket()
        self._tcp.bind((ADDRESS, 0))
        self._tcp.listen(1024)
        self.port = int(self._tcp.getsockname()[1])
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.bind((ADDRESS, self.port))
        return self

    def __exit__(self, *exc: object) -> None:
        self._tcp.close()
        self._udp.close()


class FullHouse:
    """A port whose queue is full, so that SYNs to it are dropped (Linux); a context manager."""

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)

    def __enter__(self) -> Self:
        self._door = socket.socket()
        self._door.bind(self._place)
        self._door.listen(0)
        self._guests = [socket.socket() for _ in range(GUESTS)]
        for guest in self._guests:
            guest.settimeout(0)
            guest.connect_ex(self._place)
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (*self._guests, self._door):
            sock.close()
