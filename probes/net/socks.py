"""A way through a SOCKS5 proxy (RFC 1928), without sockets: bytes out, bytes in.

Names are left to the proxy to resolve, as browsers do. User and password follow RFC 1929.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

from probes.net.address import Address
from probes.net.exchange_recorder import Passage
from probes.net.route import Proxy
from probes.net.tunnel import TunnelRefusedError

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
"""What a proxy's replies are called (RFC 1928 section 6). Only 2 says that it will not."""

_Talk = Generator[tuple[bytes, int], bytes, None]


class Socks:
    """Asks for a way to ``far``: send what is ``due``, then ``feed``, until it says True."""

    def __init__(self, passage: Passage, proxy: Proxy, far: Address) -> None:
        # Until the proxy has let us in, nothing was said of the far end.
        passage.stage = "proxy_connect"
        self._passage = passage
        self._received = b""
        self._talk = self._negotiate(proxy, far)
        self._due, self._wanted = next(self._talk)

    def due(self) -> bytes:
        """What is to be sent now, once."""
        due, self._due = self._due, b""
        return due

    def feed(self, received: bytes) -> bool:
        """Take what the proxy sent (nothing: it closed); True when the way is open.

        Raises TunnelRefusedError, EOFError if the proxy left without an answer, ValueError if
        its answer is none.
        """
        if not received:
            raise EOFError("the proxy closed without an answer")
        self._received += received
        while len(self._received) >= self._wanted:
            part = self._received[: self._wanted]
            self._received = self._received[self._wanted :]
            try:
                due, self._wanted = self._talk.send(part)
            except StopIteration:
                if self._received:
                    raise ValueError("the proxy spoke before it was asked") from None
                return True
            self._due += due
        return False

    def _negotiate(self, proxy: Proxy, far: Address) -> _Talk:
        """Yield what to send and how many bytes must come; is sent those."""
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
        self._passage.stage = "tunnel"
        _, reply, _, kind = yield bytes((VERSION, CONNECT, 0)) + _destination(far), 4
        if reply:
            name, said = REPLIES.get(reply, ("not_connected", "failure"))
            self._refuse(name, f"SOCKS5 reply {reply}: {said}")
        length = LENGTHS.get(kind, 0)
        if kind == NAME:
            (length,) = yield b"", 1
        yield b"", length + 2

    def _refuse(self, name: str, detail: str) -> None:
        self._passage.stage = "tunnel"
        self._passage.end(name, detail)
        raise TunnelRefusedError


def _credentials(proxy: Proxy) -> bytes:
    username, password = proxy.username.encode(), proxy.password.encode()
    return bytes((1, len(username))) + username + bytes((len(password),)) + password


def _destination(far: Address) -> bytes:
    port = far.port.to_bytes(2, "big")
    try:
        literal = ipaddress.ip_address(far.host)
    except ValueError:
        name = far.host.encode("ascii")
        return bytes((NAME, len(name))) + name + port
    return bytes((IPV4 if literal.version == 4 else IPV6,)) + literal.packed + port  # noqa: PLR2004 - IP version 4
