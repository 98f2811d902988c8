"""One UDP socket that many questions share, each with an id of its own.

The kernel draws the port, this machine's randomness the ids; an id is used once, and when all
are used another socket takes over (RFC 5452 section 9.2: neither may be guessed). They are so
few that all their answers fit into the kernel's buffer. Questions leave together, once a turn of
the loop: a server that falls asleep between them costs the sender its waking.

A message of ICMP is held against the question that it quotes, or, where it quotes too little,
against the only one there is.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from time import perf_counter

import dns.exception
import dns.message
import msgspec

from probes.net.local_binding import ANYWHERE, Source, open_socket
from probes.net.route import Address
from probes.net.wire.dns_codec import Query, repeats
from probes.net.wire.reactor import Complaint, keep_complaints, read_complaint

READ_BYTES = 4096
"""More than the payload that is asked for; a longer datagram is read in part, and is odd."""

QUESTIONS = 64
"""How many questions a socket asks in its life."""


class Heard(msgspec.Struct, frozen=True):
    """A datagram, and how many seconds after the question it was read."""

    wire: bytes
    took: float


class Asked(msgspec.Struct, eq=False):
    """A question that waits until ``due``; it was ``sent`` when (perf_counter's clock)."""

    udp: Udp
    id: bytes
    query: Query
    due: float
    heard: asyncio.Future[Heard]
    sent: float = 0.0


class Udp:
    """A connected UDP socket with ``ids`` left to ask with, and those who wait by their id."""

    def __init__(
        self, address: Address, source: Source = ANYWHERE, questions: int = QUESTIONS
    ) -> None:
        """Raise OSError: no socket may be had, or none may leave from ``source``."""
        self._loop = asyncio.get_running_loop()
        self.ids = _draw(questions)
        self.waiting: dict[bytes, Asked] = {}
        self._outbox: list[Asked] = []
        self._sock = sock = open_socket(address.host, socket.SOCK_DGRAM, source)
        try:
            keep_complaints(sock, address.host)
            sock.connect((address.host, address.port))
        except BaseException:
            sock.close()
            raise

    def fileno(self) -> int:
        """The socket's descriptor; ``hear`` is due when it may be read, or has an error."""
        return self._sock.fileno()

    def ask(self, query: Query, due: float) -> Asked:
        """Send a question before the loop's next turn ends; OSError is then in its answer."""
        asked = Asked(self, self.ids.pop(), query, due, self._loop.create_future())
        if not self._outbox:
            self._loop.call_soon(self._send_all)
        self._outbox.append(asked)
        self.waiting[asked.id] = asked
        return asked

    def hear(self) -> None:
        """Read all that has come."""
        recv, waiting = self._sock.recv, self.waiting
        received = b""
        while True:
            try:
                received = recv(READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self._hear_complaints()
                continue
            asked = waiting.get(received[:2])
            if asked is not None and (
                repeats(received, asked.query.asked) or _answers(received, asked)
            ):
                del waiting[asked.id]
                if not asked.heard.done():
                    asked.heard.set_result(Heard(received, perf_counter() - asked.sent))
        if not received:
            # Woken for nothing to read: then there are complaints, of which a send took the sign.
            self._hear_complaints()

    def forget(self, asked: Asked) -> None:
        """Nobody waits for it any more."""
        self.waiting.pop(asked.id, None)

    def expire(self, now: float) -> None:
        """End those who have waited long enough, with TimeoutError."""
        for asked in [each for each in self.waiting.values() if each.due <= now]:
            self._fail(asked, TimeoutError())

    def close(self) -> None:
        """Close the socket. Whoever still waits is not told."""
        self._outbox.clear()
        self._sock.close()

    def _send_all(self) -> None:
        """Send what the last turn asked for: in one go, or the server falls asleep in between."""
        outbox, self._outbox = self._outbox, []
        send = self._sock.send
        for asked in outbox:
            if asked.id not in self.waiting:
                continue
            asked.sent = perf_counter()
            try:
                send(asked.id + asked.query.rest)
            except OSError as error:
                self._send_again(asked, error)

    def _send_again(self, asked: Asked, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            # No room for one datagram: the trouble is in this machine's buffers.
            self._fail(asked, OSError(errno.ENOBUFS, ""))
            return
        # The kernel gave us the error of an earlier question instead of sending this one.
        self._hear_complaints()
        try:
            self._sock.send(asked.id + asked.query.rest)
        except OSError as own:
            self._fail(asked, own)

    def _hear_complaints(self) -> None:
        while (complaint := read_complaint(self._sock)) is not None:
            asked = self._blamed(complaint)
            if asked is not None:
                detail = complaint.icmp or errno.errorcode.get(complaint.code, "")
                self._fail(asked, OSError(complaint.code, detail))

    def _blamed(self, complaint: Complaint) -> Asked | None:
        if len(complaint.quoted) > 1:
            return self.waiting.get(complaint.quoted[:2])
        return next(iter(self.waiting.values())) if len(self.waiting) == 1 else None

    def _fail(self, asked: Asked, error: Exception) -> None:
        self.forget(asked)
        if not asked.heard.done():
            asked.heard.set_exception(error)


def _draw(count: int) -> list[bytes]:
    """So many ids, all different, in no order."""
    ids: set[bytes] = set()
    while len(ids) < count:
        drawn = os.urandom(2 * count)
        ids.update(drawn[place : place + 2] for place in range(0, 2 * count, 2))
    return list(ids)[:count]


def _answers(received: bytes, asked: Asked) -> bool:
    """Whether an uncommon datagram with the question's id answers it; nonsense does.

    A datagram of another question is a stray, or somebody's guess (RFC 5452).
    """
    try:
        message = dns.message.from_wire(received, ignore_trailing=True)
    except dns.exception.DNSException:
        return True
    return dns.message.from_wire(asked.id + asked.query.rest).is_response(message)
