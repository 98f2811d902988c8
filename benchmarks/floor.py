"""A minimal client in Python, as a lower limit of the cost of any client.

It handles no errors, measures no times and records nothing.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import httptools

from benchmarks.engines import LOOPBACK, WARM_UP, Found, paths
from harness.measure.event_loop import infrequent_garbage_collection

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class _Answer:
    is_whole = False

    def on_message_complete(self) -> None:
        self.is_whole = True


async def barest(port: int, count: int, concurrency: int) -> Found:
    """Raw sockets on epoll, parsed by httptools, a new connection for each URL."""
    _fetch(port, [f"warm{n}" for n in range(WARM_UP)], concurrency)
    with infrequent_garbage_collection():
        yield {}
        yield {"answered": _fetch(port, paths(count, 0), concurrency)}


def _fetch(port: int, wanted: list[str], concurrency: int) -> int:
    """Fetch all of them, so many at a time; how many came."""
    answered, waiting, buffer = 0, iter(wanted), bytearray(65536)
    open_ones: dict[int, socket.SocketType] = {}
    unasked: dict[int, str] = {}
    with select.epoll() as epoll:

        def begin(paths: Iterator[str]) -> None:
            for path in paths:
                sock = socket.SocketType(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                sock.connect_ex((LOOPBACK, port))
                open_ones[sock.fileno()], unasked[sock.fileno()] = sock, path
                epoll.register(sock.fileno(), EVENTS)
                return

        for _ in range(concurrency):
            begin(waiting)
        while open_ones:
            for descriptor, _ in epoll.poll():
                sock = open_ones[descriptor]
                if path := unasked.pop(descriptor, ""):
                    head = f"GET /{path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n"
                    sock.send(head.encode())
                    continue
                answer = _Answer()
                parser = httptools.HttpResponseParser(answer)
                parser.feed_data(memoryview(buffer)[: sock.recv_into(buffer)])
                answered += answer.is_whole and parser.get_status_code() == 200
                del open_ones[descriptor]
                sock.close()
                begin(waiting)
    return answered
