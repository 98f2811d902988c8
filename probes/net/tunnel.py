"""A tunnel through a proxy (RFC 9110 section 9.3.6), without sockets: bytes out, bytes in.

Both lanes open tunnels with it; what a proxy says when it refuses is a fact that it keeps.
"""

from __future__ import annotations

from probes.net.address import Address
from probes.net.exchange_recorder import Passage
from probes.net.http_head import END, HEAD_BYTES, Headers, read_head, write_head
from probes.net.route import Proxy

SUCCESS = range(200, 300)
LAST_CHUNK = b"0\r\n\r\n"
"""How a chunked body ends, without trailers: the proxy need not close after it."""

PLAIN: Headers = (("Host", ""), ("Proxy-Connection", "keep-alive"))
"""The headers of a CONNECT that nobody said more of."""

PROXY_AUTHENTICATION_REQUIRED = 407


class TunnelRefusedError(Exception):
    """The proxy answered CONNECT with a refusal, or a page of its own; the passage holds it."""


class Tunnel:
    """Asks for a tunnel to ``far``: send what is ``due``, then ``feed`` until it says True.

    ``headers`` are those of the CONNECT; Host is filled in where its value is empty.
    """

    def __init__(
        self, passage: Passage, proxy: Proxy, far: Address, headers: Headers = PLAIN
    ) -> None:
        passage.stage = "tunnel"
        sent = [(name, value or str(far)) for name, value in headers or PLAIN]
        if proxy.authorization:
            sent.append(("Proxy-Authorization", proxy.authorization))
        self._due = write_head("CONNECT", str(far), sent)
        self._passage = passage
        self._received = b""
        self._wanted = 0
        self._is_chunked = False

    def due(self) -> bytes:
        """What is to be sent now, once: the request."""
        due, self._due = self._due, b""
        return due

    def feed(self, received: bytes) -> bool:
        """Take what the proxy sent (nothing: it closed); True when the tunnel is open.

        Raises TunnelRefusedError after the refusal's page was read, EOFError if the proxy left
        without an answer, ValueError if its answer is none.
        """
        passage = self._passage
        if passage.tunnel is not None:
            return self._read_page(received)
        if not received:
            raise EOFError("the proxy closed without an answer")
        self._received += received
        head, end, rest = self._received.partition(END)
        if not end:
            if len(self._received) > HEAD_BYTES:
                raise ValueError("the proxy's answer to CONNECT has no end")
            return False
        passage.tunnel = read_head(head)
        if passage.tunnel.status in SUCCESS and not rest:
            return True
        if passage.tunnel.status in SUCCESS:
            # In TLS the client speaks first: this is the proxy's own page (Squid, deny_info 200).
            passage.stage = "tls"
            passage.end("ssl_failed_handshake", "wrong version: plain text came instead of TLS")
        else:
            asked = passage.tunnel.status == PROXY_AUTHENTICATION_REQUIRED
            passage.end("proxy_authentication_required" if asked else "proxy_refused_tunnel")
        declared = passage.tunnel.header("content-length")
        coding = passage.tunnel.header("transfer-encoding").lower()
        self._is_chunked = "chunked" in coding
        length = int(declared) if declared.isascii() and declared.isdigit() else passage.limit
        self._wanted = min(length, passage.limit)
        if not self._wanted:
            raise TunnelRefusedError
        return self._read_page(rest) if rest else False

    def _read_page(self, received: bytes) -> bool:
        self._passage.body += received
        body = self._passage.body
        ends = not received or len(body) >= self._wanted
        if ends or (self._is_chunked and body.endswith(LAST_CHUNK)):
            raise TunnelRefusedError
        return False
