"""The servers of the reference filter, which stop and start again together."""

from __future__ import annotations

import socket
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import TypeVar

from probes.range.bound_socket import bound_socket
from probes.range.listener import Listener
from probes.range.name_server import NameServer

Entered = TypeVar("Entered")
Ended = TypeVar("Ended", bound="bool | None")


class FilterServices(AsyncExitStack):
    """An exit stack whose listeners and name servers can be stopped, and started again.

    While they are stopped, clients that connect are refused. They start at the same ports, but not
    once the stack has been closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._servers: list[Listener | NameServer] = []
        self._held: list[socket.socket] = []

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None:
        self._servers.clear()
        self._release()
        return await super().__aexit__(kind, error, traceback)

    async def enter_async_context(self, cm: AbstractAsyncContextManager[Entered, Ended]) -> Entered:
        """Enter a context, and remember it if it is a server."""
        entered = await super().enter_async_context(cm)
        if isinstance(entered, Listener | NameServer):
            self._servers.append(entered)
        return entered

    async def stop(self) -> None:
        """Stop all servers, and abort their connections.

        Their TCP ports stay bound, so that the system gives them to nobody else; who connects is
        refused, because nobody listens.
        """
        for server in self._servers:
            await server.__aexit__(None, None, None)
            with suppress(OSError):
                self._held.append(bound_socket(socket.SOCK_STREAM, server.host, server.port))

    async def start(self) -> None:
        """Start all servers again. Raises OSError if a port was taken meanwhile."""
        try:
            for server in self._servers:
                await server.__aenter__()
        finally:
            self._release()

    def _release(self) -> None:
        while self._held:
            self._held.pop().close()
