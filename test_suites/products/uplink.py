"""The supplier's way to the internet: a tunnel to the canary origin, whatever the host.

Squid sends CONNECT to an ``originserver`` peer only where the peer's port equals the one that
the client asked for, and nobody but root may listen on 443. So tunnels take this way instead.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

from harness.ports.network import Origin
from test_suites.kit.processes.product import LOOPBACK

CHUNK = 65536


class _Tunnel(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline(CHUNK).split()
        while self.rfile.readline(CHUNK).strip():
            pass
        if len(line) != 3 or line[0] != b"CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        asked = int(line[1].rpartition(b":")[2])
        place = (self.server.origin.address, self.server.origin.ports.get(asked, asked))
        try:
            far = socket.create_connection(place, timeout=5)
        except OSError:
            self.wfile.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        with far:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _carry(self.connection, far)


def _carry(near: socket.socket, far: socket.socket) -> None:
    """Pass bytes both ways until one end closes."""
    other = {near: far, far: near}
    while True:
        for ready in select.select([near, far], [], [])[0]:
            try:
                chunk = ready.recv(CHUNK)
                other[ready].sendall(chunk)
            except OSError:
                return
            if not chunk:
                return


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        super().__init__((LOOPBACK, 0), _Tunnel)


class Uplink:
    """A tunnel-only proxy on loopback; ``port`` is where it listens."""

    def __init__(self, origin: Origin) -> None:
        self._server = _Server(origin)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
