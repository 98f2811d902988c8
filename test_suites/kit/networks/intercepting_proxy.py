"""A proxy that opens TLS, as well or as badly as a test wants; stands for a service under test.

It is written apart from the range's filter: with the standard library, one thread a connection.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from harness.model.tls_check import REVOCATIONS_PATH, case_of_host
from probes.net.tls_facts import is_complete
from probes.net.tls_offer import read_offer
from probes.range.authority import Authority
from probes.range.zone import ZONE

PAGE = b"<html><head><title>%b</title></head><body><p>%b</p></body></html>"
PATIENCE = 20.0
SENTINEL = "copper-meadow.accredit.test"
"""The host that campaigns expect to be blocked, by which they see that the filter is on."""


@dataclass(kw_only=True)
class Interception:
    """How TLS is opened.

    ``opens`` says which hosts are opened; all others are passed through. ``verifies`` and
    ``checks_host`` are what is checked of the website, ``ciphers`` and ``lowest`` what is offered
    to it. ``on_fault`` is what is done where the website is not accepted: a page with these
    ``words`` and ``status``, ``alert``, ``cut``, or ``certificate`` (a page behind a certificate of
    an unknown authority). ``toward`` changes the TLS context towards the client.
    """

    opens: Callable[[str], bool] = lambda _: True
    verifies: bool = True
    checks_host: bool = True
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    on_fault: str = "page"
    status: int = 502
    words: str = "The certificate of this website is not valid."
    toward: Callable[[ssl.SSLContext], None] = lambda _: None
    blocks: Callable[[str], bool] = lambda host: host == SENTINEL
    alpn: tuple[str, ...] = ("http/1.1",)
    checks_revocation: bool = False
    """Whether it fetches the list that a host with a revoked certificate names, and heeds it."""
    ignores: frozenset[int] = frozenset()
    """Codes of verification (X509_V_ERR_*) after which it goes on all the same."""
    changes: Callable[[bytes], bytes] = lambda answer: answer
    """What is changed in answers of websites; it must keep their length."""


@dataclass
class InterceptingProxy:
    """The running proxy; ``url`` is for lines, ``certificate`` the authority that clients trust."""

    ports: dict[int, int]
    trusted: str
    how: Interception = field(default_factory=Interception)
    authority: Authority = field(default_factory=lambda: Authority("School Interception CA"))
    unknown: Authority = field(default_factory=lambda: Authority("Nobody"))

    @property
    def url(self) -> str:
        """The proxy's URL."""
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    @contextmanager
    def running(self) -> Iterator[InterceptingProxy]:
        """Listen while the context lasts."""
        self._server = socket.create_server(("127.0.0.1", 0), backlog=200)
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            client.settimeout(PATIENCE)
            head = _read_head(client)
            method, target, *_ = head.split(b"\r\n", 1)[0].decode().split(" ")
            if method != "CONNECT":
                self._pass_plain(client, head, target)
                return
            host, _, port = target.rpartition(":")
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if port == "443" and (self.how.opens(host) or self.how.blocks(host)):
                self._open(client, host)
            else:
                with socket.create_connection(("127.0.0.1", self.ports[int(port)])) as origin:
                    _exchange(client, origin)

    def _pass_plain(self, client: socket.socket, head: bytes, target: str) -> None:
        path = "/" + target.split("/", 3)[3]
        rest = head.split(b"\r\n", 1)[1]
        with socket.create_connection(("127.0.0.1", self.ports[80])) as origin:
            origin.sendall(f"GET {path} HTTP/1.1\r\n".encode() + rest)
            _exchange(client, origin)

    def _open(self, client: socket.socket, host: str) -> None:
        if self.how.blocks(host):
            self._answer(self._toward_client(client, self.authority, host), 403, "Access denied",
                         "This website is blocked by policy: entertainment.")  # fmt: skip
            return
        try:
            wanted = [one for one in _protocols(client) if one in self.how.alpn]
            origin = self._to_origin(host, wanted)
        except (OSError, ssl.SSLError):
            self._refuse(client, host)
            return
        with origin, self._toward_client(client, self.authority, host) as secured:
            _exchange(secured, origin, self.how.changes)

    def _to_origin(self, host: str, alpn: list[str]) -> ssl.SSLSocket:
        how = self.how
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.trusted)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if how.checks_revocation and case_of_host(host, (ZONE,)) == "revoked":
            with tempfile.TemporaryDirectory() as folder:
                listed = Path(folder, "revoked.pem")
                listed.write_bytes(_revocations(self.ports[80], host))
                context.load_verify_locations(listed)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        if not how.checks_host or not how.verifies:
            context.check_hostname = False
        if not how.verifies:
            context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(how.ciphers)
        context.set_alpn_protocols(alpn)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = how.lowest
        plain = socket.create_connection(("127.0.0.1", self.ports[443]), timeout=PATIENCE)
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in how.ignores:
                raise
        finally:
            plain.close()  # without effect once TLS has taken the socket over
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        again = socket.create_connection(("127.0.0.1", self.ports[443]), timeout=PATIENCE)
        return context.wrap_socket(again, server_hostname=host)

    def _refuse(self, client: socket.socket, host: str) -> None:
        match self.how.on_fault:
            case "alert":
                _read_hello(client)
                client.sendall(bytes((21, 3, 3, 0, 2, 2, 40)))
            case "cut":
                _read_hello(client)
            case "certificate":
                secured = self._toward_client(client, self.unknown, host)
                self._answer(secured, self.how.status, "Error", self.how.words)
            case "wrong host":
                secured = self._toward_client(client, self.authority, "portal.school.example")
                self._answer(secured, self.how.status, "Error", self.how.words)
            case _:
                secured = self._toward_client(client, self.authority, host)
                self._answer(secured, self.how.status, "Notice", self.how.words)

    def _toward_client(
        self, client: socket.socket, authority: Authority, host: str
    ) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "leaf.pem")
            path.write_bytes(authority.key_and_chain(host))
            context.load_cert_chain(os.fspath(path))
        context.set_alpn_protocols(list(self.how.alpn))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.how.toward(context)
        return context.wrap_socket(client, server_side=True)

    @staticmethod
    def _answer(secured: ssl.SSLSocket, status: int, title: str, words: str) -> None:
        with secured:
            _read_head(secured)
            body = PAGE % (title.encode(), words.encode())
            secured.sendall(
                b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b" % (status, len(body), body)
            )


def _revocations(port: int, host: str) -> bytes:
    """Fetch the list of revoked certificates of a host, and return it in PEM form."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as origin:
        asked = f"GET {REVOCATIONS_PATH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        origin.sendall(asked.encode())
        answer = b"".join(iter(lambda: origin.recv(65536), b""))
    listed = x509.load_der_x509_crl(answer.partition(b"\r\n\r\n")[2])
    return listed.public_bytes(Encoding.PEM)


def _read_head(stream: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    return data


def _protocols(client: socket.socket) -> tuple[str, ...]:
    """Return what a client offers by ALPN, and leave its ClientHello unread."""
    while not is_complete(hello := client.recv(65536, socket.MSG_PEEK)):
        pass
    return read_offer(hello).alpn


def _read_hello(client: socket.socket) -> None:
    client.recv(65536)


def _exchange(
    one: socket.socket,
    other: socket.socket,
    changes: Callable[[bytes], bytes] = lambda answer: answer,
) -> None:
    """Copy bytes in both directions until one side closes; change those of the other side."""
    far = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(far), [], [], PATIENCE)
        if not ready:
            return
        for source in ready:
            source.settimeout(0)
            try:
                data = _all_of(source)
            except (ssl.SSLWantReadError, BlockingIOError):
                continue  # a message of TLS itself
            finally:
                source.settimeout(PATIENCE)
            far[source].sendall(changes(data) if source is other else data)
            if not data:
                return


def _all_of(source: socket.socket) -> bytes:
    """Return what has come; empty at the end. TLS keeps decrypted bytes that select cannot see."""
    data = source.recv(65536)
    while data and isinstance(source, ssl.SSLSocket) and source.pending():
        data += source.recv(65536)
    return data
