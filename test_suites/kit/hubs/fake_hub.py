"""A hub for tests of the agent's side: HTTPS on loopback, and memory in place of a registry."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from harness.fleet.envelope import open_envelope, read_envelope, seal
from harness.fleet.identity import Identity, PublicIdentity
from harness.fleet.messages import (
    FetchPart,
    FilePart,
    FromAgent,
    FromHub,
    Introduction,
    PartReceived,
    Poll,
    Polled,
    Refused,
    RunReceived,
    RunReport,
    UploadPart,
    encode,
    read_from_agent,
)
from harness.fleet.signed_time import QUESTIONS, TimeAnswer
from probes.range.authority import Authority

INTRODUCTIONS = msgspec.json.Decoder(Introduction)


@dataclass
class HubMemory:
    """What a hub holds: parts of uploads, runs by key, and files that it offers."""

    certificates: tuple[str, ...] = ()
    parts: dict[str, bytearray] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    offered: dict[str, bytes] = field(default_factory=dict)

    def answer(self, message: FromAgent) -> FromHub:
        """Answer as the hub does; a run's key is its text."""
        match message:
            case Poll():
                return Polled(certificates=self.certificates)
            case UploadPart():
                return self._take(message)
            case RunReport():
                return self._note(message)
            case FetchPart():
                content = self.offered[message.sha256]
                return FilePart(
                    sha256=message.sha256,
                    size=len(content),
                    offset=message.offset,
                    data=content[message.offset : message.offset + 100_000],
                )
        return Refused(reason="unknown", words="not known here")

    def _take(self, part: UploadPart) -> FromHub:
        held = self.parts.setdefault(part.sha256, bytearray())
        if part.offset == len(held):
            held += part.data
        whole = len(held) == part.size
        if whole and hashlib.sha256(held).hexdigest() != part.sha256:
            del self.parts[part.sha256]
            return Refused(reason="incomplete", words="another SHA-256")
        return PartReceived(sha256=part.sha256, held=len(held))

    def _note(self, report: RunReport) -> FromHub:
        if report.bundle:
            held = self.parts.get(report.bundle, b"")
            if hashlib.sha256(held).hexdigest() != report.bundle:
                return Refused(reason="incomplete", words="no such upload")
        is_new = report.run not in self.runs
        self.runs[report.run] = report.bundle
        return RunReceived(run=report.run, is_new=is_new)


@dataclass
class FakeHub:
    """A hub that answers one agent; ``changes`` is what is done to the bodies of its answers.

    ``before`` is called with each message that was opened; an OSError in it cuts the connection.
    """

    agent: PublicIdentity
    identity: Identity = field(default_factory=Identity.new)
    memory: HubMemory = field(default_factory=HubMemory)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    changes: Callable[[bytes], bytes] = lambda body: body
    before: Callable[[FromAgent], object] = lambda message: None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    certificate: str = ""
    introduced: list[PublicIdentity | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The hub's URL on loopback."""
        return f"https://127.0.0.1:{self.port}"

    def answer(self, path: str, body: bytes) -> bytes:
        """Answer the body of a request."""
        if path == "/agent/v1/time":
            answered = TimeAnswer.to(QUESTIONS.decode(body), self.identity, self.clock())
            return self.changes(msgspec.json.encode(answered))
        asked = INTRODUCTIONS.decode(body)
        self.introduced.append(asked.identity)
        envelope = read_envelope(bytes(asked.envelope))
        opened = open_envelope(envelope, self.identity, self.agent, self.clock())
        message = read_from_agent(opened)
        self.before(message)
        told = encode(self.memory.answer(message))
        sealed = seal(told, self.identity, self.agent, self.clock(), answers=envelope.header.id)
        answer = Introduction(envelope=msgspec.Raw(sealed.encoded()))
        return self.changes(msgspec.json.encode(answer))

    @contextmanager
    def running(self) -> Iterator[FakeHub]:
        """Listen while the context lasts."""
        authority = Authority("Hub Authority")
        pem = authority.key_and_chain("127.0.0.1", "hub.accredit.test")
        leaf = x509.load_pem_x509_certificate(pem)
        self.certificate = hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
        self.memory.certificates = (self.certificate,)
        server = _Server(("127.0.0.1", 0), _Handler)
        server.hub, server.daemon_threads = self, True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "hub.pem")
            path.write_bytes(pem)
            context.load_cert_chain(path)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    hub: FakeHub

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that was cut is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    wbufsize = 65536

    def do_POST(self) -> None:
        hub = cast("_Server", self.server).hub
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            answer = hub.answer(self.path, body)
        except OSError:
            self.close_connection = True
            with suppress(OSError):
                self.connection.close()
            return
        except (ValueError, msgspec.MsgspecError):
            answer = b"{}"
        self.send_response(hub.status)
        for name, value in hub.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""
