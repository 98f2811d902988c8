"""Steps ``ws`` and ``ws-tunnel``: a WebSocket on the open stream, or on a new one to port 80.

``ws host={host} path=/`` opens one as a page of that host would (RFC 6455), and records its first
message as the answer. ``ws-tunnel host={allowed} path=/tunnel`` opens one whose messages carry what
the next steps send and receive, such as ``http1``. Without ``host`` it is that of the connection.
"""

from __future__ import annotations

from probes.net.exchange_recorder import write_head
from probes.net.raw_http1 import SWITCHING, read_answer
from probes.net.websocket import VERSION, accept_of, new_key
from probes.net.websocket_stream import WebSocketStream
from probes.techniques.http1_step import HTTP_PORT
from probes.techniques.http2_fields import SECURE_PORTS, browser_headers
from probes.techniques.placeholders import pieces_of
from probes.techniques.run import AnsweredError, NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import options_of, step

PAGES_ALONE = ("accept", "priority", "upgrade-insecure-requests", "sec-")
"""Starts of the names of headers that browsers send for a page and not for a WebSocket."""

TUNNEL_PATH = "/tunnel"
"""The path of a tunnel at the origin's hosts of techniques."""


@step("ws")
def read_ws(text: str) -> StepRun:
    """Read the options ``host`` and ``path``."""
    opening = _Opening(text, "/")

    async def run(run: TechniqueRun) -> None:
        socket = await opening.carry_out(run, has_nonce=True)
        run.recorder.body += await socket.read()
        if not run.recorder.body:
            raise EOFError("the WebSocket was closed without a message")

    return run


@step("ws-tunnel")
def read_ws_tunnel(text: str) -> StepRun:
    """Read the options ``host`` and ``path``."""
    opening = _Opening(text, TUNNEL_PATH)

    async def run(run: TechniqueRun) -> None:
        run.stream = await opening.carry_out(run, has_nonce=False)
        run.recorder.head = None

    return run


class _Opening:
    """How a WebSocket is opened."""

    def __init__(self, text: str, path: str) -> None:
        options = options_of(text, {"host": "", "path": path})
        self._host, self._path = pieces_of(options["host"]), pieces_of(options["path"])

    async def carry_out(self, run: TechniqueRun, *, has_nonce: bool) -> WebSocketStream:
        """Ask for a WebSocket. Raises AnsweredError if it was not accepted.

        Raises ValueError if it was accepted wrongly, and what a stream raises.
        """
        recorder = run.recorder
        stream = await run.open(HTTP_PORT)
        if run.is_proxied:
            raise NotCarriedError("a proxy that takes requests by HTTP carries no WebSocket")
        key = new_key()
        head = self._head(run, key, has_nonce=has_nonce)
        recorder.stage = "request"
        run.note("ws", run.where, head)
        await stream.write(head)
        recorder.stage = "response"
        unread = await read_answer(stream, recorder)
        if recorder.head is None or recorder.head.status != SWITCHING:
            raise AnsweredError
        if recorder.head.header("sec-websocket-accept") != accept_of(key):
            raise ValueError("the WebSocket was accepted with a wrong key")
        return WebSocketStream(stream, recorder.limit, unread)

    def _head(self, run: TechniqueRun, key: str, *, has_nonce: bool) -> bytes:
        """Return the request that opens it, as from a page of its own host (section 4.1)."""
        host = run.text(self._host) or run.host
        scheme = "https" if run.port in SECURE_PORTS else "http"
        headers = [
            ("Host", host),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Origin", f"{scheme}://{host}"),
            ("Sec-WebSocket-Version", VERSION),
            ("Sec-WebSocket-Key", key),
        ]
        headers += [
            (name, value)
            for name, value in browser_headers(run, has_nonce=has_nonce)
            if name.lower() in ("accept-encoding", "accept-language")
            or not name.lower().startswith(PAGES_ALONE)
        ]
        return write_head("GET", run.text(self._path), headers)
