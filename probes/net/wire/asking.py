"""Asks one name server over shared sockets: one datagram out, one back, read by hand.

A cut answer (TC), an odd name or message, and a server that wants TCP or TLS go to the portable
resolver, which takes its time. A name that was once met with silence is asked from a port of its
own, and as it is written: a filter that cuts off a whole flow must not be heard in the silence of
its neighbours, nor a box that cannot bear mixed case in any.
"""

from __future__ import annotations

import asyncio
import select
from time import perf_counter

import dns.message
from msgspec.structs import replace

from harness.model.observation import DnsFacts, Timings
from harness.ports.asking import Answer, Question
from probes.net.portable.resolver import Resolver, name_failure, read_message
from probes.net.server import Server
from probes.net.wire.message import Query, is_cut, mix_query, read_answer, repeats, write_query
from probes.net.wire.udp import QUESTIONS, Asked, Heard, Udp

LEAST_PATIENCE = 0.001
SILENT_KEPT = 65536
TICK = 0.02
"""Seconds between two looks at what is overdue: a timer a question would cost a tenth of it."""


class Asker:
    """Asks one server until it is closed.

    Its epoll is one more descriptor of the loop's: libuv would stop to watch a socket at the
    first ICMP message.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._name = str(server)
        self._resolver = Resolver(server)
        self._loop = asyncio.get_running_loop()
        self._udp: Udp | None = None
        self._open: dict[int, Udp] = {}
        self._silent: dict[str, None] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._turn)

    async def ask(self, question: Question) -> Answer:
        """Ask one question; silence and trouble on the way are in the Answer's failure."""
        started = perf_counter()
        plain = write_query(question.name, question.type)
        if plain is None or self.server.transport != "udp":
            return await self._resolver.ask(question)
        due = started + question.timeout
        case_lost = False
        try:
            asked = self._send(question.name, plain, due)
            try:
                heard = await asked.heard
            except asyncio.CancelledError:
                asked.udp.forget(asked)
                raise
            except TimeoutError:
                self._met_silence(asked.udp, question.name)
                raise
            if asked.query is not plain and not repeats(heard.wire, asked.query.asked):
                case_lost = True
                heard = await self._ask_as_written(plain, heard, due)
            if is_cut(heard.wire):
                return await self._ask_stream(question, started)
            facts = read_answer(heard.wire, plain, question, self._name)
            if facts is None:
                message = dns.message.from_wire(heard.wire, ignore_trailing=True)
                facts = read_message(message, question, self.server)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the answer
            failure = name_failure(error)
            nothing = DnsFacts(name=question.name, type=question.type, server=self._name)
            took = Timings(total=perf_counter() - started)
            return Answer(facts=nothing, timings=took, failure=failure)
        if case_lost:
            facts = replace(facts, case_lost=True)
        return Answer(facts=facts, timings=Timings(total=heard.took))

    def close(self) -> None:
        """Close every socket; questions under way belong to their tasks."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        for udp in self._open.values():
            udp.close()
        self._open.clear()
        self._udp = None

    async def _ask_as_written(self, query: Query, first: Heard, due: float) -> Heard:
        """Ask again without mixed case; without an answer to that, the first one counts."""
        now = perf_counter()
        udp = self._open_one(questions=1)
        asked = udp.ask(query, now + (due - now) / 2)
        try:
            heard = await asked.heard
        except asyncio.CancelledError:
            udp.forget(asked)
            raise
        except OSError:
            return first
        return Heard(heard.wire, first.took + heard.took)

    async def _ask_stream(self, question: Question, started: float) -> Answer:
        left = max(started + question.timeout - perf_counter(), LEAST_PATIENCE)
        answer = await self._resolver.ask(replace(question, timeout=left))
        return replace(answer, timings=Timings(total=perf_counter() - started))

    def _send(self, name: str, query: Query, due: float) -> Asked:
        """Ask by the shared socket, or by one of its own."""
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK, self._tick)
        if name in self._silent:
            del self._silent[name]
            return self._open_one(questions=1).ask(query, due)
        if self._udp is None or not self._udp.ids:
            self._udp = self._open_one(QUESTIONS)
        return self._udp.ask(mix_query(query) if self.server.mixed_case else query, due)

    def _open_one(self, questions: int) -> Udp:
        udp = Udp(self.server.address, self.server.source, questions)
        self._open[udp.fileno()] = udp
        self._epoll.register(udp.fileno(), select.EPOLLIN)
        return udp

    def _met_silence(self, udp: Udp, name: str) -> None:
        if len(self._silent) < SILENT_KEPT:
            self._silent[name] = None
        udp.ids.clear()  # whatever cut this flow off, others shall not wait in it

    def _turn(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            self._open[descriptor].hear()

    def _tick(self) -> None:
        """End what is overdue, and close the sockets that nobody needs any more."""
        now = perf_counter()
        for udp in self._open.values():
            udp.expire(now)
        for descriptor, udp in list(self._open.items()):
            if not (udp.ids or udp.waiting):
                del self._open[descriptor]
                udp.close()
        waits = any(udp.waiting or not udp.ids for udp in self._open.values())
        self._ticking = self._loop.call_later(TICK, self._tick) if waits else None
