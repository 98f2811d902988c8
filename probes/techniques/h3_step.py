"""Step ``h3``: request the page over HTTP/3 (RFC 9114), as ``h3 sni={allowed} authority={host}``.

Beside the options of ``quic_opening``: ``authority=`` is the requested host, ``path=`` the path.
``zero-rtt=yes`` opens two connections, and sends the request with the ClientHello of the second
(RFC 9001 section 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass

from aioquic.tls import SessionTicket

from probes.net.exchange_recorder import ExchangeRecorder, Headers
from probes.net.h3_client import H3Client, request_fields
from probes.techniques.placeholders import Piece, Placeholder, pieces_of
from probes.techniques.quic_opening import (
    ANSWERS,
    QUIC_OPTIONS,
    QuicOpening,
    chosen,
    read_opening,
)
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import options_of, step

OPTIONS = QUIC_OPTIONS | {"authority": "{host}", "path": "/", "zero-rtt": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    opening: QuicOpening
    authority: tuple[Piece, ...]
    path: tuple[Piece, ...]
    is_early: bool


@step("h3")
def read_h3(text: str) -> StepRun:
    """Read the options."""
    options = options_of(text, OPTIONS)
    plan = _Plan(
        opening=read_opening(options),
        authority=pieces_of(options["authority"]),
        path=pieces_of(options["path"]),
        is_early=chosen(options, "zero-rtt", ANSWERS),
    )

    async def run(run: TechniqueRun) -> None:
        await _fetch(run, plan)

    return run


async def _fetch(run: TechniqueRun, plan: _Plan) -> None:
    """Request the page, and record the answer."""
    recorder = run.recorder
    ticket = await _ticket_of(run, plan) if plan.is_early else None
    client = await plan.opening.start(run, ticket=ticket)
    h3 = H3Client(client)
    authority, path = run.text(plan.authority), run.text(plan.path)
    fields = request_fields("GET", authority, path, headers_of(run))
    run.note("h3", run.where, b"\n".join(b": ".join(each) for each in fields))
    stream = await h3.begin(fields, recorder, run.deadline)
    if plan.is_early and not client.is_early:
        stream = h3.send_request(fields)
    if plan.is_early:
        run.note("h3", run.where, f"0-RTT {'accepted' if client.is_early else 'not accepted'}")
    await h3.read_answer(stream, recorder)


async def _ticket_of(run: TechniqueRun, plan: _Plan) -> SessionTicket:
    """Open a first connection, and return the ticket by which it may be resumed."""
    client = await plan.opening.start(run)
    h3 = H3Client(client)
    h3.take(await client.connect(ExchangeRecorder(0), run.deadline))
    while not client.tickets:
        await h3.advance()
    await client.close()
    return client.tickets[0]


def headers_of(run: TechniqueRun) -> Headers:
    """Return the headers of a browser, with the nonce."""
    lines = run.value(Placeholder("headers")).splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)
