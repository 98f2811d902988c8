"""The proxies of a PAC file, for the agent's own way to its hub.

As in a browser, the file's choices are tried in order, and one that was out of reach comes last
for five minutes. The file is run by ``probes.net.pac_script``, in a sandbox.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore

from harness.errors import UsageError
from harness.untrusted.regular_file import read_bounded
from probes.agent.proxy_server import Credentials, ProxyServer
from probes.agent.timed_network import TimedNetwork
from probes.agent.uplink_error import UplinkError, network_error
from probes.net.local_binding import local_address
from probes.net.pac_script import (
    DIRECT,
    SCRIPT_BYTES,
    Choice,
    Script,
    ScriptError,
    find_engine,
    read_choices,
)
from probes.net.route import client_tls_context

FETCHED = ("http://", "https://")
FETCH_SECONDS = 20.0
KEPT_SECONDS = 3600.0
"""How long a file that was fetched is used before it is fetched again."""

BAD_SECONDS = 300.0
NAMES = 50
"""The most names that a script may look up for one answer, as on the PAC line."""

LOOPBACK = "127.0.0.1"
"""The address that ``myIpAddress()`` returns without a network, as in browsers."""

ELSEWHERE = "192.0.2.1"
"""An address of no machine (RFC 5737)."""

OK = 200

Resolve = Callable[[str], str | None]


class _Fetched(NamedTuple):
    script: Script
    at: float


class PacProxies:
    """Evaluates a PAC file, by path or URL, each time the hub is asked.

    ``credentials`` are given to each proxy that it names. A file from an ``https://`` URL is
    taken only with a valid certificate, because it says who is given the password.
    """

    def __init__(
        self,
        place: str,
        credentials: Credentials | None = None,
        *,
        resolve: Resolve | None = None,
        own: Callable[[], str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file if it is a path. Raises UsageError for none, or without the extra ``pac``.

        ``resolve`` returns the IPv4 address of a name, or ``None``; ``own`` this machine's.
        """
        find_engine("the agent's PAC file")
        self._place, self._credentials = place, credentials
        self._resolve, self._own = resolve or _address_of, own or _own_address
        self._monotonic = monotonic
        self._bad_until: dict[str, float] = {}
        self._fetched: _Fetched | None = None
        self._is_url = place.startswith(FETCHED)
        if self._is_url and "@" in urlsplit(place).netloc:
            msg = "the URL of the PAC file must have no name or password in it"
            raise UsageError(msg)
        self._file = None if self._is_url else _read(place)

    def servers(self, url: str) -> tuple[ProxyServer | None, ...]:
        """The file's choices for a URL; those of a protocol that is not spoken are left out."""
        choices = self._choices(self._script(), url)
        usable = [_server(choice, self._credentials) for choice in choices if _is_spoken(choice)]
        if not usable:
            named = ", ".join(map(str, choices))[:200]
            msg = f"the PAC file leads to {named}; the agent speaks with HTTP and HTTPS proxies"
            raise UplinkError(msg, "proxy")
        return tuple(sorted(usable, key=self._is_bad))

    def is_out_of_reach(self, server: ProxyServer | None) -> None:
        """Try a proxy after the others for five minutes."""
        self._bad_until[_key(server)] = self._monotonic() + BAD_SECONDS

    def _is_bad(self, server: ProxyServer | None) -> bool:
        return self._bad_until.get(_key(server), 0.0) > self._monotonic()

    def _script(self) -> Script:
        """The script: from the path, or fetched; the last one if it cannot be fetched again."""
        if self._file is not None:
            return self._file
        now = self._monotonic()
        if self._fetched is None or now - self._fetched.at > KEPT_SECONDS:
            try:
                self._fetched = _Fetched(_fetch(self._place, self._monotonic), now)
            except UplinkError:
                if self._fetched is None:
                    raise
        return self._fetched.script

    def _choices(self, script: Script, url: str) -> tuple[Choice, ...]:
        """Run the script, and resolve the names that it asks for until it asks for no more."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        # Browsers pass a script only the host of an https URL.
        shown = f"https://{parts.netloc}/" if parts.scheme == "https" else url
        known: dict[str, str | None] = {}
        try:
            while len(known) <= NAMES:
                decision = script.decide(shown, host, known, self._own())
                if not decision.wanted:
                    return read_choices(decision.answer)
                known |= {name: self._resolve(name) for name in decision.wanted[: NAMES + 1]}
        except (ScriptError, ValueError) as error:
            msg = f"the PAC file cannot be used: {error}"
            raise UplinkError(msg, "proxy") from None
        msg = f"the PAC file cannot be used: it wants more than {NAMES} names"
        raise UplinkError(msg, "proxy")


def _is_spoken(choice: Choice) -> bool:
    return choice.kind in ("direct", "http", "https")


def _server(choice: Choice, credentials: Credentials | None) -> ProxyServer | None:
    if choice == DIRECT or choice.address is None:
        return None
    scheme = "https" if choice.kind == "https" else "http"
    address = choice.address
    return ProxyServer(scheme=scheme, host=address.host, port=address.port, credentials=credentials)


def _key(server: ProxyServer | None) -> str:
    return server.url if server is not None else "direct"


def _address_of(name: str) -> str | None:
    """The first IPv4 address of a name; PAC files know no IPv6."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0]) if found else None


def _own_address() -> str:
    """The address that packets to other networks are sent from; nothing is sent."""
    try:
        return local_address(ELSEWHERE)
    except OSError:
        return LOOPBACK


def _read(path: str) -> Script:
    """Read a file. Raises UsageError if it is no PAC file."""
    try:
        return Script(_decoded(read_bounded(path, SCRIPT_BYTES)))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    except ScriptError as error:
        msg = f"{path}: is not a PAC file: {error}"
        raise UsageError(msg) from None


def _fetch(url: str, monotonic: Callable[[], float]) -> Script:
    """Fetch a file directly. Raises UplinkError."""
    parts = urlsplit(url)
    network = TimedNetwork(monotonic)
    network.allow(FETCH_SECONDS)
    with httpcore.ConnectionPool(ssl_context=client_tls_context(), network_backend=network) as pool:
        try:
            with pool.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                content = bytearray()
                for part in response.iter_stream():
                    content += part
                    if len(content) > SCRIPT_BYTES:
                        break
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            trouble = network_error(error, parts.netloc, "", FETCH_SECONDS)
            why = str(trouble).replace("the hub ", "")
            msg = f"the PAC file was not fetched from {parts.netloc}: {why}"
            raise UplinkError(msg, trouble.kind) from None
    if response.status != OK:
        msg = f"the PAC file was not fetched: {parts.netloc} answered with status {response.status}"
        raise UplinkError(msg, "proxy")
    try:
        return Script(_decoded(bytes(content)))
    except ScriptError as error:
        msg = f"what {parts.netloc} gave is not a PAC file: {error}"
        raise UplinkError(msg, "proxy") from None


def _decoded(data: bytes) -> str:
    """Decode a file as UTF-8, else Latin-1 (the format does not say)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
