r"""Step ``http1``: send the bytes of a request as they are written, and read an answer.

``http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n``. At ``{cut}`` what precedes is sent
by itself; at ``{wait}`` as well, and the rest follows after a pause; at ``{answer}`` an answer is
read and dropped before the rest is sent, over a new connection if that answer ends this one. Where
the answer switches to another protocol, such as a WebSocket, what follows is recorded as its body.
"""

from __future__ import annotations

import asyncio

from probes.net.exchange_recorder import ExchangeRecorder, Head
from probes.net.raw_http1 import SWITCHING, read_answer
from probes.techniques.placeholders import AtMark, Piece, pieces_of
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import step

PAUSE = 0.3
"""Seconds at ``{wait}``: longer than a filter waits that looks at the first packet alone."""

HTTP_PORT = 80


@step("http1")
def read_http1(text: str) -> StepRun:
    """Read the bytes of one or several requests."""
    pieces = pieces_of(text)
    if not pieces:
        raise ValueError("no bytes are given")

    async def run(run: TechniqueRun) -> None:
        await send_http1(run, pieces)

    return run


async def send_http1(run: TechniqueRun, pieces: tuple[Piece, ...]) -> None:
    """Send a template over the open stream, or a new one, and record the last answer.

    Raises what a stream raises, EOFError, and ValueError for an answer that is not HTTP.
    """
    is_first = run.stream is None
    stream = await run.open(HTTP_PORT, plain=True)
    recorder = run.recorder
    recorder.stage = "request"
    part: list[Piece] = []
    unread = b""
    for place, piece in enumerate((*pieces, AtMark("cut")), 1):
        if not isinstance(piece, AtMark):
            part.append(piece)
            continue
        data = run.text(tuple(part)).encode("utf-8", "surrogateescape")
        part.clear()
        if data:
            run.note("http1", run.where, data)
            await stream.write(data)
        if piece.mark == "wait":
            await asyncio.sleep(PAUSE)
        elif piece.mark == "answer":
            recorder.stage = "response"
            dropped = ExchangeRecorder(recorder.limit)
            unread = await read_answer(stream, dropped, unread)
            recorder.stage = "request"
            if is_first and place < len(pieces) and ends_connection(dropped.head):
                run.stream, unread = None, b""
                stream = await run.open(HTTP_PORT, plain=True)
        else:
            await asyncio.sleep(0)
    recorder.stage = "response"
    unread = await read_answer(stream, recorder, unread)
    if recorder.head is not None and recorder.head.status == SWITCHING:
        recorder.body += unread
        while len(recorder.body) <= recorder.limit and (received := await stream.read()):
            recorder.body += received


def ends_connection(head: Head | None) -> bool:
    """Whether an answer says that its connection ends, as those of many proxies do."""
    return head is not None and "close" in head.header("connection").lower()
