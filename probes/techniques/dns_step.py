"""Step ``dns``: ask a name server for an address, to which the next step connects.

``dns over=udp at={ip} port=53`` asks the origin's own name server, which filters nothing, over UDP,
TCP (``tcp``), TLS (``tls``), HTTPS in wire form (``https``) or JSON (``json``), or QUIC (``quic``).
``server=`` is the name in TLS and HTTP; without ``at=`` the line resolves it, and without both the
name server is an IP address that TLS does not name. ``path=`` and ``method=`` are for HTTPS.
``over=own`` asks the name server that the line itself uses, and ``over=ddr`` the first one that
it designates (RFC 9462), or the first over ``by=`` (``https``, ``tls``). ``name=``, ``type=`` (A,
AAAA, HTTPS), ``cd=yes`` (RFC 4035) and ``case=mixed`` say what is asked. An answer without an
address is the failure of the attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, get_args

import dns.message

from harness.errors import require_library
from harness.model.network_signal import DESIGNATED
from harness.model.observation import Failure
from harness.model.query_case import QueryForm
from harness.ports.network import Answer, Question
from harness.ports.streams import ByteStream
from probes.net.designated_resolver import Designated, Transport, designated_in
from probes.net.exchange_recorder import ExchangeRecorder, resolve_failure
from probes.net.foreign_dns import (
    LARGEST_ANSWER,
    METHODS,
    Found,
    Method,
    NoAnswerError,
    NotDnsError,
    ask_in_json,
    ask_over_http,
    ask_over_stream,
    ask_over_udp,
    found_in,
    hints_in,
    json_request,
    make_question,
    reply_reader,
    wire_request,
)
from probes.net.route import is_literal, is_unspecified
from probes.techniques.far_end import FarEnd, dial_far_end, open_far_end, port_of, secure
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import one_of, options_of, step

Over = Literal["udp", "tcp", "tls", "https", "json", "quic", "own", "ddr"]
RecordType = Literal["A", "AAAA", "HTTPS"]

USUAL_PORTS: dict[Over, int] = {
    "udp": 53, "tcp": 53, "tls": 853, "quic": 853, "https": 443, "json": 443,
}  # fmt: skip
OPTIONS = {
    "over": "udp", "at": "", "port": "", "server": "", "method": "POST", "path": "/dns-query",
    "name": "{host}", "type": "A", "cd": "", "case": "", "by": "",
}  # fmt: skip
YES, MIXED = "yes", "mixed"


class NoAddressError(Exception):
    """No address was found; the recorder has the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsStep:
    """What the step is told; texts with placeholders are filled in when it runs."""

    over: Over
    at: tuple[Piece, ...]
    port: int
    server: tuple[Piece, ...]
    method: Method
    path: tuple[Piece, ...]
    name: tuple[Piece, ...]
    type: RecordType
    checking_disabled: bool
    mixed: bool
    by: str

    def far_end(self, run: TechniqueRun) -> FarEnd:
        """Return the name server to connect to; the origin's, if none is named."""
        at, server = run.text(self.at), run.text(self.server)
        if not at and not server:
            at = run.text(pieces_of("{ip}"))
        return FarEnd(host=server or at, port=self.port or USUAL_PORTS[self.over], address=at)

    def question(self, run: TechniqueRun) -> dns.message.QueryMessage:
        """Return the question; over HTTPS its id is 0 (RFC 8484 section 4.1)."""
        draw = run.draw("dns")
        name = run.text(self.name)
        if self.mixed:
            name = "".join(draw.choice((each.lower(), each.upper())) for each in name)
        identity = 0 if self.over in ("https", "quic") else draw.randrange(1, 1 << 16)
        return make_question(name, self.type, identity, checking_disabled=self.checking_disabled)


@step("dns")
def read_dns(text: str) -> StepRun:
    """Read the options; see the module."""
    options = options_of(text, OPTIONS)
    chosen = DnsStep(
        over=one_of(options["over"], get_args(Over), "over"),
        at=pieces_of(options["at"]),
        port=port_of(options["port"]),
        server=pieces_of(options["server"]),
        method=one_of(options["method"], METHODS, "method"),
        path=pieces_of(options["path"]),
        name=pieces_of(options["name"]),
        type=one_of(options["type"], get_args(RecordType), "type"),
        checking_disabled=_is_set(options["cd"], YES, "cd"),
        mixed=_is_set(options["case"], MIXED, "case"),
        by=one_of(options["by"], ("", *get_args(Transport)), "by"),
    )

    if chosen.over == "quic":
        require_library("aioquic", "step 'dns over=quic'")

    async def run(run: TechniqueRun) -> None:
        run.recorder.stage = "resolve"
        _use(run, await _ASKERS[chosen.over](run, chosen))

    return run


def _is_set(value: str, wanted: str, option: str) -> bool:
    return bool(value) and one_of(value, (wanted,), option) == wanted


def _use(run: TechniqueRun, found: Found) -> None:
    """Let the next step connect to the first address. Raises NoAddressError."""
    address = next((each for each in found.addresses if is_literal(each)), "")
    if not address:
        run.recorder.failure = resolve_failure(found.rcode)
        raise NoAddressError
    if is_unspecified(address):
        run.recorder.failure = Failure(name="dns_bogon_error", stage="resolve", detail=address)
        raise NoAddressError
    run.address, run.stream = address, None
    run.recorder.stage = "connect"


async def _over_udp(run: TechniqueRun, chosen: DnsStep) -> Found:
    query, far_end = chosen.question(run), chosen.far_end(run)
    socket = await open_far_end(run, far_end)
    run.note("dns", str(far_end), query.to_wire())
    message = await ask_over_udp(socket, query)
    if message.flags & dns.flags.TC:
        return await _over_tcp(run, chosen)
    return found_in(message)


async def _over_tcp(run: TechniqueRun, chosen: DnsStep) -> Found:
    return await _over_stream(run, chosen, None)


async def _over_tls(run: TechniqueRun, chosen: DnsStep) -> Found:
    return await _over_stream(run, chosen, "dot")


async def _over_stream(run: TechniqueRun, chosen: DnsStep, protocol: str | None) -> Found:
    query, far_end = chosen.question(run), chosen.far_end(run)
    stream = await _connect(run, far_end, protocol)
    run.note("dns", str(far_end), query.to_wire())
    try:
        return found_in(await ask_over_stream(stream, query))
    except NoAnswerError as error:
        run.recorder.fail_as("dns_server_misbehaving", str(error))
        raise


async def _over_https(run: TechniqueRun, chosen: DnsStep) -> Found:
    far_end, path = chosen.far_end(run), run.text(chosen.path)
    query = chosen.question(run)
    request = wire_request(query, far_end.host, path, chosen.method)
    return await _by_http(
        run, far_end, request, lambda stream, to: ask_over_http(stream, request, to, query)
    )


async def _over_json(run: TechniqueRun, chosen: DnsStep) -> Found:
    far_end, path = chosen.far_end(run), run.text(chosen.path)
    request = json_request(run.text(chosen.name), chosen.type, far_end.host, path)
    return await _by_http(
        run, far_end, request, lambda stream, to: ask_in_json(stream, request, to)
    )


async def _by_http(
    run: TechniqueRun,
    far_end: FarEnd,
    request: bytes,
    ask: Callable[[ByteStream, ExchangeRecorder], Awaitable[Found]],
) -> Found:
    """Ask over HTTPS; an answer that is something else is recorded, as it may be a block page."""
    stream = await _connect(run, far_end, "http/1.1")
    run.note("dns", str(far_end), request)
    answered = ExchangeRecorder(LARGEST_ANSWER)
    try:
        return await ask(stream, answered)
    except NotDnsError as error:
        run.recorder.head = answered.head
        run.recorder.body += answered.body
        run.recorder.fail_as("http_invalid_response", str(error))
        raise


async def _connect(run: TechniqueRun, far_end: FarEnd, protocol: str | None) -> ByteStream:
    stream = await dial_far_end(run, far_end)
    if protocol is not None:
        run.recorder.stage = "tls"
        await secure(run, stream, far_end.host, protocol)
    run.recorder.stage = "resolve"
    return stream


async def _over_quic(run: TechniqueRun, chosen: DnsStep) -> Found:
    """Ask over QUIC; whatever certificate is shown, as the page alone proves the answer."""
    from probes.net.doq import ask_over_quic  # noqa: PLC0415 - needs an extra, see read_dns

    query, far_end = chosen.question(run), chosen.far_end(run)
    socket, answered = await open_far_end(run, far_end), ExchangeRecorder(LARGEST_ANSWER)
    name = "" if is_literal(far_end.host) else far_end.host
    wire = query.to_wire()
    run.note("dns", str(far_end), wire)
    try:
        received = await ask_over_quic(
            socket, wire, name, run.origin.authority, run.deadline, answered
        )
    except OSError:
        run.recorder.stage = answered.stage
        raise
    message = reply_reader(query)(received)
    if message is None:
        run.recorder.fail_as("dns_server_misbehaving", "no answer to the DNS question")
        raise NoAddressError
    return found_in(message)


async def _by_own(run: TechniqueRun, chosen: DnsStep) -> Found:
    """Ask the line's own name server for another name, or in another form."""
    form = None
    if chosen.mixed or chosen.checking_disabled:
        form = QueryForm(
            type=one_of(chosen.type.lower(), ("a", "aaaa", "https"), "type"),
            letters="mixed" if chosen.mixed else "lower",
            edns="do" if chosen.checking_disabled else "none",
            flags="rd-cd" if chosen.checking_disabled else "rd",
        )
    question = Question(
        name=run.text(chosen.name), type=chosen.type, timeout=run.remaining, form=form
    )
    facts = (await ask_own(run, question)).facts
    if chosen.type != "HTTPS":
        return Found(facts.rcode, facts.addresses)
    texts = [each.data for each in facts.records if each.type == "HTTPS"]
    return Found(facts.rcode, tuple(hint for text in texts for hint in hints_in(text)))


async def ask_own(run: TechniqueRun, question: Question, step_name: str = "dns") -> Answer:
    """Ask the line's own name server. Raises NotCarriedError, NoAddressError for its failure."""
    if "ask" not in run.line.carries:
        raise NotCarriedError(f"line {run.line.name!r} has no name server of its own")
    run.note(step_name, "the line's name server", f"{question.name} {question.type}")
    answer = await run.line.ask(question)
    if answer.failure is not None:
        run.recorder.failure = answer.failure
        raise NoAddressError
    return answer


async def _by_designation(run: TechniqueRun, chosen: DnsStep) -> Found:
    """Ask the first name server that the line's own one designates, as it was chosen."""
    question = Question(name=DESIGNATED, type="SVCB", timeout=run.remaining)
    known = designated_in((await ask_own(run, question)).facts.records)
    servers = [each for each in known if chosen.by in ("", each.over)]
    if not servers:
        detail = f"the line's name server designates no other {chosen.by}".strip()
        run.recorder.failure = Failure(name="dns_no_answer", stage="resolve", detail=detail)
        raise NoAddressError
    return await _ASKERS[servers[0].over](run, _told(chosen, servers[0]))


def _told(chosen: DnsStep, server: Designated) -> DnsStep:
    """Return the step that asks a designated name server."""
    return DnsStep(
        over=server.over,
        at=(server.addresses[0].encode(),) if server.addresses else (),
        port=server.port,
        server=(server.host.encode(),),
        method=chosen.method,
        path=(server.path.encode(),),
        name=chosen.name,
        type=chosen.type,
        checking_disabled=chosen.checking_disabled,
        mixed=chosen.mixed,
        by=chosen.by,
    )


_ASKERS: dict[Over, Callable[[TechniqueRun, DnsStep], Awaitable[Found]]] = {
    "udp": _over_udp,
    "tcp": _over_tcp,
    "tls": _over_tls,
    "https": _over_https,
    "json": _over_json,
    "quic": _over_quic,
    "own": _by_own,
    "ddr": _by_designation,
}
