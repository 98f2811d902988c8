"""HTTP/2 over a byte stream, with requests as they are given, also invalid ones (RFC 9113).

``Http2Client`` sends header fields unchanged and in order, which libraries for HTTP/2 refuse where
they are not valid, and reads one answer at a time into an ``ExchangeRecorder``. ``FrameReader``
joins received bytes to frames. A far end that answers by HTTP/1 (a filter with a block page, to a
client that has not negotiated HTTP/2) is read as such.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from harness.ports.streams import ByteStream
from probes.net.exchange_recorder import HEAD_BYTES, ExchangeRecorder, Head, header_text
from probes.net.raw_http1 import CONTINUE, read_answer

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields in order, pseudo-header fields among them."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (section 3.4)."""

FRAME_BYTES = 16384
"""The longest frame that is sent or accepted: the initial SETTINGS_MAX_FRAME_SIZE."""

MOST_CONTINUATIONS = 8
"""CONTINUATION frames of one header block; common servers close a connection at more."""

SETTINGS = {
    SettingsFrame.HEADER_TABLE_SIZE: 65536,
    SettingsFrame.ENABLE_PUSH: 0,
    SettingsFrame.INITIAL_WINDOW_SIZE: 6291456,
    SettingsFrame.MAX_HEADER_LIST_SIZE: 262144,
}
"""The settings of a client: those of Chromium."""

WINDOW = 15663105
"""By how much a client enlarges the window of its connection at the start: as Chromium does."""

TABLE_BYTES = 4096
"""The largest table for HPACK that requests use: the initial SETTINGS_HEADER_TABLE_SIZE."""

_HEAD_OF_FRAME = 9
_HTTP1 = b"HTTP/1"


def settings_header() -> str:
    """Return the settings for the header HTTP2-Settings of an upgrade (RFC 7540 section 3.2.1)."""
    body = SettingsFrame(0, settings=SETTINGS).serialize_body()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


class FrameReader:
    """Joins received bytes to frames (section 4.1); ``unread`` are those of no whole frame yet."""

    def __init__(self) -> None:
        self.unread = bytearray()

    def add(self, data: bytes) -> None:
        """Add received bytes."""
        self.unread += data

    def take(self) -> Frame | None:
        """Remove and return the next frame; None while it is incomplete. Raises ValueError."""
        if len(self.unread) < _HEAD_OF_FRAME:
            return None
        try:
            frame, size = Frame.parse_frame_header(memoryview(bytes(self.unread[:_HEAD_OF_FRAME])))
            if size > FRAME_BYTES:
                msg = f"a frame of {size} bytes is longer than was allowed"
                raise ValueError(msg)
            end = _HEAD_OF_FRAME + size
            if len(self.unread) < end:
                return None
            frame.parse_body(memoryview(bytes(self.unread[_HEAD_OF_FRAME:end])))
        except HyperframeError as error:
            msg = f"no HTTP/2 frame: {error}"
            raise ValueError(msg) from None
        del self.unread[:end]
        return frame


class Http2Client:
    """The client's side of a connection; ``unread`` was received on the stream before.

    ``is_http1`` says that the far end answered by HTTP/1.
    """

    def __init__(self, stream: ByteStream, unread: bytes = b"") -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._reader.add(unread)
        self._has_frames = False
        self.is_http1 = False
        self._encoder, self._decoder = Encoder(), Decoder(max_header_list_size=HEAD_BYTES)
        self._decoder.max_allowed_table_size = SETTINGS[SettingsFrame.HEADER_TABLE_SIZE]
        self._next_stream = 1
        self._block = bytearray()
        self._block_of: HeadersFrame | PushPromiseFrame | None = None

    async def begin(self, *, upgraded: bool = False) -> bytes:
        """Send the preface, settings, and a larger window; return what was sent.

        ``upgraded``: stream 1 was requested by HTTP/1.1 (RFC 7540 section 3.2). Raises OSError.
        """
        data = PREFACE + SettingsFrame(0, settings=SETTINGS).serialize()
        data += WindowUpdateFrame(0, window_increment=WINDOW).serialize()
        if upgraded:
            self._next_stream += 2
        await self._stream.write(data)
        return data

    async def request(self, fields: Fields, *, fragment: int = 0) -> int:
        """Send a request without a body; return the number of its stream. Raises OSError.

        With ``fragment`` the first so many bytes of its header block are in the HEADERS frame, and
        the rest in up to MOST_CONTINUATIONS CONTINUATION frames of that size (section 6.10), but
        the last, which has all that remains.
        """
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        block = self._encoder.encode(list(fields))
        await self._stream.write(b"".join(_header_frames(stream, block, fragment)))
        return stream

    async def read_answer(self, stream: int, recorder: ExchangeRecorder) -> None:
        """Read the answer to a stream into a recorder; other streams are skipped.

        Raises OSError, EOFError if the connection or the stream was ended before the answer was
        complete, ValueError for what is not HTTP.
        """
        answer = _Answer(stream, recorder)
        while not answer.is_complete:
            if self._begins_as_http1:
                self.is_http1 = True
                await read_answer(self._stream, recorder, bytes(self._reader.unread))
                return
            frame = self._reader.take()
            if frame is not None:
                self._has_frames = True
                await self._process(frame, answer)
                continue
            data = await self._stream.read()
            if not data:
                raise EOFError("the connection was closed before the answer was complete")
            self._reader.add(data)

    @property
    def _begins_as_http1(self) -> bool:
        """Whether the far end answers by HTTP/1."""
        return not self._has_frames and self._reader.unread.startswith(_HTTP1)

    async def _process(self, frame: Frame, answer: _Answer) -> None:
        """Process one frame. Raises OSError, EOFError, ValueError."""
        if isinstance(frame, ContinuationFrame) is (self._block_of is None):
            raise ValueError("the frames of a header block are out of order")
        if isinstance(frame, (HeadersFrame, PushPromiseFrame)):
            self._block_of = frame
        if isinstance(frame, (HeadersFrame, PushPromiseFrame, ContinuationFrame)):
            self._add_to_block(frame, answer)
        elif isinstance(frame, DataFrame):
            await self._take_data(frame, answer)
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            table_size = frame.settings.get(SettingsFrame.HEADER_TABLE_SIZE)
            if table_size is not None:
                self._encoder.header_table_size = min(table_size, TABLE_BYTES)
            await self._send(SettingsFrame(0, flags=["ACK"]))
        elif isinstance(frame, PingFrame) and "ACK" not in frame.flags:
            await self._send(PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
        else:
            _check_end(frame, answer.stream)

    async def _send(self, frame: Frame) -> None:
        await self._stream.write(frame.serialize())

    def _add_to_block(
        self, frame: HeadersFrame | PushPromiseFrame | ContinuationFrame, answer: _Answer
    ) -> None:
        """Collect a header block; decode it at its end, whatever stream it is for (HPACK)."""
        begun = self._block_of
        if begun is None or begun.stream_id != frame.stream_id:
            raise ValueError("the frames of a header block are of different streams")
        self._block += frame.data
        if len(self._block) > HEAD_BYTES:
            raise ValueError("a header block is too long")
        if "END_HEADERS" not in frame.flags:
            return
        block, self._block, self._block_of = bytes(self._block), bytearray(), None
        try:
            fields = [(name, value) for name, value, *_ in self._decoder.decode(block, raw=True)]
        except HPACKError as error:
            msg = f"a header block is invalid: {error}"
            raise ValueError(msg) from None
        if begun.stream_id == answer.stream and isinstance(begun, HeadersFrame):
            answer.add_fields(fields, ends="END_STREAM" in begun.flags)

    async def _take_data(self, frame: DataFrame, answer: _Answer) -> None:
        if frame.flow_controlled_length:
            for stream in (0, frame.stream_id):
                update = WindowUpdateFrame(stream, window_increment=frame.flow_controlled_length)
                await self._send(update)
        if frame.stream_id == answer.stream:
            answer.add_data(frame.data, ends="END_STREAM" in frame.flags)


class _Answer:
    """The answer to one stream, as far as it came."""

    def __init__(self, stream: int, recorder: ExchangeRecorder) -> None:
        self.stream = stream
        self.is_complete = False
        self._recorder = recorder
        self._has_head = False

    def add_fields(self, fields: Fields, *, ends: bool) -> None:
        """Add the fields of a head or of trailers; interim answers and trailers are dropped."""
        self.is_complete = ends
        if self._has_head:
            return
        status = next((value for name, value in fields if name == b":status"), b"")
        if not (len(status) == len(b"200") and status.isdigit()):
            msg = f"an answer has no status: {status[:20]!r}"
            raise ValueError(msg)
        headers = tuple(
            (header_text(name).lower(), header_text(value))
            for name, value in fields
            if not name.startswith(b":")
        )
        if int(status) not in CONTINUE:
            self._recorder.head = Head(status=int(status), headers=headers)
            self._has_head = True
        elif ends:
            raise ValueError("an interim answer ends its stream")

    def add_data(self, data: bytes, *, ends: bool) -> None:
        """Add a part of the body; at the limit, the answer counts as complete."""
        if not self._has_head:
            raise ValueError("the body of an answer came before its head")
        self._recorder.body += data
        self.is_complete = ends or len(self._recorder.body) > self._recorder.limit


def _check_end(frame: Frame, stream: int) -> None:
    """Raise EOFError for a frame by which the far end gives up a stream, or the connection."""
    if isinstance(frame, RstStreamFrame) and frame.stream_id == stream:
        msg = f"the stream was reset with error code {frame.error_code}"
        raise EOFError(msg)
    if isinstance(frame, GoAwayFrame) and (frame.error_code or frame.last_stream_id < stream):
        reason = frame.additional_data[:80].decode("utf-8", "backslashreplace")
        msg = f"the connection was ended with error code {frame.error_code} {reason}"
        raise EOFError(msg.rstrip())


def _header_frames(stream: int, block: bytes, fragment: int) -> list[bytes]:
    """Return a header block as a HEADERS frame and, where needed, CONTINUATION frames."""
    size = fragment or FRAME_BYTES
    parts = [block[start : start + size] for start in range(0, len(block), size)]
    if fragment:
        parts[MOST_CONTINUATIONS:] = [b"".join(parts[MOST_CONTINUATIONS:])]
    frames: list[Frame] = [HeadersFrame(stream, parts[0], flags=["END_STREAM"])]
    frames += [ContinuationFrame(stream, part) for part in parts[1:] if part]
    frames[-1].flags.add("END_HEADERS")
    return [frame.serialize() for frame in frames]
