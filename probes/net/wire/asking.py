"""Asks a name server over the reactor: one datagram out, one back, read by hand.

A cut answer (TC), an odd name or message, and a server that wants TCP or TLS go to the portable
resolver, which takes its time.
"""

from __future__ import annotations

from contextlib import closing
from time import perf_counter

import dns.message
from msgspec.structs import replace

from harness.model.observation import DnsFacts, Failure, Timings
from harness.ports.asking import Answer, Question
from probes.net.portable.resolver import Resolver, name_failure, read_message
from probes.net.server import Server
from probes.net.wire.message import Query, answers, is_cut, read_answer, write_query
from probes.net.wire.reactor import Errand, Reactor, Steps
from probes.net.wire.udp import Udp

LEAST_PATIENCE = 0.001


class _Ear:
    """What was heard of one question."""

    facts: DnsFacts | None = None
    failure: Failure | None = None
    is_cut: bool = False


async def ask(reactor: Reactor, question: Question, server: Server) -> Answer:
    """Ask one question; silence and trouble on the way are in the Answer's failure."""
    started = perf_counter()
    query = write_query(question)
    if query is None or server.transport != "udp":
        return await Resolver(server).ask(question)
    ear = _Ear()
    await reactor.run(
        lambda errand: _listen(errand, query, question, server, ear), question.timeout
    )
    took = perf_counter() - started
    if ear.is_cut:
        left = max(question.timeout - took, LEAST_PATIENCE)
        answer = await Resolver(server).ask(replace(question, timeout=left))
        return replace(answer, timings=Timings(total=perf_counter() - started))
    nothing = DnsFacts(name=question.name, type=question.type, server=str(server))
    return Answer(facts=ear.facts or nothing, timings=Timings(total=took), failure=ear.failure)


def _listen(
    errand: Errand, query: Query, question: Question, server: Server, ear: _Ear
) -> Steps[None]:
    with closing(Udp(errand, server.source)) as udp:
        try:
            udp.send(server.address, query.wire)
            while ear.facts is None and not ear.is_cut:
                received = yield from udp.read()
                # A datagram with another id is a stray, or somebody's guess (RFC 5452).
                if received[:2] == query.wire[:2]:
                    ear.is_cut = answers(received, query) and is_cut(received)
                    ear.facts = _read(received, query, question, server)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the answer
            ear.failure = name_failure(error)


def _read(received: bytes, query: Query, question: Question, server: Server) -> DnsFacts | None:
    facts = None
    if answers(received, query):
        facts = read_answer(received, query, question, str(server))
    if facts is None:
        message = dns.message.from_wire(received, ignore_trailing=True)
        if dns.message.from_wire(query.wire).is_response(message):
            facts = read_message(message, question, server)
    return facts
