"""The internet behind a school's filter, on loopback: a proxy that plays every host by itself.

It answers for the test pages of agencies and vendors, for search engines and for encrypted name
servers, over TLS under an authority whose name looks public. ``reaction`` is the filter: what
happens to a host. What was asked for is in ``asked``.
"""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import parse_qs, urlsplit

import dns.message
import dns.rrset

from corpora.check_targets import shipped_targets
from probes.range.authority import Authority

LOOPBACK = "127.0.0.1"
CHUNK = 65536
BLOCKED = b"""<!doctype html><html lang="en"><head><title>Website blocked</title></head>
<body><h1>Website blocked</h1><p>Your school's filtering service does not allow this website.
Ask your teacher if you need it for your work.</p></body></html>"""
PORTAL = b"""<!doctype html><html lang="en"><head><title>Welcome to the guest network</title></head>
<body><form action="/sign-in">Sign in to use the network. <input name="user"></form></body></html>"""
_EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
"""The harmless test file (eicar.org) in two parts, so that compiled files do not hold it either."""

Reaction = Callable[[str], str]
"""What the filter does to a host: "" (nothing), refuse, refuse-page, page, plain, portal, silent,
reset, busy, inside, or lead and an address: a redirect in answer to CONNECT."""


def lets_all_through(host: str) -> str:
    """A filter that is switched off."""
    return ""


def pages() -> dict[str, bytes]:
    """The body of each page that a check knows, by address without its scheme."""
    bodies = {}
    for target in shipped_targets():
        where = target.address.partition("://")[2].partition("?")[0]
        text = "".join(_EICAR) if target.mark.startswith("sha256:") else target.mark
        if target.method == "page" and text:
            bodies[where] = f"<html><title>A page</title><p>{text}</p></html>".encode()
        if target.mark.startswith("sha256:"):
            bodies[where] = text.encode()
    return bodies


ROLES = ("proxy", "https", "dot")


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            self._handle()

    def _handle(self) -> None:
        connection = self.request
        connection.settimeout(20)
        if self.server.role != "proxy":
            self._handle_direct(connection)
            return
        head = _head(connection)
        method, target = head.split(" ")[:2]
        if target.startswith("/"):
            host = head.lower().partition("\r\nhost:")[2].split("\r\n")[0].strip()
            self._answer(connection, host, f"http://{host}{target}", "http")
            return
        if method != "CONNECT":
            self._answer(connection, urlsplit(target).hostname or "", target, "http")
            return
        host, _, port = target.rpartition(":")
        double = self.server.double
        double.asked.append(f"CONNECT {target}")
        reaction = double.reaction(host)
        if reaction == "refuse":
            _reply(connection, 403, BLOCKED)
        elif reaction.startswith("lead "):
            _reply(connection, 302, b"", f"Location: {reaction[5:]}\r\n")
        elif reaction == "busy":
            _reply(connection, 503, b"")
        elif reaction == "silent":
            double.ended.wait(20)
        elif reaction == "reset" or (reaction and port == "853"):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            opens = reaction in ("page", "plain", "portal") or double.opens_tls
            authority = double.school if opens else double.public
            with authority.context(host).wrap_socket(connection, server_side=True) as tls:
                if port == "853":
                    _dns_over_tls(tls)
                else:
                    path = _head(tls).split(" ")[1]
                    self._answer(tls, host, f"https://{host}{path}", "https")

    def _handle_direct(self, connection: socket.socket) -> None:
        """Play a server that is reached directly, over TLS, under the name in the SNI."""
        double, names = self.server.double, list[str]()

        def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            names.append(name or "")
            if double.reaction(names[0]) == "reset":
                # No alert of TLS can be sent any more.
                socket.socket.shutdown(cast("socket.socket", tls), socket.SHUT_RDWR)
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            tls.context = double.public.context(names[0])
            return None

        context = Authority().context("any.example")
        context.sni_callback = choose
        with context.wrap_socket(connection, server_side=True) as tls:
            if self.server.role == "dot":
                _dns_over_tls(tls)
                return
            path = _head(tls).split(" ")[1]
            self._answer(tls, names[0], f"https://{names[0]}{path}", "https")

    def _answer(self, connection: socket.socket, host: str, url: str, scheme: str) -> None:
        double = self.server.double
        double.asked.append(f"GET {url}")
        match double.reaction(host):
            case "refuse" | "refuse-page":
                _reply(connection, 403, BLOCKED)
            case "page":
                _reply(connection, 200, BLOCKED)
            case "plain":
                _reply(connection, 200, b"<html><title>Hello</title><p>Nothing to see.</p></html>")
            case "portal":
                _reply(connection, 200, PORTAL)
            case "inside":
                _reply(connection, 302, b"", "Location: http://10.1.2.3/notice\r\n")
            case "silent":
                double.ended.wait(20)
            case "reset":
                return
            case "busy":
                _reply(connection, 503, b"")
            case _:
                self._play(connection, url)

    def _play(self, connection: socket.socket, url: str) -> None:
        parts = urlsplit(url)
        if parts.path == "/dns-query":
            asked = parse_qs(parts.query)["dns"][0]
            wire = _dns_answer(base64.urlsafe_b64decode(asked + "=="))
            _reply(connection, 200, wire, kind="application/dns-message")
            return
        where = f"{parts.netloc}{parts.path}"
        body = self.server.double.pages.get(
            where, b"<html><title>A page</title><p>Words.</p></html>"
        )
        _reply(connection, 200, body)


def _head(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(CHUNK)
        if not data:
            raise OSError("closed")
        received += data
    return str(received.decode("latin-1"))


def _reply(
    connection: socket.socket,
    status: int,
    body: bytes,
    more: str = "",
    kind: str = "text/html",
) -> None:
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(f"{head}{more}Connection: close\r\n\r\n".encode() + body)


def _dns_answer(query: bytes) -> bytes:
    message = dns.message.from_wire(query)
    response = dns.message.make_response(message)
    name = message.question[0].name
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
    return response.to_wire()


def _dns_over_tls(tls: ssl.SSLSocket) -> None:
    received = tls.recv(CHUNK)
    while len(received) < 2 or len(received) < 2 + int.from_bytes(received[:2]):
        received += tls.recv(CHUNK)
    answer = _dns_answer(received[2:])
    tls.sendall(len(answer).to_bytes(2) + answer)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    double: InternetDouble
    role: str


class InternetDouble:
    """The running proxy; ``authority`` is the file of both authorities, ``proxy`` its URL.

    ``ports`` are those of the same hosts without a proxy, by the ports of the internet. With ``opens_tls`` the filter opens every encrypted connection, under the school's authority.
    """

    def __init__(
        self, folder: Path, reaction: Reaction = lets_all_through, *, opens_tls: bool = False
    ) -> None:
        self.reaction = reaction
        self.opens_tls = opens_tls
        self.pages = pages()
        self.asked: list[str] = []
        self.ended = threading.Event()
        self.public, self.school = Authority("DigiCert Test Root"), Authority("Green School Filter")
        self.authority = folder / "authorities.pem"
        self.authority.write_bytes(self.public.pem + self.school.pem)
        self._servers = {role: _Server((LOOPBACK, 0), _Handler) for role in ROLES}
        for role, server in self._servers.items():
            server.double, server.role = self, role
        numbers = {role: int(each.server_address[1]) for role, each in self._servers.items()}
        self.ports = {80: numbers["proxy"], 443: numbers["https"], 853: numbers["dot"]}
        self.proxy = f"http://{LOOPBACK}:{numbers['proxy']}"
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,))
            for server in self._servers.values()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
