"""Requests of a browser to a proxy: read their heads, and write them as the far end expects them.

To a server go a request in origin form and Connection, to a proxy one in absolute form and
Proxy-Connection (RFC 9112 section 3.2), as Chromium sends them. All else stays byte for byte as it
came. The credentials for the proxy in between are never passed on.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from probes.net.exchange_recorder import Headers
from probes.net.route import HIGHEST_PORT, Address

HTTP_PORT = 80
CONNECT = "CONNECT"

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\xff]+) HTTP/1\.1")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\s]+):([0-9]{1,5})")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_AUTHORIZATION, _CONNECTION = "proxy-authorization", "proxy-connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserRequest:
    """One request head. ``endpoint`` is the far end, ``target`` what the request line names.

    ``body`` is the number of bytes of the body after it; -1 for one whose length is not declared.
    """

    method: str
    target: str
    endpoint: Address
    fields: Headers
    body: int

    @property
    def is_tunnel(self) -> bool:
        """Whether it asks for a tunnel (CONNECT)."""
        return self.method == CONNECT

    @property
    def credentials(self) -> tuple[str, str]:
        """User name and password for the proxy; empty if there are none that can be read."""
        scheme, _, value = self._first(_AUTHORIZATION).partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password

    @property
    def tunnel_headers(self) -> Headers:
        """The headers of a CONNECT for another proxy: Host is left for the line to fill in."""
        return tuple(
            (name, "" if name.lower() == "host" else value)
            for name, value in self.fields
            if name.lower() != _AUTHORIZATION and (value or name.lower() == "host")
        )

    def written(self, *, is_proxied: bool, authorization: str = "") -> bytes:
        """Return the head as it goes on: to a proxy in absolute form, or to a server.

        ``authorization`` are the credentials for that proxy.
        """
        target = self.target if is_proxied else _origin_form(self.target)
        lines = [f"{self.method} {target} HTTP/1.1"]
        for name, value in self.fields:
            match name.lower():
                case "proxy-authorization":
                    written = f"{name}: {authorization}" if is_proxied and authorization else ""
                case "proxy-connection" if not is_proxied:
                    written = f"Connection: {value}"
                case _:
                    written = f"{name}: {value}"
            lines += [written] if written else []
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def _first(self, wanted: str) -> str:
        return next((value for name, value in self.fields if name.lower() == wanted), "")


def read_request(head: bytes) -> BrowserRequest:
    """Read a head with the empty line at its end. Raises ValueError for one that no browser sends.

    Its target is an http URL or, of CONNECT, a host and a port.
    """
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise ValueError(f"no request line: {first[:80]!r}")
    method, target = found.groups()
    fields = tuple(map(_field, lines))
    return BrowserRequest(
        method=method,
        target=target,
        endpoint=_endpoint(method, target),
        fields=fields,
        body=_body_of(fields),
    )


def _field(line: str) -> tuple[str, str]:
    found = _FIELD.fullmatch(line)
    if found is None or "\r" in line or "\n" in line:
        raise ValueError(f"no header: {line[:80]!r}")
    return found[1], found[2]


def _endpoint(method: str, target: str) -> Address:
    if method == CONNECT:
        found = _AUTHORITY.fullmatch(target)
        host, port = (found[1].strip("[]"), int(found[2])) if found else ("", 0)
    else:
        parts = urlsplit(target)
        host = (parts.hostname or "") if parts.scheme == "http" else ""
        port = HTTP_PORT if parts.port is None else parts.port
    if not host or not 0 < port <= HIGHEST_PORT:
        raise ValueError(f"no host and port: {target[:80]!r}")
    return Address(host=host.lower(), port=port)


def _body_of(fields: Headers) -> int:
    named = {name.lower(): value for name, value in fields}
    if "transfer-encoding" in named or "upgrade" in named:
        return -1
    length = named.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise ValueError(f"no length: {length[:80]!r}")
    return int(length)


def _origin_form(target: str) -> str:
    """Return path and query of an http URL, without a fragment."""
    rest = target.partition("://")[2]
    start = re.search(r"[/?]", rest)
    path = rest[start.start() :] if start else "/"
    return path if path.startswith("/") else f"/{path}"
