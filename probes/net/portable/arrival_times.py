"""Hears the bytes come in: when the first one came, and how the far end left."""

from __future__ import annotations

from time import perf_counter

from aiohttp.client_proto import ResponseHandler


class Hearing(ResponseHandler):
    """aiohttp's own protocol, which also notes what aiohttp's errors no longer tell."""

    first_byte: float | None = None
    left: BaseException | None = None

    def data_received(self, data: bytes) -> None:
        """Note the moment of the first byte."""
        if self.first_byte is None:
            self.first_byte = perf_counter()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note why the connection ended; ``None`` is an orderly close."""
        self.left = exc
        super().connection_lost(exc)
