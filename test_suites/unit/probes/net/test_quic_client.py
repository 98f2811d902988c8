"""QUIC over a UDP socket: handshakes, timers, and the names of what goes wrong."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from functools import partial
from time import perf_counter

import pytest
from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # aioquic exports it unmarked
from aioquic.quic.events import ConnectionTerminated
from aioquic.quic.packet import (
    QuicErrorCode,
    QuicFrameType,
    encode_quic_version_negotiation,
    pull_quic_header,
)

from harness.model.observation import Failure
from probes.net.dialling import open_datagrams
from probes.net.exchange_recorder import ExchangeRecorder, failure_of
from probes.net.quic_client import (
    RESERVED_VERSION,
    VERSION_1,
    VERSION_2,
    QuicClient,
    QuicHello,
    error_of,
)
from probes.net.route import Address
from probes.range.authority import Authority
from probes.range.doq_server import DoqSession, doq_listener
from probes.range.name_server import Reply
from probes.range.quic_server import QuicListener
from probes.range.server_chain import ServerChain, read_chain

HOST = "doq.accredit.test"
PATIENCE = 60.0
"""Seconds: far more than a handshake on loopback takes."""


class Recorded:
    """A UDP socket that keeps what is sent, and may lose the first datagrams."""

    def __init__(self, port: int, loses: int = 0) -> None:
        opened = open_datagrams(Address(host="127.0.0.1", port=port)).opened
        assert opened is not None
        self._socket = opened
        self._loses = loses
        self.sent: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        if len(self.sent) > self._loses:
            await self._socket.send(data)

    async def receive(self) -> bytes:
        return await self._socket.receive()

    def close(self) -> None:
        self._socket.close()


def chain_of(authority: Authority) -> ServerChain:
    return read_chain(authority.pem_with_key(authority.leaf(HOST)))


def far_end(authority: Authority) -> QuicListener:
    """A name server over QUIC that is never asked."""
    return doq_listener(lambda query: Reply(message=None), chain_of(authority))


async def connected(
    sock: Recorded, hello: QuicHello, trust: str = "", patience: float = PATIENCE
) -> tuple[QuicClient, ExchangeRecorder]:
    recorder = ExchangeRecorder(100)
    client = QuicClient(sock, hello, trust)
    try:
        await client.connect(recorder, perf_counter() + patience)
    except Exception as error:  # noqa: BLE001 - recorded, as the probe does
        recorder.fail(error)
    return client, recorder


HELLO = QuicHello(server_name=HOST, alpn="doq")


@pytest.fixture
async def authority() -> Authority:
    return Authority()


@pytest.fixture
async def listener(authority: Authority) -> AsyncIterator[QuicListener]:
    async with far_end(authority) as opened:
        yield opened


@pytest.fixture
def trust(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("trust") / "authority.pem"
    path.write_bytes(authority.pem)
    return str(path)


async def failure(hello: QuicHello, port: int, patience: float = PATIENCE) -> Failure | None:
    sock = Recorded(port)
    client, recorder = await connected(sock, hello, patience=patience)
    await client.close()
    sock.close()
    return recorder.failure


async def test_a_handshake_gives_the_chain_and_whether_it_is_valid_for_the_name(
    listener: QuicListener, trust: str
) -> None:
    sock = Recorded(listener.port)
    client, recorder = await connected(sock, HELLO, trust)
    await client.close()
    sock.close()

    assert recorder.failure is None
    assert recorder.certificate is not None
    assert (f"CN={HOST}", 2, True) == (
        recorder.certificate.subject,
        len(recorder.certificate.chain),
        recorder.certificate.trusted,
    )
    assert recorder.phases["connect"] > 0


@pytest.mark.parametrize(("name", "trusts"), [("other.accredit.test", True), (HOST, False)])
async def test_a_chain_that_is_not_valid_is_recorded_and_ends_nothing(
    listener: QuicListener, trust: str, name: str, *, trusts: bool
) -> None:
    sock = Recorded(listener.port)
    hello = QuicHello(server_name=name, alpn="doq")
    client, recorder = await connected(sock, hello, trust if trusts else "")
    await client.close()
    sock.close()

    assert recorder.failure is None
    assert recorder.certificate is not None
    assert recorder.certificate.trusted is False


async def test_lost_datagrams_are_sent_again(listener: QuicListener) -> None:
    sock = Recorded(listener.port, loses=1)
    client, recorder = await connected(sock, HELLO)
    await client.close()
    sock.close()

    assert recorder.failure is None


@pytest.mark.parametrize(
    ("versions", "spoken"),
    [
        ((VERSION_1,), VERSION_1),
        ((VERSION_2,), VERSION_2),
        ((RESERVED_VERSION, VERSION_1), VERSION_1),
    ],
)
async def test_a_version_is_tried_as_it_is_named(
    listener: QuicListener, versions: tuple[int, ...], spoken: int
) -> None:
    sock = Recorded(listener.port)
    hello = QuicHello(server_name=HOST, alpn="doq", versions=versions)
    client, recorder = await connected(sock, hello)
    await client.close()
    sock.close()

    assert recorder.failure is None
    assert versions[0] == int.from_bytes(sock.sent[0][1:5])
    assert spoken == client.version


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_parted_client_hello_needs_two_datagrams(
    listener: QuicListener, *, is_large: bool
) -> None:
    sock = Recorded(listener.port)
    hello = QuicHello(server_name=HOST, alpn="doq", is_split=not is_large, is_large=is_large)
    client = QuicClient(sock, hello)
    await client.start()
    first_flight = len(sock.sent)
    await client.connect(ExchangeRecorder(1), perf_counter() + PATIENCE)
    await client.close()
    sock.close()

    assert first_flight == 2


async def test_no_datagram_holds_the_whole_name_where_it_is_parted(
    listener: QuicListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[bytes] = []
    sock = Recorded(listener.port)
    client = QuicClient(sock, QuicHello(server_name=HOST, alpn="doq", is_split=True))
    write = client.connection._write_crypto_frame

    def written(builder: object, space: object, stream: object) -> bool:
        whole = stream.sender.get_frame  # type: ignore[attr-defined]

        def noted(*room: int) -> object:
            frame = whole(*room)
            pieces.extend([frame.data] if frame is not None else [])
            return frame

        with monkeypatch.context() as patch:
            patch.setattr(stream.sender, "get_frame", noted)  # type: ignore[attr-defined]
            return write(builder, space, stream)  # type: ignore[arg-type]

    monkeypatch.setattr(client.connection, "_write_crypto_frame", written)
    await client.start()
    await client.close()
    sock.close()

    assert len(pieces) == 2
    assert HOST.encode() in b"".join(pieces)
    assert not any(HOST.encode() in each for each in pieces)


async def test_silence_is_a_timeout_at_connecting() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = await failure(HELLO, silent.getsockname()[1], patience=0.05)

    assert found == Failure(name="generic_timeout_error", stage="connect", detail="TimeoutError")


async def test_a_closed_port_is_refused_at_connecting() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    found = await failure(HELLO, port)

    assert found is not None
    assert (found.name, found.stage) == ("connection_refused", "connect")


async def test_a_server_without_our_protocol_ends_the_handshake_by_an_alert(
    listener: QuicListener,
) -> None:
    found = await failure(QuicHello(server_name=HOST, alpn="h3"), listener.port)

    assert found == Failure(
        name="tls_alert", stage="connect", detail="tlsv13_alert_no_application_protocol"
    )


async def test_a_server_of_other_versions_alone_ends_the_handshake() -> None:
    loop = asyncio.get_running_loop()

    class Other(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            header = pull_quic_header(Buffer(data=data), host_cid_length=8)
            answer = encode_quic_version_negotiation(
                source_cid=header.destination_cid,
                destination_cid=header.source_cid,
                supported_versions=[RESERVED_VERSION],
            )
            self.transport.sendto(answer, addr)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Other, ("127.0.0.1", 0))
    found = await failure(HELLO, transport.get_extra_info("sockname")[1])
    transport.close()
    await asyncio.sleep(0)

    assert found is not None
    assert (found.name, found.stage) == ("ssl_failed_handshake", "connect")
    assert "common protocol version" in found.detail


async def test_a_server_that_refuses_is_named_at_once(authority: Authority) -> None:
    class Refusing(DoqSession):
        def datagram_received(self, data: object, addr: object) -> None:
            self._quic.receive_datagram(data, addr, now=self._loop.time())  # type: ignore[arg-type]
            self._quic.close(QuicErrorCode.CONNECTION_REFUSED, 0, "not you")
            self.transmit()

    make = partial(Refusing, reply_to=lambda query: Reply(message=None))
    async with QuicListener(alpn="doq", chain=chain_of(authority), make=make) as listener:
        found = await failure(HELLO, listener.port)

    assert found == Failure(
        name="connection_refused", stage="connect", detail="ECONNREFUSED quic: refused: not you"
    )


@pytest.mark.parametrize(
    ("code", "frame", "by_peer", "name"),
    [
        (QuicErrorCode.CONNECTION_REFUSED, QuicFrameType.PADDING, True, "connection_refused"),
        (0, QuicFrameType.PADDING, True, "eof_error"),
        (0x100, None, True, "eof_error"),
        (0x107, None, True, "connection_aborted"),
        (QuicErrorCode.PROTOCOL_VIOLATION, QuicFrameType.PADDING, True, "connection_aborted"),
        (0x100 + 112, QuicFrameType.CRYPTO, True, "tls_alert"),
        (0x100 + 255, QuicFrameType.CRYPTO, True, "tls_alert"),
        (0x100 + 40, QuicFrameType.CRYPTO, False, "ssl_failed_handshake"),
        (QuicErrorCode.PROTOCOL_VIOLATION, QuicFrameType.PADDING, False, "ssl_failed_handshake"),
    ],
)
def test_the_end_of_a_connection_has_a_failure_name(
    code: int, frame: int | None, name: str, *, by_peer: bool
) -> None:
    event = ConnectionTerminated(error_code=code, frame_type=frame, reason_phrase="why")

    assert failure_of(error_of(event, by_peer=by_peer), "connect").name == name


def test_the_far_ends_reason_is_kept_without_control_characters() -> None:
    event = ConnectionTerminated(
        error_code=0xA, frame_type=0, reason_phrase="no\x1b[2J" + "x" * 500
    )
    detail = failure_of(error_of(event, by_peer=True), "connect").detail

    assert detail.startswith("ECONNABORTED quic: transport error 0xa: no")
    assert "\x1b" not in detail
    assert len(detail) < 200


def test_a_break_of_http_by_the_far_end_is_an_invalid_response() -> None:
    event = ConnectionTerminated(error_code=0x106, frame_type=None, reason_phrase="torn")
    recorder = ExchangeRecorder(1)
    recorder.stage = "response"
    recorder.fail(error_of(event, by_peer=False))

    assert recorder.failure is not None
    assert recorder.failure.name == "http_invalid_response"


def test_aioquics_own_idle_timeout_is_a_timeout() -> None:
    event = ConnectionTerminated(error_code=1, frame_type=0, reason_phrase="Idle timeout")

    assert failure_of(error_of(event, by_peer=False), "connect").name == "generic_timeout_error"


class Broken(Recorded):
    """A socket at which a network error is reported when something is to be received."""

    def __init__(self, port: int, error: OSError) -> None:
        super().__init__(port)
        self._error = error

    async def receive(self) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    ("number", "name"),
    [(errno.EHOSTUNREACH, "host_unreachable"), (errno.ETIMEDOUT, "timed_out")],
)
async def test_an_error_of_the_socket_keeps_its_name(
    listener: QuicListener, number: int, name: str
) -> None:
    sock = Broken(listener.port, OSError(number, "no"))
    client, recorder = await connected(sock, HELLO)
    sock.close()

    assert recorder.failure is not None
    assert (recorder.failure.name, recorder.failure.stage) == (name, "connect")
    del client


async def test_closing_what_was_never_opened_sends_nothing(listener: QuicListener) -> None:
    sock = Recorded(listener.port)
    client = QuicClient(sock, HELLO)
    await client.close()
    sock.close()

    assert sock.sent == []
