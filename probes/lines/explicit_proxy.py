"""The explicit proxy line: a service that browsers are told to use (RFC 9110 section 3.7)."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import ClassVar, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from harness.errors import UsageError
from harness.model.campaign import Declared, Limits
from harness.model.observation import DnsFacts, Failure, Timings
from harness.plugins import register
from harness.ports.asking import Answer, Exchange, Origin, Question, Request
from probes.net.address import Address, is_literal
from probes.net.direct import unaskable
from probes.net.failures import failure_of
from probes.net.lane import LaneName, open_lane
from probes.net.route import Route, basic_authorization, trusting
from probes.net.target import read_target

DEFAULT_PORT = 3128


class ExplicitProxyOptions(Declared):
    """``proxy`` as ``http://host:port``; ``authority`` is its CA file, if it intercepts."""

    proxy: str
    username: str = ""
    password: str = ""
    authority: str = ""
    lane: LaneName = "auto"


@register("lines", "explicit_proxy")
class ExplicitProxy:
    """Sends every request to one proxy; the proxy's name is resolved once, beforehand."""

    Options: ClassVar[type[BaseModel]] = ExplicitProxyOptions
    carries: ClassVar[frozenset[str]] = frozenset({"fetch"})

    def __init__(
        self, name: str, options: ExplicitProxyOptions, origin: Origin | None, limits: Limits
    ) -> None:
        self.name = name
        self.origin = origin
        self.limits = limits
        self._options = options
        self._proxy = _proxy_address(name, options.proxy)
        self._authorization = _authorization(options)
        self._lost: Failure | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        authority = self.origin.authority if self.origin else ""
        trust = trusting(authority, self._options.authority)
        address = await self._find()
        self._route = Route(
            address=address, trust=trust, by_proxy=True, authorization=self._authorization
        )
        self._lane = await self._stack.enter_async_context(open_lane(self._options.lane))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def fetch(self, request: Request) -> Exchange:
        """Fetch through the proxy."""
        if self._lost is not None:
            return Exchange(timings=Timings(), failure=self._lost)
        try:
            read_target(request.url)
        except ValueError as error:
            return unaskable(str(error))
        return await self._lane.exchange(request, self._route)

    async def ask(self, question: Question) -> Answer:
        """A proxy answers no DNS question."""
        detail = f"line {self.name!r} is a proxy; it carries no DNS"
        failure = Failure(name="instrument_error", stage="instrument", detail=detail)
        facts = DnsFacts(name=question.name, type=question.type, server="")
        return Answer(facts=facts, timings=Timings(), failure=failure)

    async def _find(self) -> Address:
        if is_literal(self._proxy.host):
            return self._proxy
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self._proxy.host, self._proxy.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            # The proxy is out of reach, which no rule may take for a block.
            self._lost = failure_of(error, "proxy_connect")
            return self._proxy
        found.sort(key=lambda each: each[0] != socket.AF_INET)
        return Address(host=str(found[0][4][0]), port=self._proxy.port)


def _proxy_address(name: str, proxy: str) -> Address:
    try:
        parts = urlsplit(proxy)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        shown = proxy.rpartition("@")[2]
        raise UsageError(
            f"line {name!r}, option 'proxy': {shown!r} is no http proxy; write http://host:port"
        )
    return Address(host=parts.hostname, port=port)


def _authorization(options: ExplicitProxyOptions) -> str:
    parts = urlsplit(options.proxy)
    username = options.username or unquote(parts.username or "")
    password = options.password or unquote(parts.password or "")
    return basic_authorization(username, password) if username else ""
