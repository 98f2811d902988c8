"""The range and hostile services on one thread of their own, for several campaigns at once."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, cast

from probes.range.arrival_log import ArrivalLog
from probes.range.authority import Authority
from probes.range.filter import FilterPolicy
from probes.range.resolver import ZoneServer
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.corpus import contents, known_hosts, write_packs
from test_suites.calibration.hostile.knowledge import CONTENT_ADDRESS, Knowledge
from test_suites.calibration.hostile.name_service import NameBehaviour, NameService
from test_suites.calibration.hostile.sizes import Size
from test_suites.calibration.hostile.supplier import Supplier
from test_suites.calibration.hostile.web_call import WebBehaviour
from test_suites.calibration.hostile.web_service import WebService
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Handle, Listening

PROFILES = ("ks2", "ks4")
"""Profiles of a service; most wirings use the first alone."""

PORT_TRIES = 20
"""Ports that the system gives at one address may be taken at another: then others are tried."""

Supplied = TypeVar("Supplied")
Value = TypeVar("Value")


@dataclass(slots=True, kw_only=True)
class Running:
    """A service that runs: where its lines lead to, and what its supplier got wrong itself."""

    ports: dict[str, Any]
    listening: Listening = field(repr=False)

    @property
    def crashes(self) -> list[str]:
        """Exceptions of the supplier's own function: mistakes of this suite."""
        return self.listening.crashes


class ServiceTestbed(ABC, Generic[Supplied]):
    """An origin, and services of suppliers beside it; a context manager.

    All services share one authority for TLS, whose certificates are made once a host.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority("Example School Filter")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="testbed")
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.world = self._await(self._start_world())
        except BaseException:
            self.__exit__()
            raise
        self.trusted = self.folder / "trusted.pem"
        own = Path(self.world.origin.authority).read_bytes()
        self.trusted.write_bytes(own + self.authority.pem)
        return self

    def __exit__(self, *exc: object) -> None:
        self._await(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def origin_file(self) -> Path:
        """The file that describes the origin to campaigns."""
        return self.folder / "world" / "origin.json"

    @contextmanager
    def serving(self, supplier: Supplied) -> Iterator[Running]:
        """Run a supplier's service for as long as the context lasts."""
        listening = Listening()
        ports = self._await(self._start(supplier, listening))
        try:
            yield Running(ports=ports, listening=listening)
        finally:
            self._await(listening.__aexit__())

    @abstractmethod
    async def _start_world(self) -> RangeTestbed:
        """Start the origin, to be ended by ``_stack``."""

    @abstractmethod
    async def _start(self, supplier: Supplied, listening: Listening) -> dict[str, Any]:
        """Start a supplier's service; return where its lines lead to."""

    def _await(self, work: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Testbed(ServiceTestbed[Supplier]):
    """The origin of the pack of hostile services, and its names."""

    __test__ = False

    def __init__(self, folder: Path, size: Size) -> None:
        super().__init__(folder)
        self.size = size
        self.knowledge: Knowledge = known_hosts(size)
        self.packs = write_packs(folder / "packs", self.knowledge)
        self._names = ZoneServer(log=ArrivalLog(), dual_stack=True)

    async def _start_world(self) -> RangeTestbed:
        """The range, with a second address of its origin at the same ports, where they are free."""
        for left in reversed(range(PORT_TRIES)):
            async with AsyncExitStack() as stack:
                world = RangeTestbed(
                    self.folder / "world",
                    policy=FilterPolicy(blocks=lambda *_: False),
                    contents=contents(self.knowledge),
                    dual_stack=True,
                )
                await stack.enter_async_context(world)
                try:
                    listening = await stack.enter_async_context(Listening())
                    for port in sorted(set(world.origin.ports.values())):
                        await listening.listen(_to_origin(port), CONTENT_ADDRESS, port)
                except OSError:
                    if not left:
                        raise
                else:
                    await self._stack.enter_async_context(stack.pop_all())
                    return world
        raise AssertionError

    async def _start(self, supplier: Supplier, listening: Listening) -> dict[str, Any]:
        if supplier.kind == "name server":
            names = NameService(
                behave=cast("NameBehaviour", supplier.behave),
                knowledge=self.knowledge,
                names=self._names,
                scale=self.size.scale,
            )
            return {"server": f"{ADDRESS}:{await names.start(listening)}"}
        web = WebService(
            behave=cast("WebBehaviour", supplier.behave),
            knowledge=self.knowledge,
            authority=self.authority,
            origin_ports=self.world.origin.ports,
            scale=self.size.scale,
            names=self._names,
            is_asked_first=supplier.is_asked_first,
        )
        if supplier.wiring == "gateway":
            return {"gateway": await web.start_gateway(listening, PROFILES[0])}
        ports = {name: await web.start_proxy(listening, name) for name in PROFILES}
        return {"proxy": {name: f"http://{ADDRESS}:{port}" for name, port in ports.items()}}


def _to_origin(port: int) -> Handle:
    """Pass connections on to the origin's own address."""

    async def handle(stream: ByteStream) -> None:
        await stream.relay(ADDRESS, port)

    return handle
