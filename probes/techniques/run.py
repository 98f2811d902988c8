"""``TechniqueRun``: one attempt of a technique, while its steps are carried out in turn.

A step is a coroutine function that takes the run. It changes where the next step connects to
(``address``, ``port``, ``host``), leaves an open ``stream`` or UDP ``socket``, or records an answer
in ``recorder``. Network trouble is raised as it comes; the probe records it with the stage that
``recorder`` names.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, TypeVar

from harness.model.facts import SentStep
from harness.ports.network import Attempt, Line, Origin
from harness.ports.streams import (
    ByteStream,
    DatagramSocket,
    Dialled,
    DialRequest,
    DialsStreams,
    SendsDatagrams,
)
from harness.untrusted.visible_text import visible
from probes.net.exchange_recorder import ExchangeRecorder
from probes.techniques.placeholders import WAYS, AtMark, Piece, Placeholder

SHOWN_BYTES = 600
"""Bytes of what a step sent that are kept as a fact."""

MIN_PATIENCE = 0.001


class Closable(Protocol):
    """A stream or socket."""

    def close(self) -> None:
        """Close it."""


_Opened = TypeVar("_Opened", bound=Closable)


class NotDialledError(Exception):
    """The line opened no stream or socket; ``dialled`` says why."""

    def __init__(self, dialled: Dialled[ByteStream] | Dialled[DatagramSocket]) -> None:
        super().__init__("not dialled")
        self.dialled = dialled


class NotCarriedError(Exception):
    """The line cannot carry the technique, or the origin does not offer it: nothing was tried."""


class AnsweredError(Exception):
    """A step got an answer by which the next ones cannot go on; the recorder has it."""


@dataclass(slots=True, kw_only=True)
class TechniqueRun:
    """One attempt. ``values`` are those of placeholders; ``deadline`` is a ``perf_counter`` time.

    ``host`` is the name to connect to, ``port`` the port of URLs (the line maps it on a range; 0:
    that of the step), ``address`` an IP address to use for it (empty: as the line resolves it).
    ``is_proxied`` says that the stream leads to a proxy that takes requests in absolute form.
    ``tunnel_headers`` are sent with CONNECT, where a line has a proxy.
    ``closers`` are called at the end of the attempt, the last first. ``refused`` is the result of
    dialling if the line opened no stream.
    """

    attempt: Attempt
    line: Line
    origin: Origin
    values: Mapping[str, str]
    recorder: ExchangeRecorder
    deadline: float
    host: str = ""
    port: int = 0
    address: str = ""
    stream: ByteStream | None = None
    socket: DatagramSocket | None = None
    is_proxied: bool = False
    sent: list[SentStep] = field(default_factory=list)
    closers: AsyncExitStack = field(default_factory=AsyncExitStack)
    refused: Dialled[ByteStream] | Dialled[DatagramSocket] | None = None
    tunnel_headers: tuple[tuple[str, str], ...] = ()
    _dialled: Dialled[ByteStream] | None = None

    @property
    def remaining(self) -> float:
        """Seconds that are left of the attempt."""
        return max(self.deadline - perf_counter(), MIN_PATIENCE)

    @property
    def authorization(self) -> str:
        """The line of a request's head with the credentials for a proxy; mostly empty."""
        named = self._dialled.authorization if self._dialled is not None else ""
        return f"Proxy-Authorization: {named}\r\n" if named else ""

    @property
    def dialled(self) -> Dialled[ByteStream] | None:
        """The result of dialling the latest stream."""
        return self._dialled

    def follow(self, dialled: Dialled[ByteStream]) -> None:
        """Take the result of a stream that a program's bytes go over for that of the attempt."""
        self._dialled = dialled

    def draw(self, what: str) -> random.Random:
        """Return random numbers for one purpose: the same on every line and after a resume."""
        return random.Random(f"{self.attempt.browser} {what}")  # noqa: S311 - variety, no secret

    def text(self, pieces: tuple[Piece, ...]) -> str:
        """Return a template as text; marks are left out. Raises NotCarriedError as ``value``."""
        return b"".join(
            each if isinstance(each, bytes) else self.value(each).encode("utf-8", "surrogateescape")
            for each in pieces
            if not isinstance(each, AtMark)
        ).decode("utf-8", "surrogateescape")

    def value(self, wanted: Placeholder) -> str:
        """Return the value of a placeholder. Raises NotCarriedError if the origin has none."""
        if wanted.name == "pad":
            return "A" * wanted.argument
        if wanted.name in ("base", "target", "allowed-target"):
            host = self.values["allowed" if wanted.name == "allowed-target" else "host"]
            base = f"http://{host}" if self.is_proxied else ""
            return base if wanted.name == "base" else f"{base}/"
        value = self.values.get(wanted.name, "")
        if wanted.name in ("marks", "headers"):
            return value + self.authorization
        if not value:
            raise NotCarriedError(f"the origin has no {wanted.name!r} for this item")
        if not wanted.way:
            return value
        return WAYS[wanted.way](value, self.draw(f"{wanted.name}:{wanted.way}"))

    def note(self, step: str, to: str, data: bytes | str) -> None:
        """Record what a step sent, without the credentials for a proxy."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        if self.authorization:
            raw = raw.replace(self.authorization.encode(), b"Proxy-Authorization: ...\r\n")
        shown = raw[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
        self.sent.append(SentStep(step=step, to=to, data=visible(shown), size=len(raw)))

    @property
    def where(self) -> str:
        """The far end of the latest connection in words: ``host:port``."""
        return f"{self.host}:{self.port}"

    async def open(self, port: int, *, plain: bool = False) -> ByteStream:
        """Return the open stream, or dial one to ``host``; ``port`` is used if no step named one.

        ``plain``: see ``DialRequest``. Raises NotDialledError, NotCarriedError.
        """
        if self.stream is not None:
            return self.stream
        if not isinstance(self.line, DialsStreams):
            raise NotCarriedError(f"line {self.line.name!r} opens no byte streams")
        self.port = self.port or port
        dialled = await self.line.dial(self._request(plain=plain))
        if dialled.opened is None:
            raise NotDialledError(dialled)
        self._dialled = dialled
        self.stream = self.keep(dialled.opened)
        self.is_proxied = dialled.is_proxied
        return self.stream

    async def datagrams(self, port: int) -> DatagramSocket:
        """Return the UDP socket that an earlier step left, or one to ``host``.

        Raises NotDialledError, NotCarriedError.
        """
        if self.socket is not None:
            return self.socket
        if not isinstance(self.line, SendsDatagrams) or "datagrams" not in self.line.carries:
            raise NotCarriedError(f"line {self.line.name!r} carries no UDP")
        self.port = self.port or port
        dialled = await self.line.datagrams(self._request())
        if dialled.opened is None:
            raise NotDialledError(dialled)
        self.recorder.peer = dialled.peer
        return self.keep(dialled.opened)

    def keep(self, opened: _Opened) -> _Opened:
        """Close something at the end of the attempt; return it."""
        self.closers.callback(opened.close)
        return opened

    def _request(self, *, plain: bool = False) -> DialRequest:
        return DialRequest(
            host=self.host,
            port=self.port,
            timeout=self.remaining,
            address=self.address,
            plain=plain,
            guarded=self.attempt.item.host,
            tunnel_headers=self.tunnel_headers,
        )


StepRun = Callable[[TechniqueRun], Awaitable[None]]
"""Carries out one step of an attempt."""
