"""Asks a name server over HTTPS (RFC 8484), by the line's own lane.

dnspython would make a connection of its own for it, past the line.
"""

from __future__ import annotations

from http import HTTPStatus
from time import perf_counter

from harness.model.observation import DnsFacts, Failure, Timings
from harness.ports.asking import Answer, Exchange, Question, Request
from probes.net.lane import Lane
from probes.net.portable.resolver import make_query, name_failure, read_message, read_reply
from probes.net.route import Route
from probes.net.server import Server

MESSAGE = "application/dns-message"


async def ask_https(lane: Lane, question: Question, server: Server) -> Answer:
    """Ask one question; whatever stood in the way is in the Answer's failure."""
    assert server.trust is not None, "a server that is asked over HTTPS is verified"
    started = perf_counter()
    facts = DnsFacts(name=question.name, type=question.type, server=str(server), transport="https")
    failure: Failure | None = None
    try:
        query = make_query(question)
        # An id of 0 lets caches on the way answer (RFC 8484 section 4.1).
        query.id = 0
        request = Request(
            url=server.url,
            method="POST",
            headers=(("Accept", MESSAGE), ("Content-Type", MESSAGE)),
            body=query.to_wire(),
            timeout=question.timeout,
        )
        route = Route(address=server.address, trust=server.trust, source=server.source)
        exchange = await lane.exchange(request, route)
        failure = _failure(exchange)
        if failure is None:
            facts = read_message(read_reply(exchange.body, query), question, server, "https")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the answer
        failure = name_failure(error)
    return Answer(facts=facts, timings=Timings(total=perf_counter() - started), failure=failure)


def _failure(exchange: Exchange) -> Failure | None:
    if exchange.failure is not None and exchange.failure.is_instrument:
        return exchange.failure
    if exchange.failure is not None:
        return Failure(name=exchange.failure.name, stage="resolve", detail=exchange.failure.detail)
    if exchange.status != HTTPStatus.OK:
        detail = f"status {exchange.status} over HTTPS"
        return Failure(name="dns_server_misbehaving", stage="resolve", detail=detail)
    return None
