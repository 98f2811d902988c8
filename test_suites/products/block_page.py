"""The supplier's own web server, where a redirect or a sinkhole address leads to."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

PAGE = """<!doctype html><html lang="en"><head><title>Website blocked</title></head>
<body><h1>Website blocked</h1><p>Your school's filtering service does not allow this website.
Ask your teacher if you need it for your work.</p></body></html>
"""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing: the tests read what the client saw."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class BlockPage:
    """Answers every request with one page, status 200; ``url`` says where."""

    def __init__(self, address: str, port: int = 0) -> None:
        self._server = _Server((address, port), _Answer)
        self.address = address
        self.port: int = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}/blocked"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
