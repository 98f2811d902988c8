r"""Step ``repeat``: requests before the one that matters, on the same connection.

``repeat 99 GET {allowed-target} HTTP/1.1\r\nHost: {allowed}\r\n{marks}\r\n | http1 GET ...``. Each
is sent after the answer to the one before; the answers are dropped. Where an answer ends the
connection, the next request goes over a new one.
"""

from __future__ import annotations

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http1 import read_answer
from probes.techniques.http1_step import HTTP_PORT, ends_connection
from probes.techniques.placeholders import pieces_of
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import step

MOST = 1000


@step("repeat")
def read_repeat(text: str) -> StepRun:
    """Read how many requests there are, and the bytes of each."""
    number, _, template = text.partition(" ")
    pieces = pieces_of(template)
    if not (number.isascii() and number.isdigit() and 0 < int(number) <= MOST):
        msg = f"{number!r} is no number of requests from 1 to {MOST}"
        raise ValueError(msg)
    if not pieces:
        raise ValueError("no bytes are given")

    async def run(run: TechniqueRun) -> None:
        is_first = run.stream is None
        unread = b""
        for place in range(int(number)):
            stream = await run.open(HTTP_PORT, plain=True)
            data = run.text(pieces).encode("utf-8", "surrogateescape")
            if not place:
                run.note("repeat", run.where, data)
            run.recorder.stage = "request"
            await stream.write(data)
            run.recorder.stage = "response"
            dropped = ExchangeRecorder(run.recorder.limit)
            unread = await read_answer(stream, dropped, unread)
            if is_first and ends_connection(dropped.head):
                run.stream, unread = None, b""

    return run
