"""Which proxies an agent may use to reach its hub: none, one that is named, or those of a PAC file.

Names and passwords come from an option, or better from a file that only the user can read; they
are in no message, log or repr.
"""

from __future__ import annotations

import os
import stat
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from harness.errors import UsageError
from harness.untrusted.regular_file import read_bounded
from probes.agent.pac_proxies import PacProxies
from probes.agent.proxy_server import Credentials, ProxyServer

DEFAULT_PORTS = {"http": 3128, "https": 3129}
"""Ports of proxies that name none: Squid's."""

CREDENTIAL_BYTES = 4096
LAST_CONTROL = " "


class ProxyChoice(Protocol):
    """Says by which proxies a URL is reached."""

    def servers(self, url: str) -> tuple[ProxyServer | None, ...]:
        """The proxies to try in order; ``None`` is a direct connection. Raises UplinkError."""
        ...

    def is_out_of_reach(self, server: ProxyServer | None) -> None:
        """Note that a proxy was not reached, so that it is tried after the others."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedProxy:
    """One proxy for everything; ``None`` is none."""

    server: ProxyServer | None = None

    def servers(self, url: str) -> tuple[ProxyServer | None, ...]:
        """The proxy."""
        del url
        return (self.server,)

    def is_out_of_reach(self, server: ProxyServer | None) -> None:
        """There is no other."""


NO_PROXY = FixedProxy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions:
    """What a person says of proxies; at most one of ``proxy``, ``pac`` and ``environment``.

    ``proxy`` is ``http://host:port`` or ``https://``, ``pac`` a path or a URL, ``credentials`` a
    private file with ``name:password``; ``environment`` heeds HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
    """

    proxy: str = field(default="", repr=False)
    pac: str = ""
    credentials: str = ""
    environment: bool = False


def read_proxy_choice(
    options: ProxyOptions,
    variables: Mapping[str, str] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> ProxyChoice:
    """Return the choice of proxies. Raises UsageError for what cannot be used.

    ``variables`` are those of the environment; ``None`` for this process's.
    """
    if sum(map(bool, (options.proxy, options.pac, options.environment))) > 1:
        msg = "a proxy, a PAC file and the environment's proxies exclude each other; give one"
        raise UsageError(msg)
    credentials = read_credentials(options.credentials) if options.credentials else None
    if options.pac:
        return PacProxies(options.pac, credentials, monotonic=monotonic)
    if options.environment:
        found = variables if variables is not None else os.environ
        return EnvironmentProxies(dict(found), credentials)
    if options.proxy:
        return FixedProxy(server=read_proxy(options.proxy, "the proxy", credentials))
    if credentials is not None:
        msg = f"{options.credentials}: credentials are of no use without a proxy; name one"
        raise UsageError(msg)
    return NO_PROXY


class EnvironmentProxies:
    """The proxies of HTTPS_PROXY and HTTP_PROXY, except for the hosts of NO_PROXY."""

    def __init__(self, variables: Mapping[str, str], credentials: Credentials | None) -> None:
        named = {name.lower(): value for name, value in variables.items() if value}
        self._bypassed = named.get("no_proxy", "")
        self._proxies = {
            scheme: read_proxy(named[f"{scheme}_proxy"], f"{scheme.upper()}_PROXY", credentials)
            for scheme in DEFAULT_PORTS
            if f"{scheme}_proxy" in named
        }

    def servers(self, url: str) -> tuple[ProxyServer | None, ...]:
        """The proxy of the URL's scheme, or none."""
        parts = urlsplit(url)
        bypass = {"no": self._bypassed}
        if urllib.request.proxy_bypass_environment(parts.netloc, bypass):  # type: ignore[attr-defined]
            return (None,)
        return (self._proxies.get(parts.scheme),)

    def is_out_of_reach(self, server: ProxyServer | None) -> None:
        """There is no other."""


def read_proxy(text: str, what: str, credentials: Credentials | None = None) -> ProxyServer:
    """Read the URL of a proxy; ``credentials`` go before those in it.

    Raises UsageError, which names ``what`` and never quotes the text: it may hold a password.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS or not host or any(mark in host for mark in "/\\ "):
        msg = f"{what} cannot be used; write http://host:port or https://host:port"
        raise UsageError(msg)
    if credentials is None and parts.username is not None:
        name, password = unquote(parts.username), unquote(parts.password or "")
        credentials = _checked(name, password, what)
    return ProxyServer(
        scheme=parts.scheme,
        host=host,
        port=port or DEFAULT_PORTS[parts.scheme],
        credentials=credentials,
    )


def read_credentials(path: str) -> Credentials:
    """Read ``name:password`` from a private file. Raises UsageError, without quoting it."""
    try:
        content = read_bounded(path, CREDENTIAL_BYTES)
        mode = Path(path).stat().st_mode
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"{path}: other users can read it; run: chmod 600 {path}"
        raise UsageError(msg)
    try:
        name, colon, password = content.decode("utf-8-sig").rstrip("\r\n").partition(":")
    except UnicodeDecodeError:
        name, colon, password = "", "", ""
    if not name or not colon:
        msg = f"{path}: must hold one line, name:password, in UTF-8"
        raise UsageError(msg)
    return _checked(name, password, path)


def _checked(name: str, password: str, what: str) -> Credentials:
    """Credentials that Basic authentication can carry (RFC 7617, section 2). Raises UsageError."""
    if ":" in name or any(letter < LAST_CONTROL for letter in name + password):
        msg = f"{what}: a name has no colon, and neither name nor password has control characters"
        raise UsageError(msg)
    return Credentials(name=name, password=password)
