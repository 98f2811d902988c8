"""A passage is one exchange under way: where it stands, and what it has met so far.

It is what the lanes fill in; whatever ends it, the facts gathered until then are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from harness.model.observation import Certificate, Failure, Stage, Timings
from harness.ports.network import Exchange
from probes.net.content_coding import decode
from probes.net.failures import failure_of
from probes.net.http_head import Head

Clock = Callable[[], float]


class Phase:
    """A part of a passage, entered and left; adds how long it took unless it broke."""

    __slots__ = ("_begun", "_clock", "_name", "_phases")

    def __init__(self, phases: dict[str, float], name: str, clock: Clock) -> None:
        self._phases, self._name, self._clock = phases, name, clock

    def __enter__(self) -> None:
        self._begun = self._clock()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            took = self._clock() - self._begun
            self._phases[self._name] = self._phases.get(self._name, 0.0) + took


class Passage:
    """The mutable side of an Exchange. ``stage`` is where a failure would have happened."""

    def __init__(self, limit: int, clock: Clock = perf_counter) -> None:
        self.limit = limit
        self.stage: Stage = "connect"
        self.head: Head | None = None
        self.tunnel: Head | None = None
        self.body = bytearray()
        self.peer = ""
        self.certificate: Certificate | None = None
        self.failure: Failure | None = None
        self.phases: dict[str, float] = {}
        self._clock = clock
        self._started = clock()

    def phase(self, name: str, stage: Stage) -> Phase:
        """Stand at ``stage``, and note how long it took if it was passed."""
        self.stage = stage
        return Phase(self.phases, name, self._clock)

    def fail(self, error: BaseException) -> None:
        """End here, for the reason that an exception gives; the first reason stands."""
        if self.failure is not None:
            return
        if isinstance(error, ValueError) and not isinstance(error, OSError):
            answered = self.stage in ("tunnel", "response")
            self.end("http_invalid_response" if answered else "instrument_error", str(error))
        else:
            self.failure = failure_of(error, self.stage)

    def end(self, name: str, detail: str = "") -> None:
        """End here, for a reason of our own reading."""
        stage: Stage = "instrument" if name.startswith("instrument_") else self.stage
        self.failure = Failure(name=name, stage=stage, detail=detail[:300])

    def exchange(self) -> Exchange:
        """What came of it."""
        head = self.head or self.tunnel
        declared = ", ".join(head.all("content-encoding")) if head else ""
        decoded = decode(bytes(self.body), declared, self.limit)
        truncated = decoded.truncated or len(self.body) > self.limit
        if decoded.incomplete and self.failure is None and not truncated:
            self.end("eof_error", "the compressed body ends too early")
        return Exchange(
            timings=Timings(**self.phases, total=self._clock() - self._started),
            status=self.head.status if self.head else None,
            tunnel_status=self.tunnel.status if self.tunnel else None,
            headers=head.headers if head else (),
            body=decoded.body,
            truncated=truncated,
            peer=self.peer,
            certificate=self.certificate,
            failure=self.failure,
            codings=decoded.codings,
            undecoded=decoded.undecoded,
        )
