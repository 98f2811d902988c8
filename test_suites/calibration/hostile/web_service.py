"""A hostile proxy or gateway: listens, reads requests, and has its supplier act on each."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from probes.range.authority import Authority
from probes.range.connection import Request
from probes.range.gateway import read_server_name
from probes.range.resolver import ZoneServer
from probes.range.zone import ADDRESS, TWIN_ADDRESS, normalise
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.knowledge import Knowledge
from test_suites.calibration.hostile.sizes import Scale
from test_suites.calibration.hostile.web_call import Call, WebBehaviour
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Handle, Listening

NO_ANSWER = Answer(status=502, body=b"no answer\n").wire


@dataclass(slots=True, kw_only=True)
class WebService:
    """One running service. ``memory`` is its supplier's own; the numbers are kept for all.

    ``in_flight`` counts requests that are being answered, ``total`` those of all time, ``seen``
    those of each way, ``arrivals`` when the newest thousand came (seconds of the loop's clock).
    """

    behave: WebBehaviour
    knowledge: Knowledge
    authority: Authority
    origin_ports: Mapping[int, int]
    scale: Scale
    names: ZoneServer
    is_asked_first: bool = False
    in_flight: int = 0
    total: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    memory: dict[str, Any] = field(default_factory=dict)

    async def start_proxy(self, listening: Listening, profile: str) -> int:
        """Listen as an explicit proxy of one profile; gives the port."""
        return await listening.listen(partial(self._as_proxy, profile))

    async def start_gateway(self, listening: Listening, profile: str) -> dict[int, int]:
        """Listen as a transparent gateway; gives its ports by those of URLs."""
        normalise = partial(self._as_plain_gateway, profile)
        secure = partial(self._as_secure_gateway, profile)
        return {
            80: await _listen_at_both(listening, normalise),
            443: await _listen_at_both(listening, secure),
        }

    def rate(self, seconds: float = 1.0) -> float:
        """Requests a second of late."""
        now = asyncio.get_running_loop().time()
        return sum(now - each <= seconds for each in self.arrivals) / seconds

    def since(self, name: str) -> float:
        """Seconds since ``note(name)``, infinite before."""
        noted = self.memory.get(f"at {name}")
        return float("inf") if noted is None else asyncio.get_running_loop().time() - noted

    def note(self, name: str) -> None:
        """Remember that something happened now."""
        self.memory[f"at {name}"] = asyncio.get_running_loop().time()

    def address_of(self, host: str) -> str:
        """Where a host of the zone is; empty for any other."""
        return self.names.address_of(host) if self.names.has(host) else ""

    async def ask_origin(self, request: bytes) -> Answer:
        """The origin's whole answer to a request for one answer; a 502 if it gives none."""
        return Answer.read(await self.bytes_of_origin(request))

    async def bytes_of_origin(self, request: bytes) -> bytes:
        """The same answer as it came, head and body."""
        reader, writer = await asyncio.open_connection(ADDRESS, self.origin_ports[80])
        try:
            writer.write(request)
            return await reader.read(-1) or NO_ANSWER
        finally:
            writer.close()

    async def _as_proxy(self, profile: str, stream: ByteStream) -> None:
        request = await stream.request()
        if request is None:
            return
        is_first = request.method == "CONNECT"
        call = Call(
            service=self,
            stream=stream,
            request=request,
            host=normalise(request.host),
            profile=profile,
            is_first=is_first,
        )
        await self._handle(call)

    async def _as_plain_gateway(self, profile: str, stream: ByteStream) -> None:
        request = await stream.request()
        if request is not None:
            host = normalise(request.host)
            await self._handle(
                Call(service=self, stream=stream, request=request, host=host, profile=profile)
            )

    async def _as_secure_gateway(self, profile: str, stream: ByteStream) -> None:
        hello = await stream.hello()
        host = normalise(read_server_name(hello) or "") if hello else ""
        if host:
            request = Request(method="CONNECT", target=f"{host}:443", headers={}, lines=())
            call = Call(
                service=self,
                stream=stream,
                request=request,
                host=host,
                profile=profile,
                is_first=True,
                hello=hello,
            )
            await self._handle(call)

    async def _handle(self, call: Call) -> None:
        """Count a call in, and have it acted on; TLS is intercepted first unless asked about."""
        if call.is_first and not self.is_asked_first:
            inner = await call.intercept()
            if inner is None:
                return
            call = inner
        self.in_flight += 1
        self.total += 1
        self.seen[call.way] += 1
        self.arrivals.append(asyncio.get_running_loop().time())
        try:
            await self.behave(call)
        finally:
            self.in_flight -= 1


async def _listen_at_both(listening: Listening, handle: Handle) -> int:
    """Listen for the clients of the origin, and for those of its plain twins; gives the port."""
    port = await listening.listen(handle)
    if TWIN_ADDRESS != ADDRESS:
        await listening.listen(handle, TWIN_ADDRESS, port)
    return port
