"""Places where nothing answers: a closed port, and a black hole."""

from __future__ import annotations

import socket
from typing import Self

from probes.range.zone import ADDRESS


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
