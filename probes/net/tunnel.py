"""A tunnel through a proxy (RFC 9110 section 9.3.6), without sockets: bytes out, bytes in.

Both lanes open tunnels with it; what a proxy says when it refuses is a fact that it keeps.
"""

from __future__ import annotations

from probes.net.address import Address
from probes.net.head import END, HEAD_BYTES, read_head, write_head
from probes.net.passage import Passage
from probes.net.route import Proxy

SUCCESS = range(200, 300)
PROXY_AUTHENTICATION_REQUIRED = 407


class TunnelRefusedError(Exception):
    """The proxy answered CONNECT with a refusal, or a page of its own; the passage holds it."""


class Tunnel:
    """Asks for a tunnel to ``far``: send what is ``due``, then ``feed`` until it says True."""

    def __init__(self, passage: Passage, proxy: Proxy, far: Address) -> None:
        passage.stage = "tunnel"
        headers = [("Host", str(far)), ("Proxy-Connection", "close")]
        if proxy.authorization:
            headers.append(("Proxy-Authorization", proxy.authorization))
        self._due = write_head("CONNECT", str(far), headers)
        self._passage = passage
        self._received = b""
        self._wanted = 0

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
        length = int(declared) if declared.isascii() and declared.isdigit() else passage.limit
        self._wanted = min(length, passage.limit)
        if not self._wanted:
            raise TunnelRefusedError
        return self._read_page(rest) if rest else False

    def _read_page(self, received: bytes) -> bool:
        self._passage.body += received
        if not received or len(self._passage.body) >= self._wanted:
            raise TunnelRefusedError
        return False
