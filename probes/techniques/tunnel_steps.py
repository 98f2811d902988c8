"""Steps ``dns-tunnel``, ``ntp-tunnel`` and ``icmp-tunnel``: the page inside control protocols.

``dns-tunnel type=TXT`` (``NULL``, ``CNAME``) asks the line's own name server for names below a zone
of the origin, which its servers pass on to the origin. ``ntp-tunnel at={ip} port=123`` carries the
page in extension fields of NTP, ``icmp-tunnel at={ip}`` in the data of echo replies.
"""

from __future__ import annotations

from harness.ports.network import Question
from harness.ports.streams import DatagramSocket
from probes.net.datagram_question import ask_by_datagrams
from probes.net.dns_tunnel import RECORD_KINDS, RecordKind, read_record, write_name
from probes.net.exchange_recorder import resolve_failure
from probes.net.ntp_packets import SERVER, answers, client_packet, data_in
from probes.net.pings import SendsPings
from probes.net.tunnel_pieces import Ask, Piece, fetch_pieces, read_piece
from probes.techniques.dns_step import NoAddressError, ask_own
from probes.techniques.far_end import FarEnd, open_far_end, port_of, request_for
from probes.techniques.placeholders import Placeholder, pieces_of
from probes.techniques.run import NotCarriedError, NotDialledError, StepRun, TechniqueRun
from probes.techniques.steps import one_of, options_of, step

NTP_PORT = 123
ANY_PORT = 80
"""A port of the origin, for the check of the address; ICMP has none."""

AT = {"at": "{ip}"}


@step("dns-tunnel")
def read_dns_tunnel(text: str) -> StepRun:
    """Read the option ``type``."""
    kind = one_of(options_of(text, {"type": "TXT"})["type"], RECORD_KINDS, "type")

    async def run(run: TechniqueRun) -> None:
        await _by_dns(run, kind)

    return run


async def _by_dns(run: TechniqueRun, kind: RecordKind) -> None:
    zone = run.value(Placeholder("zone"))

    async def ask(wanted: bytes, number: int) -> Piece:
        del number
        try:
            name = write_name(wanted, zone)
        except ValueError as error:
            raise NotCarriedError(str(error)) from None
        question = Question(name=name, type=kind, timeout=run.remaining)
        answer = await ask_own(run, question, "dns-tunnel")
        texts = [each.data for each in answer.facts.records if each.type == kind]
        if not texts:
            run.recorder.failure = resolve_failure(answer.facts.rcode)
            raise NoAddressError
        return _piece(read_record(kind, texts[0], zone))

    await _fetch(run, ask)


@step("ntp-tunnel")
def read_ntp_tunnel(text: str) -> StepRun:
    """Read the options ``at`` and ``port``."""
    options = options_of(text, AT | {"port": str(NTP_PORT)})
    at, port = pieces_of(options["at"]), port_of(options["port"])

    async def run(run: TechniqueRun) -> None:
        address = run.text(at)
        far_end = FarEnd(host=address, port=port, address=address)
        await _by_ntp(run, await open_far_end(run, far_end), str(far_end))

    return run


async def _by_ntp(run: TechniqueRun, socket: DatagramSocket, where: str) -> None:
    draw = run.draw("ntp")

    async def ask(wanted: bytes, number: int) -> Piece:
        transmitted = draw.getrandbits(64)
        packet = client_packet(wanted, transmitted)
        run.note("ntp-tunnel", where, packet)

        def read(received: bytes) -> Piece | None:
            data = data_in(received, SERVER) if answers(received, transmitted) else None
            return _numbered(data, number)

        return await ask_by_datagrams(socket, packet, read)

    await _fetch(run, ask)


@step("icmp-tunnel")
def read_icmp_tunnel(text: str) -> StepRun:
    """Read the option ``at``."""
    at = pieces_of(options_of(text, AT)["at"])

    async def run(run: TechniqueRun) -> None:
        address = run.text(at)
        far_end = FarEnd(host=address, port=ANY_PORT, address=address)
        await _by_icmp(run, await _open_pings(run, far_end), address)

    return run


async def _open_pings(run: TechniqueRun, far_end: FarEnd) -> DatagramSocket:
    if not isinstance(run.line, SendsPings) or "pings" not in run.line.carries:
        raise NotCarriedError(f"line {run.line.name!r} carries no pings (ICMP)")
    dialled = await run.line.pings(request_for(run, far_end))
    if dialled.opened is None and dialled.failure is not None and dialled.failure.is_instrument:
        raise NotCarriedError(dialled.failure.detail)
    if dialled.opened is None:
        raise NotDialledError(dialled)
    return run.keep(dialled.opened)


async def _by_icmp(run: TechniqueRun, socket: DatagramSocket, where: str) -> None:
    async def ask(wanted: bytes, number: int) -> Piece:
        run.note("icmp-tunnel", where, wanted)
        return await ask_by_datagrams(socket, wanted, lambda data: _numbered(data, number))

    await _fetch(run, ask)


async def _fetch(run: TechniqueRun, ask: Ask) -> None:
    nonce = run.value(Placeholder("nonce"))
    await fetch_pieces(ask, run.values["host"], nonce, run.recorder)


def _numbered(data: bytes | None, number: int) -> Piece | None:
    """Return the piece of that number in some data; None if it is another, or none."""
    piece = read_piece(data) if data is not None else None
    return piece if piece is not None and piece.number == number else None


def _piece(data: bytes | None) -> Piece:
    piece = read_piece(data) if data is not None else None
    if piece is None:
        raise ValueError("the answer of the name server holds no piece of a page")
    return piece
