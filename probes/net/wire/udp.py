"""A UDP socket shared by many DNS questions, each with its own id.

Port and ids are random; each id is used once, and when all are used a new socket takes over
(RFC 5452 section 9.2: neither may be predictable). There are few enough ids that all answers fit
into the socket's receive buffer. Questions are sent together once per loop iteration: waking the
server's process for each one would cost the sender CPU time.

An ICMP error is attributed to the question that it quotes or, if it quotes too little, to the only
pending question.
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
"""Larger than the advertised EDNS payload; a longer datagram is truncated and then not parsed."""

QUESTIONS = 64
"""Number of questions per socket."""


class Datagram(msgspec.Struct, frozen=True):
    """A received datagram, and the seconds between the question and its reading."""

    wire: bytes
    took: float


class PendingQuestion(msgspec.Struct, eq=False):
    """A question without an answer yet; ``due`` and ``sent`` are perf_counter times."""

    udp: UdpSocket
    id: bytes
    query: Query
    due: float
    answer: asyncio.Future[Datagram]
    sent: float = 0.0


class UdpSocket:
    """A connected UDP socket: ``ids`` not used yet, and ``waiting`` questions by id."""

    def __init__(
        self, address: Address, binding: LocalBinding = UNBOUND, questions: int = QUESTIONS
    ) -> None:
        """Open the socket. Raises OSError, also if it cannot be bound to ``binding``."""
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
        """The descriptor; call ``read_datagrams`` when it is readable or has an error."""
        return self._sock.fileno()

    def ask(self, query: Query, due: float) -> PendingQuestion:
        """Send a question in the next loop iteration; an OSError is set on its answer."""
        pending = PendingQuestion(self, self.ids.pop(), query, due, self._loop.create_future())
        if not self._outbox:
            self._loop.call_soon(self._send_all)
        self._outbox.append(pending)
        self.waiting[pending.id] = pending
        return pending

    def read_datagrams(self) -> None:
        """Read all received datagrams and ICMP errors."""
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
            # The socket is readable but empty: an ICMP error is queued (IP_RECVERR).
            self._read_error_queue()

    def forget(self, pending: PendingQuestion) -> None:
        """Remove a question: its answer is no longer awaited."""
        self.waiting.pop(pending.id, None)

    def expire(self, now: float) -> None:
        """Fail overdue questions with TimeoutError."""
        for pending in [question for question in self.waiting.values() if question.due <= now]:
            self._fail(pending, TimeoutError())

    def close(self) -> None:
        """Close the socket; pending questions stay unresolved."""
        self._outbox.clear()
        self._sock.close()

    def _send_all(self) -> None:
        """Send the questions of the last loop iteration together."""
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
            # The send buffer has no room for one datagram: a local failure.
            self._fail(pending, OSError(errno.ENOBUFS, ""))
            return
        # The kernel reported the error of an earlier question instead of sending this one.
        self._read_error_queue()
        try:
            self._sock.send(pending.id + pending.query.rest)
        except OSError as second_error:
            self._fail(pending, second_error)

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
        ids.update(drawn[offset : offset + 2] for offset in range(0, 2 * count, 2))
    return list(ids)[:count]


def _answers(received: bytes, pending: PendingQuestion) -> bool:
    """Whether an unusual datagram with the question's id counts as its answer.

    An unparsable one does (the server misbehaves); one with another question does not: it may be
    a spoofing attempt (RFC 5452).
    """
    try:
        message = dns.message.from_wire(received, ignore_trailing=True)
    except dns.exception.DNSException:
        return True
    return dns.message.from_wire(pending.id + pending.query.rest).is_response(message)
