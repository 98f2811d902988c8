"""An ICAP server (RFC 3507) that keeps all that a proxy shows it, and changes nothing.

Run as a program beside an intercepting Squid: what TLS would have hidden is then in a file, one
JSON document a line. Squid allows "204" only for what it can hold in memory itself; larger bodies
are sent back as they came.
"""

from __future__ import annotations

import re
import socketserver
import sys
import threading
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

import msgspec

ANSWERS, REQUESTS = "RESPMOD", "REQMOD"
_SECTION = re.compile(r"([a-z]+-(?:hdr|body))=(\d+)")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request or an answer: its method of ICAP, the heads of HTTP, and its body."""

    method: str
    heads: bytes
    body: bytes

    @property
    def is_request(self) -> bool:
        """Whether it went towards the hub."""
        return self.method == REQUESTS


_SHOWN = msgspec.json.Decoder(Shown)


def read_capture(path: Path) -> list[Shown]:
    """All that a recorder has written. A line that is not complete yet is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [_SHOWN.decode(line) for line in lines]


class _Handler(socketserver.StreamRequestHandler):
    server: Recorder

    def handle(self) -> None:
        while line := self.rfile.readline(65536).decode().strip():
            method = line.split()[0]
            fields = dict(self._fields())
            if method == "OPTIONS":
                self._say(
                    "200 OK", f"Methods: {self._method_of(line)}", 'ISTag: "recorder"',
                    "Allow: 204", "Encapsulated: null-body=0",
                )  # fmt: skip
                continue
            self._take(method, fields)

    def _fields(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline(65536).decode("latin-1").strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _take(self, method: str, fields: dict[str, str]) -> None:
        places = [(name, int(at)) for name, at in _SECTION.findall(fields["encapsulated"])]
        ends = [at for _, at in places[1:]]
        heads = {
            name: self.rfile.read(end - at) for (name, at), end in zip(places, ends, strict=False)
        }
        last = places[-1][0]
        body = b"".join(_chunks(self.rfile)) if not last.startswith("null") else b""
        self.server.keep(Shown(method=method, heads=b"".join(heads.values()), body=body))
        if "204" in fields.get("allow", ""):
            self._say("204 No Content", 'ISTag: "recorder"')
            return
        kind = "req" if method == REQUESTS else "res"
        head = heads[f"{kind}-hdr"]
        rest = f"{'null' if last.startswith('null') else kind}-body={len(head)}"
        self._say("200 OK", 'ISTag: "recorder"', f"Encapsulated: {kind}-hdr=0, {rest}")
        self.wfile.write(head)
        if not last.startswith("null"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body) if body else b"")
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    @staticmethod
    def _method_of(line: str) -> str:
        return ANSWERS if "answers" in line.split()[1] else REQUESTS

    def _say(self, status: str, *fields: str) -> None:
        self.wfile.write("\r\n".join([f"ICAP/1.0 {status}", *fields, "", ""]).encode())
        self.wfile.flush()


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """The chunks of a body (RFC 9112 section 7.1)."""
    while size := int(stream.readline(100).split(b";")[0], 16):
        yield stream.read(size)
        stream.readline(10)
    stream.readline(10)


class Recorder(socketserver.ThreadingTCPServer):
    """Listens on loopback, and writes to a file."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, path: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._path = path
        self._writing = threading.Lock()

    def keep(self, shown: Shown) -> None:
        """Write what was shown."""
        with self._writing, self._path.open("ab") as stream:
            stream.write(msgspec.json.encode(shown) + b"\n")


if __name__ == "__main__":
    with Recorder(int(sys.argv[1]), Path(sys.argv[2])) as recorder:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        recorder.serve_forever()
