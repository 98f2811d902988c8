r"""Steps ``h2`` and ``h2c``: a request by HTTP/2, with its fields as they are written.

``h2 :authority={host} :path=/ host={allowed}`` sends it on the open stream (behind TLS with the
protocol ``h2``), or on a new one to port 80, which the client knows to be HTTP/2 (RFC 9113 section
3.3). ``first={allowed}`` requests a page of another host before, on the same connection (section
9.1.1). ``continuation=7`` cuts the header block into fragments of so many bytes, in CONTINUATION
frames (section 6.10). ``h2c`` begins by HTTP/1.1 and asks for an upgrade (RFC 7540 section 3.2):
with its own request, or with that for ``first``. See ``http2_fields`` for the fields.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.ports.streams import ByteStream
from probes.net.exchange_recorder import write_head
from probes.net.raw_http1 import SWITCHING, read_answer
from probes.net.raw_http2 import Fields, Http2Client, settings_header
from probes.techniques.http1_step import HTTP_PORT
from probes.techniques.http2_fields import RequestFields, read_fields
from probes.techniques.run import AnsweredError, NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import step


@step("h2")
def read_h2(text: str) -> StepRun:
    """Read the fields of a request by HTTP/2."""
    wanted = read_fields(text)

    async def run(run: TechniqueRun) -> None:
        client = Http2Client(await _open(run))
        run.recorder.stage = "request"
        await client.begin()
        if wanted.first:
            await _skip_answer(run, client, await _send(run, client, wanted.first_request(run)))
        await _request(run, client, wanted)

    return run


@step("h2c")
def read_h2c(text: str) -> StepRun:
    """Read the fields of a request on a connection that is upgraded to HTTP/2."""
    wanted = read_fields(text)

    async def run(run: TechniqueRun) -> None:
        stream, recorder = await _open(run), run.recorder
        recorder.stage = "request"
        head = _upgrade_head(run, wanted)
        run.note("h2c", run.where, head)
        await stream.write(head)
        recorder.stage = "response"
        unread = await read_answer(stream, recorder)
        if recorder.head is None or recorder.head.status != SWITCHING:
            raise AnsweredError
        recorder.head = None
        client = Http2Client(stream, unread)
        await client.begin(upgraded=True)
        if not wanted.first:
            await client.read_answer(1, recorder)
            return
        await _skip_answer(run, client, 1)
        await _request(run, client, wanted)

    return run


async def _open(run: TechniqueRun) -> ByteStream:
    """Return a stream that leads to the origin itself. Raises NotCarriedError, NotDialledError."""
    stream = await run.open(HTTP_PORT)
    if run.is_proxied:
        raise NotCarriedError("the stream leads to a proxy that takes requests by HTTP/1 alone")
    return stream


async def _request(run: TechniqueRun, client: Http2Client, wanted: RequestFields) -> None:
    run.recorder.stage = "request"
    number = await _send(run, client, wanted.request(run), wanted.fragment)
    run.recorder.stage = "response"
    await client.read_answer(number, run.recorder)


async def _skip_answer(run: TechniqueRun, client: Http2Client, number: int) -> None:
    """Read an answer and drop it. Raises AnsweredError if it came by HTTP/1, and keeps it."""
    recorder = run.recorder
    recorder.stage = "response"
    await client.read_answer(number, recorder)
    if client.is_http1:
        raise AnsweredError
    recorder.head = None
    recorder.body.clear()


async def _send(run: TechniqueRun, client: Http2Client, fields: Fields, fragment: int = 0) -> int:
    run.note("h2", run.where, b"".join(b"%s: %s\n" % field for field in fields))
    return await client.request(fields, fragment=fragment)


def _upgrade_head(run: TechniqueRun, wanted: RequestFields) -> bytes:
    """Return the request by HTTP/1.1 that asks for the upgrade: that for ``first``, if any."""
    host, path = run.text(wanted.first), "/"
    if not wanted.first:
        host = wanted.value(run, ":authority", "host")
        path = wanted.value(run, ":path") or "/"
    upgrade: Sequence[tuple[str, str]] = (
        ("Host", host),
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", settings_header()),
    )
    return write_head("GET", path, [*upgrade, *wanted.http1_head(run)])
