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

from probes.net.local_binding import UNBOUND, LocalBinding, open_socket
from probes.net.route import Address
from probes.net.wire.dns_codec import Query, repeats
from probes.net.wire.reactor import IcmpError, read_icmp_error, set_error_queue

READ_BYTES = 4096
"""More than the payload that is asked for; a longer datagram is read in part, and is odd."""

QUESTIONS = 64
"""How many questions a socket asks in its life."""


class Datagram(msgspec.Struct, frozen=True):
    """A datagram, and how many seconds after the question it was read."""

    wire: bytes
    took: float


class PendingQuestion(msgspec.Struct, eq=False):
    """A question that waits until ``due``; it was ``sent`` when (perf_counter's clock)."""

    udp: UdpSocket
    id: bytes
    query: Query
    due: float
    answer: asyncio.Future[Datagram]
    sent: float = 0.0


class UdpSocket:
    """A connected UDP socket with ``ids`` left to ask with, and those who wait by their id."""

    def __init__(
        self, address: Address, binding: LocalBinding = UNBOUND, questions: int = QUESTIONS
    ) -> None:
        """Raise OSError: no socket may be had, or none may leave from ``binding``."""
        self._loop = asyncio.get_running_loop()
        self.ids = _draw(questions)
        self.waiting: dict[bytes, PendingQuestion] = {}
        self._outbox: list[PendingQuestion] = []
        self._sock = sock = open_socket(address.host, socket.SOCK_DGRAM, binding)
        try:
            set_error_queue(sock, address.host)
            sock.connect((address.host, address.port))
        except BaseException:
            sock.close()
            raise

    def fileno(self) -> int:
        """The socket's descriptor; ``read_datagrams`` is due when it may be read, or has an error."""
        return self._sock.fileno()

    def ask(self, query: Query, due: float) -> PendingQuestion:
        """Send a question before the loop's next turn ends; OSError is then in its answer."""
        pending = PendingQuestion(self, self.ids.pop(), query, due, self._loop.create_future())
        if not self._outbox:
            self._loop.call_soon(self._send_all)
        self._outbox.append(pending)
        self.waiting[pending.id] = pending
        return pending

    def read_datagrams(self) -> None:
        """Read all that has come."""
        recv, waiting = self._sock.recv, self.waiting
        received = b""
        while True:
            try:
                received = recv(READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self._read_error_queue()
                continue
            pending = waiting.get(received[:2])
            if pending is not None and (
                repeats(received, pending.query.section) or _answers(received, pending)
            ):
                del waiting[pending.id]
                if not pending.answer.done():
                    pending.answer.set_result(Datagram(received, perf_counter() - pending.sent))
        if not received:
            # Woken for nothing to read: then there are complaints, of which a send took the sign.
            self._read_error_queue()

    def forget(self, pending: PendingQuestion) -> None:
        """Nobody waits for it any more."""
        self.waiting.pop(pending.id, None)

    def expire(self, now: float) -> None:
        """End those who have waited long enough, with TimeoutError."""
        for pending in [each for each in self.waiting.values() if each.due <= now]:
            self._fail(pending, TimeoutError())

    def close(self) -> None:
        """Close the socket. Whoever still waits is not told."""
        self._outbox.clear()
        self._sock.close()

    def _send_all(self) -> None:
        """Send what the last turn asked for: in one go, or the server falls asleep in between."""
        outbox, self._outbox = self._outbox, []
        send = self._sock.send
        for pending in outbox:
            if pending.id not in self.waiting:
                continue
            pending.sent = perf_counter()
            try:
                send(pending.id + pending.query.rest)
            except OSError as error:
                self._send_again(pending, error)

    def _send_again(self, pending: PendingQuestion, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            # No room for one datagram: the trouble is in this machine's buffers.
            self._fail(pending, OSError(errno.ENOBUFS, ""))
            return
        # The kernel gave us the error of an earlier question instead of sending this one.
        self._read_error_queue()
        try:
            self._sock.send(pending.id + pending.query.rest)
        except OSError as own:
            self._fail(pending, own)

    def _read_error_queue(self) -> None:
        while (icmp_error := read_icmp_error(self._sock)) is not None:
            pending = self._question_for(icmp_error)
            if pending is not None:
                detail = icmp_error.icmp or errno.errorcode.get(icmp_error.code, "")
                self._fail(pending, OSError(icmp_error.code, detail))

    def _question_for(self, icmp_error: IcmpError) -> PendingQuestion | None:
        if len(icmp_error.quoted) > 1:
            return self.waiting.get(icmp_error.quoted[:2])
        return next(iter(self.waiting.values())) if len(self.waiting) == 1 else None

    def _fail(self, pending: PendingQuestion, error: Exception) -> None:
        self.forget(pending)
        if not pending.answer.done():
            pending.answer.set_exception(error)


def _draw(count: int) -> list[bytes]:
    """So many ids, all different, in no order."""
    ids: set[bytes] = set()
    while len(ids) < count:
        drawn = os.urandom(2 * count)
        ids.update(drawn[place : place + 2] for place in range(0, 2 * count, 2))
    return list(ids)[:count]


def _answers(received: bytes, pending: PendingQuestion) -> bool:
    """Whether an uncommon datagram with the question's id answers it; nonsense does.

    A datagram of another question is a stray, or somebody's guess (RFC 5452).
    """
    try:
        message = dns.message.from_wire(received, ignore_trailing=True)
    except dns.exception.DNSException:
        return True
    return dns.message.from_wire(pending.id + pending.query.rest).is_response(message)
