"""Handshakes with proxies: HTTP CONNECT (RFC 9110) and SOCKS5 (RFC 1928), without I/O.

Backends send ``data_to_send`` and pass what arrives to ``receive_data``; ``proxy_handshake_for``
chooses the handshake that a route needs, if any.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from typing import Protocol

from probes.net.exchange_recorder import (
    END_OF_HEAD,
    HEAD_BYTES,
    ExchangeRecorder,
    Headers,
    read_head,
    write_head,
)
from probes.net.route import Address, Proxy, Route

SUCCESS = range(200, 300)
LAST_CHUNK = b"0\r\n\r\n"
"""End of a chunked body without trailers; the proxy may keep the connection open after it."""

PLAIN: Headers = (("Host", ""), ("Proxy-Connection", "keep-alive"))
"""Default headers of a CONNECT."""

PROXY_AUTHENTICATION_REQUIRED = 407


class TunnelRefusedError(Exception):
    """The proxy refused the tunnel; the recorder holds its response."""


class ConnectHandshake:
    """Opens a tunnel to ``endpoint`` by CONNECT; see ``ProxyHandshake``.

    ``headers`` are those of the CONNECT; an empty value of Host is filled in.
    """

    def __init__(
        self, recorder: ExchangeRecorder, proxy: Proxy, endpoint: Address, headers: Headers = PLAIN
    ) -> None:
        recorder.stage = "tunnel"
        sent = [(name, value or str(endpoint)) for name, value in headers or PLAIN]
        if proxy.authorization:
            sent.append(("Proxy-Authorization", proxy.authorization))
        self._data_to_send = write_head("CONNECT", str(endpoint), sent)
        self._recorder = recorder
        self._received = b""
        self._expected_size = 0
        self._is_chunked = False

    def data_to_send(self) -> bytes:
        """Return the request, once."""
        data_to_send, self._data_to_send = self._data_to_send, b""
        return data_to_send

    def receive_data(self, received: bytes) -> bool:
        """Process bytes of the proxy (empty: it closed); True when the tunnel is open.

        Raises TunnelRefusedError after the refusal and its body were read, EOFError if the proxy
        closed without a response, ValueError if its response is invalid.
        """
        recorder = self._recorder
        if recorder.tunnel is not None:
            return self._read_page(received)
        if not received:
            raise EOFError("the proxy closed without an answer")
        self._received += received
        head, end, rest = self._received.partition(END_OF_HEAD)
        if not end:
            if len(self._received) > HEAD_BYTES:
                raise ValueError("the proxy's answer to CONNECT has no end")
            return False
        recorder.tunnel = read_head(head)
        if recorder.tunnel.status in SUCCESS and not rest:
            return True
        if recorder.tunnel.status in SUCCESS:
            # In TLS the client sends first, so this is a page of the proxy (Squid, deny_info 200).
            recorder.stage = "tls"
            recorder.fail_as(
                "ssl_failed_handshake", "wrong version: plain text came instead of TLS"
            )
        else:
            needs_sign_in = recorder.tunnel.status == PROXY_AUTHENTICATION_REQUIRED
            recorder.fail_as(
                "proxy_authentication_required" if needs_sign_in else "proxy_refused_tunnel"
            )
        declared = recorder.tunnel.header("content-length")
        coding = recorder.tunnel.header("transfer-encoding").lower()
        self._is_chunked = "chunked" in coding
        length = int(declared) if declared.isascii() and declared.isdigit() else recorder.limit
        self._expected_size = min(length, recorder.limit)
        if not self._expected_size:
            raise TunnelRefusedError
        return self._read_page(rest) if rest else False

    def _read_page(self, received: bytes) -> bool:
        self._recorder.body += received
        body = self._recorder.body
        ends = not received or len(body) >= self._expected_size
        if ends or (self._is_chunked and body.endswith(LAST_CHUNK)):
            raise TunnelRefusedError
        return False


VERSION, CONNECT = 5, 1
NO_AUTHENTICATION, USER_PASSWORD, NONE_ACCEPTABLE = 0, 2, 255
IPV4, NAME, IPV6 = 1, 3, 4
LENGTHS = {IPV4: 4, IPV6: 16}

REPLIES = {
    2: ("proxy_refused_tunnel", "not allowed by the ruleset"),
    3: ("network_unreachable", "network unreachable"),
    4: ("host_unreachable", "host unreachable"),
    5: ("connection_refused", "connection refused"),
    6: ("host_unreachable", "time to live expired"),
}
"""Failure name and text by SOCKS reply (RFC 1928 section 6). Only 2 is a refusal by policy."""

_Negotiation = Generator[tuple[bytes, int], bytes, None]


class SocksHandshake:
    """Opens a connection to ``endpoint`` by SOCKS5; see ``ProxyHandshake``."""

    def __init__(self, recorder: ExchangeRecorder, proxy: Proxy, endpoint: Address) -> None:
        # A failure before sign-in concerns the proxy, not the server behind it.
        recorder.stage = "proxy_connect"
        self._recorder = recorder
        self._received = b""
        self._negotiation = self._negotiate(proxy, endpoint)
        self._data_to_send, self._expected_size = next(self._negotiation)

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, once."""
        data_to_send, self._data_to_send = self._data_to_send, b""
        return data_to_send

    def receive_data(self, received: bytes) -> bool:
        """Process bytes of the proxy (empty: it closed); True when the connection is open.

        Raises TunnelRefusedError, EOFError if the proxy closed without a reply, ValueError if its
        reply is invalid.
        """
        if not received:
            raise EOFError("the proxy closed without an answer")
        self._received += received
        while len(self._received) >= self._expected_size:
            part = self._received[: self._expected_size]
            self._received = self._received[self._expected_size :]
            try:
                data_to_send, self._expected_size = self._negotiation.send(part)
            except StopIteration:
                if self._received:
                    raise ValueError("the proxy spoke before it was asked") from None
                return True
            self._data_to_send += data_to_send
        return False

    def _negotiate(self, proxy: Proxy, endpoint: Address) -> _Negotiation:
        """Yield (bytes to send, number of bytes to receive); is sent the received bytes."""
        offered = (NO_AUTHENTICATION, USER_PASSWORD) if proxy.username else (NO_AUTHENTICATION,)
        version, method = yield bytes((VERSION, len(offered), *offered)), 2
        if version != VERSION or method not in (*offered, NONE_ACCEPTABLE):
            raise ValueError(f"no SOCKS5 proxy: it answered {bytes((version, method))!r}")
        if method == NONE_ACCEPTABLE:
            self._refuse("proxy_authentication_required", "no way to sign in is acceptable")
        if method == USER_PASSWORD:
            _, status = yield _credentials(proxy), 2
            if status:
                self._refuse("proxy_authentication_required", f"sign-in failed ({status})")
        self._recorder.stage = "tunnel"
        _, reply, _, kind = yield bytes((VERSION, CONNECT, 0)) + _destination(endpoint), 4
        if reply:
            name, meaning = REPLIES.get(reply, ("not_connected", "failure"))
            self._refuse(name, f"SOCKS5 reply {reply}: {meaning}")
        length = LENGTHS.get(kind, 0)
        if kind == NAME:
            (length,) = yield b"", 1
        yield b"", length + 2

    def _refuse(self, name: str, detail: str) -> None:
        self._recorder.stage = "tunnel"
        self._recorder.fail_as(name, detail)
        raise TunnelRefusedError


def _credentials(proxy: Proxy) -> bytes:
    username, password = proxy.username.encode(), proxy.password.encode()
    return bytes((1, len(username))) + username + bytes((len(password),)) + password


def _destination(endpoint: Address) -> bytes:
    port = endpoint.port.to_bytes(2, "big")
    try:
        literal = ipaddress.ip_address(endpoint.host)
    except ValueError:
        name = endpoint.host.encode("ascii")
        return bytes((NAME, len(name))) + name + port
    return bytes((IPV4 if literal.version == 4 else IPV6,)) + literal.packed + port  # noqa: PLR2004 - IP version 4


class ProxyHandshake(Protocol):
    """A handshake with a proxy.

    Send ``data_to_send()`` and pass what arrives to ``receive_data()``, until that returns True.
    """

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, once."""
        ...

    def receive_data(self, received: bytes) -> bool:
        """Process received bytes. Raises TunnelRefusedError, EOFError or ValueError."""
        ...


def proxy_handshake_for(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers = ()
) -> ProxyHandshake | None:
    """Return the handshake that a route needs for a URL, or None if it needs none.

    ``headers`` are those of a CONNECT, if there is one.
    """
    proxy = route.proxy
    if proxy is None or route.uses_absolute_form(scheme):
        return None
    if proxy.kind == "socks5":
        return SocksHandshake(recorder, proxy, endpoint)
    return ConnectHandshake(recorder, proxy, endpoint, headers)
