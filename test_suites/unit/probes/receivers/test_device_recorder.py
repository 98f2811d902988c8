"""What a device sends is recorded, and a request like it is the same again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.ports.network import Request
from probes.net.browser_profiles import Headers
from probes.net.client_hello import ClientHello, Extension, numbers, vector
from probes.net.curl_transfer import CurlTransfer, dress_as
from probes.net.device_profiles import DEVICES
from probes.net.device_recording import (
    DeviceRecording,
    RecordedHello,
    RecordedHttp2,
    read_recording,
)
from probes.net.dialling import dial_stream
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.route import Address, Route, client_tls_context
from probes.range.authority import Authority
from probes.receivers import device_check
from probes.receivers.device_check import HOST, LOOPBACK, repeated
from probes.receivers.device_recorder import (
    MOST_BYTES,
    RecorderServer,
    SeenRequest,
    recording_of,
)

HELLO = RecordedHello(ciphers=(0x1301, 0x1302, 0x1303), extensions=(0, 10, 13, 16, 43, 51))


@dataclass
class Recorder:
    """A recorder on loopback, and what it kept."""

    port: int
    seen: list[SeenRequest] = field(default_factory=list)

    async def ask_as(self, device: str, path: str = "/", more: Headers = ()) -> ExchangeRecorder:
        """Ask over TLS as a device does."""
        there = Address(host=LOOPBACK, port=self.port)
        dialled = await dial_stream(Route(address=there, trust=client_tls_context("")), there, 60)
        assert dialled.opened is not None
        profile, recorder = DEVICES[device], ExchangeRecorder(1 << 16)
        headers = profile.headers.headers("https", more=more).direct
        await CurlTransfer(
            request=Request(url=f"https://{HOST}{path}", headers=headers, timeout=60),
            dress=partial(dress_as, profile.handshake),
            authorities=None,
        ).over(dialled.opened, recorder)
        return recorder

    async def send(self, data: bytes) -> bytes:
        """Send bytes without TLS; return the answer."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        writer.write(data)
        async with asyncio.timeout(60):
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    found = Recorder(port=0)
    context = Authority().context(HOST)
    async with RecorderServer(
        LOOPBACK, 0, context, found.seen.append, lambda _: "<p>kept</p>"
    ) as server:
        found.port = server.port
        yield found


@pytest.mark.parametrize("device", list(DEVICES))
async def test_a_request_like_a_recorded_one_is_the_same(recorder: Recorder, device: str) -> None:
    answer = await recorder.ask_as(device)
    recording = recording_of(device, "2026-11-29", recorder.seen)

    assert answer.head is not None
    assert (answer.head.status, bytes(answer.body)) == (200, b"<p>kept</p>")
    assert recording is not None
    assert recording.http2 is not None
    assert recording.differences(await repeated(recording)) == ()
    written = msgspec.json.encode(recording)
    assert read_recording(written) == recording


async def test_what_belongs_to_one_visit_is_not_kept(recorder: Recorder) -> None:
    secret = (("Cookie", "id=7"), ("Authorization", "Basic eA=="), ("Referer", "https://a.test/"))
    await recorder.ask_as("windows-firefox", more=secret)
    await recorder.send(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: id=7\r\nX-A: 1\r\n\r\n")

    assert len(recorder.seen) == 2
    for one in recorder.seen:
        assert {"cookie", "authorization", "referer", "host"}.isdisjoint(
            name.lower() for name, _ in one.headers
        )
    assert recorder.seen[1] == SeenRequest(path="/", headers=(("X-A", "1"),))


async def test_headers_with_control_characters_are_not_kept(recorder: Recorder) -> None:
    await recorder.send(b"GET / HTTP/1.1\r\nA: \x1b[2J\r\nB: 1\r\nC\x07: 2\r\n\r\n")

    assert recorder.seen == [SeenRequest(path="/", headers=(("B", "1"),))]


async def test_the_page_counts_and_not_its_icon(recorder: Recorder) -> None:
    await recorder.send(b"GET / HTTP/1.1\r\nUser-Agent: plain\r\n\r\n")
    await recorder.ask_as("macos-safari")
    await recorder.ask_as("windows-firefox", "/favicon.ico")
    recording = recording_of("mac", "2026-11-29", recorder.seen)

    assert recording is not None
    assert "Version/27.0" in dict(recording.headers)["user-agent"]
    assert recording.plain_headers == (("User-Agent", "plain"),)


async def test_without_a_page_over_tls_there_is_no_recording(recorder: Recorder) -> None:
    await recorder.send(b"GET / HTTP/1.1\r\nUser-Agent: plain\r\n\r\n")

    assert recording_of("x", "2026-11-29", recorder.seen) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\x05nohel",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"A" * (MOST_BYTES + 1),
    ],
    ids=["no hello", "an empty hello", "too much"],
)
async def test_what_is_not_understood_ends_the_connection(recorder: Recorder, data: bytes) -> None:
    assert await recorder.send(data) == b""
    assert recorder.seen == []


@pytest.mark.parametrize(
    ("has_grease", "agent", "told"),
    [(True, "Chrome/152", False), (False, "x Chrome/152", True), (False, "Firefox/155", False)],
)
def test_a_handshake_that_is_not_the_browsers_is_noticed(
    has_grease: bool, agent: str, told: bool
) -> None:
    hello = msgspec.structs.replace(HELLO, has_grease=has_grease)
    headers = (("User-Agent", agent),)

    recording = DeviceRecording(name="x", recorded="", hello=hello, headers=headers)
    assert recording.may_be_opened is told


async def test_a_recording_that_no_program_can_repeat_is_told() -> None:
    """No key share is offered, so that no handshake can be made."""
    broken = msgspec.structs.replace(HELLO, groups=(0x6A6A,), extensions=(0,))
    recording = DeviceRecording(name="x", recorded="2026-11-29", hello=broken)

    with pytest.raises(UsageError, match="x: the handshake cannot be repeated"):
        await repeated(recording)


async def test_without_curl_nothing_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_check, "can_browse", lambda: False)

    with pytest.raises(UsageError, match="curl_cffi"):
        await repeated(DeviceRecording(name="x", recorded="2026-11-29", hello=HELLO))


def test_what_differs_is_told() -> None:
    one = DeviceRecording(
        name="x", recorded="", hello=HELLO, http2=RecordedHttp2(window=1), headers=(("a", "b"),)
    )
    moved = msgspec.structs.replace(HELLO, extensions=HELLO.extensions[::-1])
    other = msgspec.structs.replace(
        one, hello=msgspec.structs.replace(moved, groups=(29,)), http2=None, headers=()
    )

    assert one.differences(msgspec.structs.replace(one, hello=moved)) == ()
    told = one.differences(other)
    assert told[0] == "groups: recorded none, repeated 0x001d"
    assert [each.partition(":")[0] for each in told] == ["groups", "http2", "headers"]


def test_a_resumed_session_and_reserved_values_are_left_out() -> None:
    hello = ClientHello(
        random=bytes(32),
        ciphers=(0x0A0A, 0x1301),
        extensions=(
            Extension(0x1A1A, b""),
            Extension(10, numbers((0x2A2A, 29), 2)),
            Extension(51764, vector(vector(bytes.fromhex("82df1302"), 1), 2)),
            Extension(21, bytes(9)),
            Extension(42, b""),
            Extension(41, b"secret"),
        ),
    )

    assert RecordedHello.of(hello) == RecordedHello(
        ciphers=(0x1301,), extensions=(0, 10, 51764), groups=(29,), anchors=("44947.2",),
        has_grease=True,
    )  # fmt: skip


@given(st.binary(max_size=200))
def test_any_bytes_are_a_recording_or_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a recorded device"):
        read_recording(data)
