"""Carry requests to a hub by HTTPS, directly or by proxies, and look at the certificate.

TLS only carries: messages are sealed and signed above it, and the agent's clock may be wrong, so
certificates are not verified but seen. Redirects are not followed, nothing is decompressed, and the
environment's proxies are not heeded. httpcore is used without httpx, because only there a request
has a deadline as a whole.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore

from harness.errors import UsageError
from harness.fleet.envelope import MOST_BYTES
from harness.fleet.messages import Refused, read_from_hub
from probes.agent.proxy_choice import ProxyChoice
from probes.agent.proxy_server import ProxyServer
from probes.agent.timed_network import TimedNetwork
from probes.agent.uplink_error import UnreachedError, UplinkError, network_error, status_error
from probes.net.route import client_tls_context, unverified_tls_context

SECONDS = 120.0
"""How long one request may take as a whole: a part of an upload takes 60 at 128 kbit/s."""

MOST_ANSWER = MOST_BYTES + 64 * 1024
"""The largest answer that is read: an envelope, and what is around it."""

IDLE_SECONDS = 15.0
"""How long a connection is kept for the next request."""

OK = 200
HEADERS: dict[bytes | str, bytes | str] = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "accredit-agent",
}

Pool = httpcore.ConnectionPool | httpcore.HTTPProxy
ERRORS = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    ssl.SSLError,
    OSError,
)


class Carried(NamedTuple):
    """An answer: its body, the certificate (DER) that was seen, and the proxy that was used."""

    body: bytes
    certificate: bytes
    proxy: str


class HubConnection:
    """Sends requests to one hub, one at a time."""

    def __init__(
        self,
        hub_url: str,
        proxy: ProxyChoice,
        *,
        seconds: float = SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects at the first request. Raises UsageError for a URL that cannot be a hub's."""
        self._url = checked_hub_url(hub_url)
        self.hub = urlsplit(self._url).netloc
        self._proxy = proxy
        self._seconds = seconds
        self._network = TimedNetwork(monotonic)
        self._pools: dict[ProxyServer | None, Pool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def post(self, path: str, body: bytes) -> Carried:
        """Send a request and return its answer. Raises UplinkError.

        A proxy that is not reached gives way to the next choice; one that refuses does not.
        """
        with self._lock:
            servers = self._proxy.servers(self._url + path)
            for server in servers[:-1]:
                try:
                    return self._post_by(server, path, body)
                except UplinkError as error:
                    if not isinstance(error.__cause__, UnreachedError):
                        raise
                    self._proxy.is_out_of_reach(server)
            return self._post_by(servers[-1], path, body)

    def _post_by(self, server: ProxyServer | None, path: str, body: bytes) -> Carried:
        proxy = server.place if server is not None else ""
        self._network.allow(self._seconds)
        try:
            with self._pool(server).stream(
                "POST", self._url + path, headers=HEADERS, content=body
            ) as response:
                self._require_ok(response, proxy)
                content = self._read(response)
                certificate = _certificate_of(response)
        except ERRORS as error:
            trouble = network_error(error, self.hub, proxy, self._seconds)
            reached = error if isinstance(error, UnreachedError) else None
            raise trouble from reached
        return Carried(content, certificate, proxy)

    def _require_ok(self, response: httpcore.Response, proxy: str) -> None:
        if response.status != OK:
            named = {name.lower(): value for name, value in response.headers}
            location = named.get(b"location", b"").decode("latin-1")
            words = _words_of(self._read(response))
            raise status_error(response.status, location, words, self.hub, proxy)

    def _read(self, response: httpcore.Response) -> bytes:
        content = bytearray()
        for part in response.iter_stream():
            content += part
            if len(content) > MOST_ANSWER:
                msg = f"{self.hub} is not a hub: its answer is larger than {MOST_ANSWER:,} bytes"
                raise UplinkError(msg, "not-a-hub")
        return bytes(content)

    def _pool(self, server: ProxyServer | None) -> Pool:
        if server not in self._pools:
            self._pools[server] = self._new_pool(server)
        return self._pools[server]

    def _new_pool(self, server: ProxyServer | None) -> Pool:
        context = unverified_tls_context()
        if server is None:
            return httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=1,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self._network,
            )
        held = server.credentials
        return httpcore.HTTPProxy(
            server.url,
            proxy_auth=(held.name.encode(), held.password.encode()) if held else None,
            # the password goes to this proxy, so its certificate is verified
            proxy_ssl_context=client_tls_context() if server.scheme == "https" else None,
            ssl_context=context,
            max_connections=1,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=self._network,
        )


def checked_hub_url(url: str) -> str:
    """Return a hub's URL without a slash at its end. Raises UsageError.

    Plain HTTP is for this machine only, for tests.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        msg = "the hub's address cannot be used; write https://host or https://host:port"
        raise UsageError(msg)
    if "@" in parts.netloc:
        msg = "the hub's address must have no name or password in it"
        raise UsageError(msg)
    if parts.scheme == "http" and not _is_here(host):
        msg = f"the hub {host} must be reached by https://"
        raise UsageError(msg)
    return url.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words_of(body: bytes) -> str:
    """What a hub says that cannot seal its refusal; empty for what anything else says."""
    try:
        refused = read_from_hub(body)
    except UsageError:
        return ""
    return refused.words if isinstance(refused, Refused) else ""


def _certificate_of(response: httpcore.Response) -> bytes:
    """The leaf that was served, as DER; empty without TLS."""
    secured = response.extensions["network_stream"].get_extra_info("ssl_object")
    served = secured.getpeercert(True) if secured is not None else None  # noqa: FBT003 - no keyword in _ssl's own class, which this may be
    return bytes(served) if served else b""
