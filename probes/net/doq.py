"""DNS over QUIC, the client's side (RFC 9250): one question on one stream."""

from __future__ import annotations

from aioquic.quic.events import StreamDataReceived, StreamReset

from harness.ports.streams import DatagramSocket
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.quic_client import QuicClient, QuicHello

ALPN = "doq"
PORT = 853

LENGTH_BYTES = 2
"""Octets before each message that say how long it is (RFC 9250 section 4.2)."""
IDENTIFIER_BYTES = 2
"""Octets with which a message begins at least."""


async def ask_over_quic(
    socket: DatagramSocket,
    query: bytes,
    server_name: str,
    trust: str,
    deadline: float,
    recorder: ExchangeRecorder | None = None,
) -> bytes:
    """Ask one question; return the answer as DNS message bytes, with the query's identifier.

    ``server_name`` goes into the ClientHello (empty: no name), ``trust`` is a file of authorities
    beside the system's, ``deadline`` a ``perf_counter`` time by which the handshake must be done.
    ``recorder`` gets the stage, and the certificate with whether it is valid for the name; one that
    is not ends nothing. The caller limits the time in all, and closes the socket. Raises OSError
    (TimeoutError among them), EOFError, and ValueError for an answer that is no message.
    """
    recorder = recorder or ExchangeRecorder(len(query))
    client = QuicClient(socket, QuicHello(server_name=server_name, alpn=ALPN), trust)
    try:
        waiting = await client.connect(recorder, deadline)
        recorder.stage = "request"
        stream = client.connection.get_next_available_stream_id()
        # The identifier must be 0 on the wire (RFC 9250 section 4.2.1).
        message = bytes(2) + query[2:]
        client.connection.send_stream_data(stream, framed(message), end_stream=True)
        recorder.stage = "response"
        answer = b""
        while True:
            for event in waiting:
                if isinstance(event, StreamReset) and event.stream_id == stream:
                    raise EOFError(f"the stream was reset with error {event.error_code:#x}")
                if isinstance(event, StreamDataReceived) and event.stream_id == stream:
                    answer += event.data
                    if (whole := message_in(answer)) is not None:
                        return query[:2] + whole[2:]
                    if event.end_stream:
                        raise EOFError("the stream ended inside an answer")
            waiting = await client.events()
    finally:
        await client.close()


def framed(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(LENGTH_BYTES) + message


def message_in(received: bytes) -> bytes | None:
    """Return the first message in bytes, None while it is incomplete.

    Raises ValueError for one that is too short for an identifier.
    """
    if len(received) < LENGTH_BYTES:
        return None
    length = int.from_bytes(received[:LENGTH_BYTES])
    if length < IDENTIFIER_BYTES:
        raise ValueError("a DNS message without a head")
    if len(received) < LENGTH_BYTES + length:
        return None
    return received[LENGTH_BYTES : LENGTH_BYTES + length]
