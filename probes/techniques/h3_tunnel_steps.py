"""Steps ``webtransport`` and ``masque``: a tunnel inside HTTP/3 to a relay on an allowed host.

``to host={allowed} | webtransport | http1 GET / HTTP/1.1...`` opens a stream of a WebTransport
session (draft-ietf-webtrans-http3) for the next step; with ``carry=datagrams`` the next step, as
``h3``, uses the datagrams of the session. ``to host={allowed} | masque | h3`` opens CONNECT-UDP
(RFC 9298) to ``target=`` and ``target-port=`` and leaves it as the next step's UDP socket; with
``carry=capsules`` its payloads go as capsules on the stream. Both have the options of
``quic_opening``, and ``authority=``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from harness.model.observation import Failure, Timings
from harness.ports.streams import ByteStream, Dialled
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.h3_client import H3Client, request_fields
from probes.net.h3_tunnels import TunnelSocket, TunnelStream
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.quic_opening import QUIC_OPTIONS, QuicOpening, chosen, read_opening
from probes.techniques.run import NotDialledError, StepRun, TechniqueRun
from probes.techniques.steps import options_of, step

Carry = Literal["streams", "datagrams", "capsules"]
CARRIES: dict[str, Carry] = {each: each for each in get_args(Carry)}

OPTIONS = QUIC_OPTIONS | {"sni": "{allowed}", "authority": "{allowed}"}
WEBTRANSPORT_OPTIONS = OPTIONS | {"carry": "streams", "path": "/"}
MASQUE_OPTIONS = OPTIONS | {"carry": "datagrams", "target": "{host}", "target-port": "443"}
UDP_PATH = "/.well-known/masque/udp/{target}/{port}/"
ACCEPTED = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How the tunnel is opened: the protocol of the extended CONNECT, and what carries bytes."""

    opening: QuicOpening
    protocol: str
    authority: tuple[Piece, ...]
    path: tuple[Piece, ...]
    carry: Carry


@step("webtransport")
def read_webtransport(text: str) -> StepRun:
    """Read the options."""
    options = options_of(text, WEBTRANSPORT_OPTIONS)
    carry = chosen(options, "carry", {each: CARRIES[each] for each in ("streams", "datagrams")})
    return _step_of(options, "webtransport", options["path"], carry)


@step("masque")
def read_masque(text: str) -> StepRun:
    """Read the options."""
    options = options_of(text, MASQUE_OPTIONS)
    carry = chosen(options, "carry", {each: CARRIES[each] for each in ("datagrams", "capsules")})
    named = {"{target}": options["target"], "{port}": options["target-port"]}
    path = UDP_PATH
    for name, value in named.items():
        path = path.replace(name, value)
    return _step_of(options, "connect-udp", path, carry)


def _step_of(options: dict[str, str], protocol: str, path: str, carry: Carry) -> StepRun:
    plan = _Plan(
        opening=read_opening(options),
        protocol=protocol,
        authority=pieces_of(options["authority"]),
        path=pieces_of(path),
        carry=carry,
    )

    async def run(run: TechniqueRun) -> None:
        await _open(run, plan)

    return run


async def _open(run: TechniqueRun, plan: _Plan) -> None:
    """Open the tunnel, and leave its end for the next step. Raises NotDialledError."""
    client = await plan.opening.start(run, carries_datagrams=True)
    h3 = H3Client(client)
    h3.take(await client.connect(run.recorder, run.deadline))
    is_session = plan.protocol == "webtransport"
    # RFC 9298 section 3.4 wants this header; WebTransport has one of its own drafts.
    headers = () if is_session else (("capsule-protocol", "?1"),)
    fields = request_fields(
        "CONNECT", run.text(plan.authority), run.text(plan.path), headers, plan.protocol
    )
    run.note(plan.protocol, run.where, b"\n".join(b": ".join(each) for each in fields))
    run.recorder.stage = "tunnel"
    tunnel, refusal = await _tunnel(h3, fields, run)
    if refusal is not None:
        raise NotDialledError(refusal)
    if plan.carry == "streams":
        run.stream = TunnelStream(h3, h3.open_stream(tunnel))
    else:
        by_capsules = plan.carry == "capsules"
        run.socket = TunnelSocket(h3, tunnel, has_context=not is_session, by_capsules=by_capsules)


async def _tunnel(
    h3: H3Client, fields: list[tuple[bytes, bytes]], run: TechniqueRun
) -> tuple[int, Dialled[ByteStream] | None]:
    """Return the stream of the tunnel, and what refused it, if it was refused."""
    stream, head, has_ended = await h3.open_tunnel(fields)
    if head.status in ACCEPTED:
        return stream, None
    answer = ExchangeRecorder(run.recorder.limit)
    if not has_ended:
        await h3.read_body(stream, answer)
    failure = Failure(
        name="proxy_refused_tunnel", stage="tunnel", detail=f"the relay answered {head.status}"
    )
    return stream, Dialled(
        timings=Timings(),
        failure=failure,
        peer=run.recorder.peer,
        tunnel_status=head.status,
        headers=head.headers,
        body=bytes(answer.body),
        certificate=run.recorder.certificate,
    )
