"""Ask one name server over shared UDP sockets, with our own DNS codec.

After a truncated answer (TC) the question is repeated over a persistent connection; servers with
transport TCP, TLS or HTTPS are asked over one from the start. Unusual names and messages are left
to dnspython.

After a timeout, the name is next asked from a new port and without mixed case: a filter that drops
a whole flow must not cause timeouts of other names, nor a middlebox that drops mixed-case names.
"""

from __future__ import annotations

import asyncio
import select
from time import perf_counter

import dns.message
from msgspec.structs import replace

from harness.model.facts import DnsFacts
from harness.model.observation import Timings
from harness.ports.network import Answer, Question
from probes.net.dns_server import DnsServer, Transport
from probes.net.portable.name_resolver import Resolver, name_failure, read_message, read_reply
from probes.net.wire.dns_codec import (
    Query,
    is_truncated,
    mix_query,
    read_answer,
    repeats,
    write_query,
)
from probes.net.wire.udp import QUESTIONS, Datagram, PendingQuestion, UdpSocket

MIN_PATIENCE = 0.001
MAX_SILENT_NAMES = 65536
TICK = 0.02
"""Interval of timeout checks in seconds; a timer per question would cost 10 % more CPU time."""


class DnsClient:
    """Asks one name server until it is closed.

    Polls its sockets with its own epoll, which the loop watches: libuv stops watching a socket
    after the first ICMP error.
    """

    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self._name = str(server)
        self._resolver = Resolver(server)
        self._loop = asyncio.get_running_loop()
        self._udp: UdpSocket | None = None
        self._open: dict[int, UdpSocket] = {}
        self._silent: dict[str, bool] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._poll)

    async def ask(self, question: Question) -> Answer:
        """Ask one question; timeouts and network errors are in the Answer's failure."""
        started = perf_counter()
        plain = write_query(question.name, question.type) if question.form is None else None
        if plain is None:
            return await self._resolver.ask(question)
        if self.server.transport != "udp":
            return await self._ask_over_stream(question, plain, started, self.server.transport)
        due = started + question.timeout
        case_lost = False
        try:
            pending = self._send(question.name, plain, due)
            try:
                answer = await pending.answer
            except asyncio.CancelledError:
                pending.udp.forget(pending)
                raise
            except TimeoutError:
                self._abandon_socket(pending.udp, question.name)
                raise
            if pending.query is not plain and not repeats(answer.wire, pending.query.section):
                case_lost = True
                answer = await self._ask_as_written(plain, answer, due)
            if is_truncated(answer.wire, plain.section):
                return await self._ask_over_stream(question, plain, started, "tcp")
            facts = self._read(answer.wire, plain if case_lost else pending.query, question)
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the answer
            return self._failed(error, question, started)
        if case_lost:
            facts = replace(facts, case_lost=True)
        return Answer(facts=facts, timings=Timings(total=answer.took))

    def close(self) -> None:
        """Close every socket; pending questions are ended by the tasks that await them."""
        if self._timer is not None:
            self._timer.cancel()
        self._resolver.pool.close()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        for udp in self._open.values():
            udp.close()
        self._open.clear()
        self._udp = None

    async def _ask_as_written(self, query: Query, first: Datagram, due: float) -> Datagram:
        """Ask again without mixed case; if that gets no answer, return the first one."""
        now = perf_counter()
        udp = self._open_socket(questions=1)
        self._start_timer()
        pending = udp.ask(query, now + (due - now) / 2)
        try:
            answer = await pending.answer
        except asyncio.CancelledError:
            udp.forget(pending)
            raise
        except OSError:
            return first
        return Datagram(answer.wire, first.took + answer.took)

    async def _ask_over_stream(
        self, question: Question, query: Query, started: float, transport: Transport
    ) -> Answer:
        """Ask over a persistent connection."""
        remaining = max(started + question.timeout - perf_counter(), MIN_PATIENCE)
        try:
            async with asyncio.timeout(remaining):
                wire = await self._resolver.pool.ask(
                    query.rest, own_connection=self._silent.pop(question.name, False)
                )
            facts = self._read(wire, query, question, transport)
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the answer
            if isinstance(error, TimeoutError):
                self._note_silence(question.name)
            return self._failed(error, question, started)
        return Answer(facts=facts, timings=Timings(total=perf_counter() - started))

    def _read(
        self, wire: bytes, query: Query, question: Question, transport: Transport = "udp"
    ) -> DnsFacts:
        facts = None
        if repeats(wire, query.section):
            facts = read_answer(wire, query, question, self._name, transport)
        if facts is None:
            reply = read_reply(wire, dns.message.from_wire(wire[:2] + query.rest))
            facts = read_message(reply, question, self.server, transport)
        return facts

    def _failed(self, error: Exception, question: Question, started: float) -> Answer:
        nothing = DnsFacts(name=question.name, type=question.type, server=self._name)
        took = Timings(total=perf_counter() - started)
        return Answer(facts=nothing, timings=took, failure=name_failure(error))

    def _send(self, name: str, query: Query, due: float) -> PendingQuestion:
        """Send by the shared socket, or by a new one after an earlier timeout of the name."""
        self._start_timer()
        if self._silent.pop(name, False):
            return self._open_socket(questions=1).ask(query, due)
        if self._udp is None or not self._udp.ids:
            self._udp = self._open_socket(QUESTIONS)
        return self._udp.ask(mix_query(query) if self.server.mixed_case else query, due)

    def _open_socket(self, questions: int) -> UdpSocket:
        udp = UdpSocket(self.server.address, self.server.binding, questions)
        self._open[udp.fileno()] = udp
        self._epoll.register(udp.fileno(), select.EPOLLIN)
        return udp

    def _note_silence(self, name: str) -> None:
        if len(self._silent) < MAX_SILENT_NAMES:
            self._silent[name] = True

    def _abandon_socket(self, udp: UdpSocket, name: str) -> None:
        self._note_silence(name)
        udp.ids.clear()  # the flow may be blocked: use another socket for other names

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)

    def _poll(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            self._open[descriptor].read_datagrams()

    def _tick(self) -> None:
        """Fail overdue questions, and close unused sockets."""
        now = perf_counter()
        for udp in self._open.values():
            udp.expire(now)
        for descriptor, udp in list(self._open.items()):
            if not (udp.ids or udp.waiting):
                del self._open[descriptor]
                udp.close()
        waits = any(udp.waiting or not udp.ids for udp in self._open.values())
        self._timer = self._loop.call_later(TICK, self._tick) if waits else None
