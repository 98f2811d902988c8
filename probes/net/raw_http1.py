"""Read an HTTP/1 answer from a byte stream, also a malformed one (RFC 9112, RFC 1945 section 6).

An answer without a status line (HTTP/0.9) is a body alone; lines may end with a line feed alone.
Interim answers (1xx) are skipped, but for 101, behind which another protocol begins.
"""

from __future__ import annotations

import re

from harness.ports.streams import ByteStream
from probes.net.exchange_recorder import HEAD_BYTES, ExchangeRecorder, Head, header_text

SWITCHING, CONTINUE = 101, range(100, 200)
BODILESS = frozenset({204, 304})

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +([1-5]\d\d)\b")
_END = re.compile(rb"\r?\n\r?\n")
_SIZE = re.compile(rb"\s*([0-9A-Fa-f]+)[^\n]*\n")


async def read_answer(stream: ByteStream, recorder: ExchangeRecorder, unread: bytes = b"") -> bytes:
    """Read one answer into a recorder; return what came after it.

    ``unread`` came before. Raises OSError, EOFError if nothing or only a part of a head came.
    """
    reader = _Reader(stream, unread)
    while True:
        head = await _read_head(reader)
        if head is None:
            recorder.body += await reader.until_closed(recorder.limit)
            recorder.head = Head(status=200, headers=())
            return b""
        recorder.head = head
        if head.status not in CONTINUE or head.status == SWITCHING:
            break
    if head.status == SWITCHING:
        return reader.data
    await _read_body(reader, recorder, head)
    return reader.data


class _Reader:
    """Bytes of a stream that were received and not yet used."""

    def __init__(self, stream: ByteStream, unread: bytes) -> None:
        self._stream = stream
        self.data = unread
        self.has_ended = False

    async def more(self) -> bool:
        """Receive more; False if the far end has closed. Raises OSError."""
        received = b"" if self.has_ended else await self._stream.read()
        self.has_ended = not received
        self.data += received
        return bool(received)

    async def take(self, size: int) -> bytes:
        """Return so many bytes, or fewer if the far end closed before."""
        while len(self.data) < size and await self.more():
            pass
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    async def until_closed(self, limit: int) -> bytes:
        """Return everything up to the end, or one byte more than the limit."""
        while len(self.data) <= limit and await self.more():
            pass
        taken, self.data = self.data[: limit + 1], b""
        return taken


async def _read_head(reader: _Reader) -> Head | None:
    """Return a head; None if the answer has none."""
    while (end := _END.search(reader.data)) is None and len(reader.data) <= HEAD_BYTES:
        if not b"HTTP/".startswith(reader.data[:5]):
            return None
        if not await reader.more():
            break
    if not reader.data:
        raise EOFError("the connection was closed without an answer")
    status = _STATUS.match(reader.data)
    if status is None:
        return None
    if end is None:
        raise EOFError("the head of the answer has no end")
    head, reader.data = reader.data[: end.start()], reader.data[end.end() :]
    pairs = (line.partition(b":") for line in head.split(b"\n")[1:] if b":" in line)
    headers = tuple(
        (header_text(name.strip()).lower(), header_text(value.strip())) for name, _, value in pairs
    )
    return Head(status=int(status[1]), headers=headers)


async def _read_body(reader: _Reader, recorder: ExchangeRecorder, head: Head) -> None:
    if head.status in BODILESS:
        return
    if "chunked" in head.header("transfer-encoding").lower():
        await _read_chunks(reader, recorder)
        return
    length = head.header("content-length")
    if not (length.isascii() and length.isdigit()):
        recorder.body += await reader.until_closed(recorder.limit)
        return
    wanted = min(int(length), recorder.limit + 1)
    recorder.body += await reader.take(wanted)
    if len(recorder.body) < wanted:
        raise EOFError(f"the body ended after {len(recorder.body)} of {length} bytes")


async def _read_chunks(reader: _Reader, recorder: ExchangeRecorder) -> None:
    """Read a chunked body (RFC 9112 section 7.1)."""
    while len(recorder.body) <= recorder.limit:
        while (size := _SIZE.match(reader.data)) is None:
            if len(reader.data) > HEAD_BYTES:
                raise ValueError("a chunk has no size")
            if not await reader.more():
                raise EOFError("the body ended between its chunks")
        reader.data = reader.data[size.end() :]
        count = int(size[1], 16)
        if not count:
            await _skip_trailers(reader)
            return
        chunk = await reader.take(min(count, recorder.limit + 1))
        recorder.body += chunk
        if len(chunk) < count and len(recorder.body) <= recorder.limit:
            raise EOFError("the body ended inside a chunk")


async def _skip_trailers(reader: _Reader) -> None:
    while b"\n" not in reader.data and await reader.more():
        pass
    line, _, reader.data = reader.data.partition(b"\n")
    if line.strip():
        await _skip_trailers(reader)
