"""Serve the page of an agent on this device alone, for the person who uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.errors import UsageError

LOOPBACK = "127.0.0.1"
HOSTS = frozenset({LOOPBACK, "localhost"})
"""The names by which the page may be asked for; others could be those of a foreign page."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


@contextmanager
def serving_page(port: int, page: Callable[[], str]) -> Iterator[int]:
    """Serve ``page`` on the loopback address while the context lasts; gives the port.

    Raises UsageError if the port is taken.
    """
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), _handler_of(page))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"the page cannot be served on port {port}: {reason}; choose another --page"
        raise UsageError(msg) from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(page: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    """What answers requests with a page."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "accredit", ""
        timeout = 10

        def do_GET(self) -> None:
            """Answer with the page, to a request for it by a name of this device."""
            host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
            if host not in HOSTS:
                self._answer(HTTPStatus.FORBIDDEN, "ask for http://127.0.0.1")
            elif self.path != "/":
                self._answer(HTTPStatus.NOT_FOUND, "there is one page: /")
            else:
                self._answer(HTTPStatus.OK, page(), "text/html; charset=utf-8")

        def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
            body = text.encode()
            self.send_response(status)
            for name, value in {**HEADERS, "Content-Type": kind}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def send_error(self, code: int, *_: object) -> None:
            """Refuse a request that is faulty, or of another method."""
            self.close_connection = True
            self._answer(HTTPStatus(code), "this page can only be read")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
