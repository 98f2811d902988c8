"""How far an HTTP answer has been sent: its status, media type and bytes, and whether it ended."""

from __future__ import annotations

MAX_HEAD_BYTES = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_BODILESS = frozenset({204, 304})
_SWITCHING, _FIRST_FINAL = 101, 200


class AnswerProgress:
    """Follows the bytes of an answer to a request with ``method`` (RFC 9112 section 6.3).

    ``status`` is 0 and ``content_type`` empty until the head has been sent, and for what is not
    HTTP. ``sent`` counts all bytes.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._head: bytearray | None = bytearray()
        self._end = b""
        self._left: int | None = None
        self._is_chunked = False
        self.status = 0
        self.content_type = ""
        self.sent = 0

    @property
    def is_tunnel(self) -> bool:
        """Whether what follows the head is not HTTP: after CONNECT, or a change of protocol."""
        is_open = self._method == "CONNECT" and self.status // 100 == 2  # noqa: PLR2004 - 2xx
        return is_open or self.status == _SWITCHING

    @property
    def is_complete(self) -> bool:
        """Whether the answer ended, as its head says where it ends."""
        if self._head is not None or not self.status or self.is_tunnel:
            return False
        if self._method == "HEAD" or self.status in _BODILESS:
            return True
        if self._is_chunked:
            return self._end == _LAST_CHUNK
        return self._left is not None and self._left <= 0

    def open_tunnel(self) -> None:
        """Note that the connection passes bytes on unread from now on."""
        self._head, self.status = None, 200

    def add(self, data: bytes) -> None:
        """Follow the next bytes."""
        self.sent += len(data)
        while self._head is not None:
            self._head += data
            head, end, data = bytes(self._head).partition(_END_OF_HEAD)
            if not end:
                if len(head) > MAX_HEAD_BYTES:
                    self._head = None
                return
            self._read(head.decode("latin-1"))
        self._end = (self._end + data)[-len(_LAST_CHUNK) :]
        if self._left is not None:
            self._left -= len(data)

    def _read(self, head: str) -> None:
        """Read a head; of an interim one (1xx) only that another follows."""
        first, *lines = head.split("\r\n")
        version, _, rest = first.partition(" ")
        code = rest[:3]
        self._head = None
        if not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
            return
        status = int(code)
        if status < _FIRST_FINAL and status != _SWITCHING:
            self._head = bytearray()
            return
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.status = status
        self.content_type = headers.get("content-type", "").partition(";")[0].strip()
        self._is_chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._end = b"\r\n"
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit():
            self._left = int(length)
