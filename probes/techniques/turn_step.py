"""Step ``turn``: the page over a TURN relay (RFC 8656), as WebRTC uses one.

``turn over=udp`` (``tcp``) ``at={ip} port=3478``: an allocation with long-term credentials, a
permission, and then questions to the origin's own responder, which the relay passes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, get_args

from harness.model.marker import protocol_proof
from harness.ports.streams import ByteStream
from probes.net.datagram_question import ask_by_datagrams
from probes.net.stun_messages import (
    ALLOCATE,
    CREATE_PERMISSION,
    DATA,
    DATA_METHOD,
    ERROR,
    HEADER_BYTES,
    INDICATION,
    NONCE,
    REALM,
    REQUEST,
    REQUESTED_TRANSPORT,
    SEND,
    SUCCESS,
    UDP,
    UNAUTHORIZED,
    USERNAME,
    XOR_PEER_ADDRESS,
    Message,
    long_term_key,
    read_message,
    size_of,
    write_message,
    xor_address,
)
from probes.net.tunnel_pieces import Piece, fetch_pieces, read_piece
from probes.techniques.far_end import FarEnd, dial_far_end, open_far_end, port_of
from probes.techniques.placeholders import Placeholder, pieces_of
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import one_of, options_of, step

TURN_PORT = 3478
PEER_PORT = 3480
"""The port of the responder behind the relay."""

PROTOCOL = "turn"
"""What the password of the credentials is made for; the user's name is the nonce."""

Over = Literal["udp", "tcp"]
Send = Callable[[bytes, Callable[[bytes], Message | None]], Awaitable[Message]]
"""Sends a message, and returns the first one that is accepted as its answer."""


@step("turn")
def read_turn(text: str) -> StepRun:
    """Read the options ``over``, ``at`` and ``port``."""
    options = options_of(text, {"over": "udp", "at": "{ip}", "port": str(TURN_PORT)})
    over = one_of(options["over"], get_args(Over), "over")
    at, port = pieces_of(options["at"]), port_of(options["port"])

    async def run(run: TechniqueRun) -> None:
        address = run.text(at)
        far_end = FarEnd(host=address, port=port, address=address)
        send = await (_over_udp if over == "udp" else _over_tcp)(run, far_end)
        await Client(run, send, address, str(far_end)).fetch()

    return run


async def _over_udp(run: TechniqueRun, far_end: FarEnd) -> Send:
    socket = await open_far_end(run, far_end)

    async def send(data: bytes, accept: Callable[[bytes], Message | None]) -> Message:
        return await ask_by_datagrams(socket, data, accept)

    return send


async def _over_tcp(run: TechniqueRun, far_end: FarEnd) -> Send:
    reader = _MessageReader(await dial_far_end(run, far_end))

    async def send(data: bytes, accept: Callable[[bytes], Message | None]) -> Message:
        await reader.stream.write(data)
        while True:
            message = accept(await reader.next())
            if message is not None:
                return message

    return send


class _MessageReader:
    """Messages of a stream, one after the other (RFC 8489 section 6.2.2)."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self._received = b""

    async def next(self) -> bytes:
        """Return the next message. Raises OSError, EOFError, ValueError."""
        while True:
            size = size_of(self._received)
            if len(self._received) >= HEADER_BYTES and not size:
                raise ValueError("what came from the relay is no message of STUN")
            if size and len(self._received) >= size:
                message, self._received = self._received[:size], self._received[size:]
                return message
            more = await self.stream.read()
            if not more:
                raise EOFError("the relay closed the connection")
            self._received += more


class Client:
    """A client of a relay, in one attempt; ``peer`` is the address behind the relay."""

    def __init__(self, run: TechniqueRun, send: Send, peer: str, where: str) -> None:
        self._run, self._send, self._peer, self._where = run, send, peer, where
        self._draw = run.draw("turn")
        self._user = run.value(Placeholder("nonce"))
        self._password = protocol_proof(run.origin.key, PROTOCOL, self._user)
        self._key, self._signed = b"", dict[int, bytes]()

    async def fetch(self) -> None:
        """Fetch the page of the item's host. Raises ValueError if the relay refuses."""
        self._run.recorder.stage = "response"
        transport = {REQUESTED_TRANSPORT: UDP}
        first = await self._request(ALLOCATE, transport)
        if first.kind == ERROR and first.error == UNAUTHORIZED:
            realm, nonce = first.text(REALM), first.attributes.get(NONCE, b"")
            self._key = long_term_key(self._user, realm, self._password)
            self._signed = {USERNAME: self._user.encode(), REALM: realm.encode(), NONCE: nonce}
            first = await self._request(ALLOCATE, transport)
        _check(first)
        transaction = self._transaction()
        permitted = {XOR_PEER_ADDRESS: xor_address(self._peer, 0, transaction)}
        _check(await self._request(CREATE_PERMISSION, permitted, transaction))
        await fetch_pieces(self._ask, self._run.values["host"], self._user, self._run.recorder)

    def _transaction(self) -> bytes:
        return self._draw.randbytes(12)

    async def _request(
        self, method: int, attributes: dict[int, bytes], transaction: bytes = b""
    ) -> Message:
        """Send a request, with the credentials once they are known; return the response."""
        message = Message(
            method=method,
            kind=REQUEST,
            transaction=transaction or self._transaction(),
            attributes=attributes | self._signed,
        )

        def accept(data: bytes) -> Message | None:
            answer = read_message(data)
            is_response = answer is not None and answer.kind in (SUCCESS, ERROR)
            is_own = answer is not None and answer.transaction == message.transaction
            return answer if is_response and is_own else None

        return await self._send(self._noted(write_message(message, self._key)), accept)

    async def _ask(self, wanted: bytes, number: int) -> Piece:
        """Send a question to the responder by an indication, and return the piece that comes."""
        transaction = self._transaction()
        peer = xor_address(self._peer, PEER_PORT, transaction)
        attributes = {XOR_PEER_ADDRESS: peer, DATA: wanted}
        message = Message(
            method=SEND, kind=INDICATION, transaction=transaction, attributes=attributes
        )

        def accept(data: bytes) -> Message | None:
            answer = read_message(data)
            if answer is None or (answer.method, answer.kind) != (DATA_METHOD, INDICATION):
                return None
            piece = read_piece(answer.attributes.get(DATA, b""))
            return answer if piece is not None and piece.number == number else None

        answer = await self._send(self._noted(write_message(message)), accept)
        piece = read_piece(answer.attributes[DATA])
        assert piece is not None, "accepted above"
        return piece

    def _noted(self, data: bytes) -> bytes:
        self._run.note("turn", self._where, data)
        return data


def _check(answer: Message) -> None:
    """Raise ValueError for an error of the relay."""
    if answer.kind == ERROR:
        msg = f"the relay refused with error {answer.error}"
        raise ValueError(msg)
