"""DNS over QUIC, the server's side (RFC 9250): one question on each stream."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from aioquic.asyncio.protocol import QuicStreamHandler
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent, StreamDataReceived

from probes.net.doq import ALPN, LENGTH_BYTES, framed, message_in
from probes.range.name_server import ReplyFunction, answer
from probes.range.quic_server import QuicListener, QuicSession
from probes.range.server_chain import ChainSource
from probes.range.visitor_limits import Admission, VisitorLimits
from probes.range.zone import ADDRESS

PROTOCOL_ERROR, EXCESSIVE_LOAD = 0x2, 0x4
"""Error codes of DNS over QUIC (RFC 9250 section 4.3)."""

LONGEST_MESSAGE = 65535
"""Bytes of a question that is read, on loopback."""


class DoqSession(QuicSession):
    """A client that asks one question on each stream that it opens."""

    def __init__(
        self,
        quic: QuicConnection,
        stream_handler: QuicStreamHandler | None = None,
        *,
        reply_to: ReplyFunction,
        limits: VisitorLimits | None = None,
    ) -> None:
        super().__init__(quic, stream_handler, limits=limits)
        self._reply_to = reply_to
        self._received: defaultdict[int, bytes] = defaultdict(bytes)

    def on_event(self, event: QuicEvent) -> None:
        """Answer a question as soon as it is complete."""
        if not isinstance(event, StreamDataReceived):
            return
        received = self._received[event.stream_id] = self._received[event.stream_id] + event.data
        most = self._limits.rules.message_bytes if self._limits else LONGEST_MESSAGE
        try:
            message = message_in(received)
        except ValueError:
            self.close(PROTOCOL_ERROR, "no DNS message")
            return
        if len(received) > most + LENGTH_BYTES:
            self.close(EXCESSIVE_LOAD, "the question is too long")
            return
        if event.end_stream or message is not None:
            del self._received[event.stream_id]
        if message is None:
            return
        if self._limits is not None and self._limits.admit(self.client) is not Admission.SERVED:
            self.close(EXCESSIVE_LOAD, "too many questions")
            return
        answer(self._reply_to, message, partial(self._send, event.stream_id), client=self.client)

    def _send(self, stream: int, wire: bytes) -> None:
        if not self.is_open:
            return
        self._quic.send_stream_data(stream, framed(wire), end_stream=True)
        self.transmit()


def doq_listener(
    reply_to: ReplyFunction,
    chain: ChainSource,
    addresses: tuple[str, ...] = (ADDRESS,),
    port: int = 0,
    limits: VisitorLimits | None = None,
) -> QuicListener:
    """Return a listener that answers as a name server does."""
    make = partial(DoqSession, reply_to=reply_to, limits=limits)
    return QuicListener(
        alpn=ALPN, chain=chain, make=make, addresses=addresses, port=port, limits=limits
    )
