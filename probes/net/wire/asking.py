"""Asks one name server over shared sockets: one datagram out, one back, read by hand.

A cut answer (TC), an odd name or message, and a server that wants TCP or TLS go to the portable
resolver, which takes its time. A name that was once met with silence is asked from a port of its
own: a filter that cuts off a whole flow must not be heard in the silence of its neighbours.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

import dns.message
from msgspec.structs import replace

from harness.model.observation import DnsFacts, Timings
from harness.ports.asking import Answer, Question
from probes.net.portable.resolver import Resolver, name_failure, read_message
from probes.net.server import Server
from probes.net.wire.message import is_cut, read_answer, write_query
from probes.net.wire.udp import QUESTIONS, Udp

LEAST_PATIENCE = 0.001
SILENT_KEPT = 65536
TICK = 0.02
"""Seconds between two looks at what is overdue: a timer a question would cost a tenth of it."""


class Asker:
    """Asks one server until it is closed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._name = str(server)
        self._resolver = Resolver(server)
        self._loop = asyncio.get_running_loop()
        self._udp: Udp | None = None
        self._open: list[Udp] = []
        self._silent: dict[str, None] = {}
        self._ticking: asyncio.TimerHandle | None = None

    async def ask(self, question: Question) -> Answer:
        """Ask one question; silence and trouble on the way are in the Answer's failure."""
        started = perf_counter()
        query = write_query(question.name, question.type)
        if query is None or self.server.transport != "udp":
            return await self._resolver.ask(question)
        try:
            udp = self._socket(question.name)
            asked = udp.ask(query, started + question.timeout)
            try:
                heard = await asked.heard
            except asyncio.CancelledError:
                udp.forget(asked)
                raise
            except TimeoutError:
                self._met_silence(udp, question.name)
                raise
            if is_cut(heard.wire):
                return await self._ask_stream(question, started)
            facts = read_answer(heard.wire, query, question, self._name)
            if facts is None:
                message = dns.message.from_wire(heard.wire, ignore_trailing=True)
                facts = read_message(message, question, self.server)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the answer
            failure = name_failure(error)
            nothing = DnsFacts(name=question.name, type=question.type, server=self._name)
            took = Timings(total=perf_counter() - started)
            return Answer(facts=nothing, timings=took, failure=failure)
        return Answer(facts=facts, timings=Timings(total=heard.took))

    def close(self) -> None:
        """Close every socket; questions under way belong to their tasks."""
        if self._ticking is not None:
            self._ticking.cancel()
        for udp in self._open:
            udp.close()
        self._open = []
        self._udp = None

    async def _ask_stream(self, question: Question, started: float) -> Answer:
        left = max(started + question.timeout - perf_counter(), LEAST_PATIENCE)
        answer = await self._resolver.ask(replace(question, timeout=left))
        return replace(answer, timings=Timings(total=perf_counter() - started))

    def _socket(self, name: str) -> Udp:
        """The socket to ask by: the shared one, or one of its own."""
        if self._ticking is None:
            self._ticking = self._loop.call_later(TICK, self._tick)
        if name in self._silent:
            del self._silent[name]
            return self._open_one(questions=1)
        if self._udp is None or not self._udp.ids:
            self._udp = self._open_one(QUESTIONS)
        return self._udp

    def _open_one(self, questions: int) -> Udp:
        udp = Udp(self.server.address, self.server.source, questions)
        self._open.append(udp)
        return udp

    def _met_silence(self, udp: Udp, name: str) -> None:
        if len(self._silent) < SILENT_KEPT:
            self._silent[name] = None
        udp.ids.clear()  # whatever cut this flow off, others shall not wait in it

    def _tick(self) -> None:
        """End what is overdue, and close the sockets that nobody needs any more."""
        now = perf_counter()
        for udp in self._open:
            udp.expire(now)
        for udp in [each for each in self._open if not (each.ids or each.waiting)]:
            udp.close()
            self._open.remove(udp)
        waits = any(udp.waiting or not udp.ids for udp in self._open)
        self._ticking = self._loop.call_later(TICK, self._tick) if waits else None
