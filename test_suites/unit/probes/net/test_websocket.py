"""WebSockets: frames are those of RFC 6455, and aiohttp understands both of our ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from harness.model.campaign import Limits
from harness.model.content_form import PageContent
from harness.ports.network import Request
from probes.lines.direct import Control, ControlOptions
from probes.net.dialled_exchange import FirstOverStream, by_websocket
from probes.net.file_contents import eicar
from probes.net.websocket import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Message,
    Messages,
    accept_of,
    closing,
    frame,
    requested_key,
)
from probes.range.testbed import RangeTestbed

HOST = "ash.sites.accredit.test"


def test_the_key_of_the_standard_has_the_answer_of_the_standard() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("sent", "messages"),
    [
        (bytes.fromhex("810548656c6c6f"), [(TEXT, b"Hello")]),
        (bytes.fromhex("818537fa213d7f9f4d5158"), [(TEXT, b"Hello")]),
        (bytes.fromhex("010348656c80026c6f"), [(TEXT, b"Hello")]),
        (bytes.fromhex("0103 48656c 8900 80026c6f"), [(PING, b""), (TEXT, b"Hello")]),
        (bytes.fromhex("827e0100") + bytes(256), [(BINARY, bytes(256))]),
        (bytes.fromhex("827f0000000000010000") + bytes(65536), [(BINARY, bytes(65536))]),
        (closing(), [(CLOSE, b"\x03\xe8")]),
    ],
    ids=["plain", "masked", "fragments", "a ping between", "256 bytes", "64 KiB", "closing"],
)
def test_frames_are_read_as_the_standard_shows_them(
    sent: bytes, messages: list[tuple[int, bytes]]
) -> None:
    assert Messages(1 << 20).feed(sent) == messages
    one_by_one = Messages(1 << 20)
    parts = [one_by_one.feed(sent[place : place + 1]) for place in range(len(sent))]
    assert [message for part in parts for message in part] == messages


@given(st.binary(max_size=300), st.booleans(), st.sampled_from([TEXT, BINARY]))
def test_what_is_framed_is_read_again(payload: bytes, masked: bool, opcode: int) -> None:
    assert Messages(300).feed(frame(opcode, payload, masked=masked)) == [Message(opcode, payload)]


@pytest.mark.parametrize(
    "sent",
    ["c10548656c6c6f", "830548656c6c6f", "800548656c6c6f", "01014801 0148", "897e0080", "817e1000"],
    ids=["reserved bit", "unknown opcode", "nothing to continue", "two begun", "long ping", "long"],
)
def test_frames_that_are_invalid_or_too_long_are_refused(sent: str) -> None:
    with pytest.raises(ValueError, match="a WebSocket"):
        Messages(1000).feed(bytes.fromhex(sent))


def test_a_message_of_many_fragments_is_bounded() -> None:
    messages = Messages(10)
    messages.feed(bytes.fromhex("0105 48656c6c6f"))
    with pytest.raises(ValueError, match="too long"):
        messages.feed(bytes.fromhex("8006 48656c6c6f6f"))


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"connection": "keep-alive, Upgrade", "upgrade": "WebSocket"}, "k"),
        ({"connection": "keep-alive", "upgrade": "websocket"}, ""),
        ({"connection": "upgrade", "upgrade": "h2c"}, ""),
    ],
)
def test_a_request_asks_for_a_websocket_or_not(headers: dict[str, str], key: str) -> None:
    assert requested_key(headers | {"sec-websocket-key": "k"}) == key


async def test_aiohttp_gets_a_file_from_our_origin(tmp_path: Path) -> None:
    case = "file:none by WebSocket binary frame"
    contents = {HOST: PageContent(service="download", case=case, label="harmful")}
    async with (
        RangeTestbed(tmp_path, contents=contents) as testbed,
        aiohttp.ClientSession() as session,
    ):
        address = f"http://127.0.0.1:{testbed.origin.ports[80]}/files/a.com"
        async with session.ws_connect(address, headers={"Host": HOST}) as socket:
            message = await socket.receive()
            end = await socket.receive()
        async with session.get(address, headers={"Host": HOST}) as plain:
            status, offered = plain.status, plain.headers["Upgrade"]

    assert (message.type, message.data) == (aiohttp.WSMsgType.BINARY, eicar())
    assert end.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert (status, offered) == (426, "websocket")


async def test_our_client_talks_to_a_server_of_aiohttp(tmp_path: Path) -> None:
    heard: list[str] = []

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        heard.extend(["" if "Sec-Fetch-Mode" in request.headers else request.headers["Origin"]])
        heard.append(await socket.receive_str())
        await socket.ping()
        await socket.send_bytes(b"x" * 70_000)
        heard.append(f"{(await socket.receive()).type.name}")
        return socket

    application = web.Application()
    application.router.add_get("/chat", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with RangeTestbed(tmp_path) as testbed:
        options = ControlOptions(ports={80: port})
        async with Control("control", options, testbed.origin, Limits()) as line:
            headers = (("Connection", "keep-alive"), ("Sec-Fetch-Mode", "navigate"))
            request = Request(url=f"http://{HOST}/chat", headers=headers, timeout=60)
            got = await FirstOverStream(line, by_websocket(b"hello")).fetch(request)
            async with asyncio.timeout(60):
                await runner.cleanup()

    assert got.failure is None
    assert (got.status, got.body) == (101, b"x" * 70_000)
    assert heard[:2] == [f"http://{HOST}", "hello"]
