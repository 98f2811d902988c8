"""The browser backend: a current browser's TLS handshake and HTTP/2, by curl-impersonate.

The backend of this machine carries plain HTTP, where the request headers are all that identifies a
browser, and dnspython asks for names. Over TLS, curl_cffi uses the profile of the
browser named by the request's User-Agent (its profiles follow released versions). It reports
whether the certificate is trusted, but not the certificate itself.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from harness.errors import UsageError
from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.backend import open_backend
from probes.net.curl_transfer import CurlTransfer, dress_as
from probes.net.dialling import open_stream
from probes.net.dns_server import DnsServer
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.portable.name_resolver import Resolver
from probes.net.route import Route
from probes.net.url_target import UrlTarget, parse_url_target

BROWSERS = {"Firefox/": "firefox155", "Version/": "safari270"}
"""curl_cffi profile by a part of the User-Agent; any other User-Agent gets Chromium's."""

CHROMIUM = "chrome152"


class BrowserBackend:
    """Sends requests as a browser does; needs curl_cffi and Unix sockets."""

    def __init__(self) -> None:
        if not can_browse():
            raise UsageError(
                "lane 'browser' needs curl_cffi and Unix sockets, which this machine does not have"
            )
        self._plain = open_backend()
        self._resolvers: dict[int, tuple[DnsServer, Resolver]] = {}
        self._trusted: dict[int, tuple[ssl.SSLContext, bytes]] = {}

    async def __aenter__(self) -> Self:
        await self._plain.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for _, resolver in self._resolvers.values():
            resolver.pool.close()
        await self._plain.__aexit__(*exc)
        self._forget_authorities()

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Ask one question without EDNS, as pupils' devices do."""
        cached = self._resolvers.get(id(server))
        if cached is None:
            made = Resolver(replace(server, edns=False))
            cached = self._resolvers[id(server)] = (server, made)
        return await cached[1].ask(question)

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Send one request; failures are in the Exchange, never raised."""
        try:
            target = parse_url_target(request.url)
        except ValueError:
            return await self._plain.exchange(request, route)
        if target.scheme != "https":
            return await self._plain.exchange(request, route)
        recorder = ExchangeRecorder(request.body_bytes)
        try:
            async with asyncio.timeout(request.timeout):
                await self._run(request, target, route, recorder, verified=True)
                if recorder.failure is not None and recorder.failure.name.startswith("ssl_"):
                    # Behind a certificate that does not verify there may still be a block page.
                    await self._run(request, target, route, recorder, verified=False)
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the exchange
            recorder.fail(error)
        return recorder.exchange()

    async def _run(
        self,
        request: Request,
        target: UrlTarget,
        route: Route,
        recorder: ExchangeRecorder,
        *,
        verified: bool,
    ) -> None:
        current = recorder if verified else ExchangeRecorder(recorder.limit)
        stream = await open_stream(current, route, "https", target.endpoint, request.tunnel_headers)
        transfer = CurlTransfer(
            request=request,
            dress=partial(dress_as, browser_of(request)),
            authorities=self._authorities(route.trust) if verified else None,
        )
        await transfer.over(stream, recorder)

    def _authorities(self, trust: ssl.SSLContext) -> bytes:
        """Return the path of a PEM file with a context's authorities; deleted on close."""
        cached = self._trusted.get(id(trust))
        if cached is None:
            authorities = trust.get_ca_certs(binary_form=True)
            with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
                file.writelines(map(ssl.DER_cert_to_PEM_cert, authorities))
            cached = self._trusted[id(trust)] = (trust, os.fsencode(file.name))
        return cached[1]

    def _forget_authorities(self) -> None:
        for _, file in self._trusted.values():
            Path(os.fsdecode(file)).unlink(missing_ok=True)
        self._trusted.clear()


def can_browse() -> bool:
    """Whether the browser backend can run on this machine."""
    from importlib.util import find_spec  # noqa: PLC0415 - rarely needed

    return find_spec("curl_cffi") is not None and hasattr(asyncio, "start_unix_server")


def browser_of(request: Request) -> str:
    """Return the curl_cffi profile for the request's User-Agent."""
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), "")
    return next((name for part, name in BROWSERS.items() if part in agent), CHROMIUM)
