"""A line and a probe that follow a script, for the parts that measure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar

from harness.measure.concurrency_limiter import ConcurrencyLimiter
from harness.measure.event_loop import LoopLagMonitor
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.observation import AttemptKey, Evidence, Failure, Stage, Timings
from harness.model.probe import ProbeDeclaration
from harness.ports.network import Attempt, ProbeResult
from harness.ports.storage import WallClock

CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "a", "type": "t"},),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "canary"},),
        "limits": {"timeout": 1.0, "confirmation_timeout": 2.0, "concurrency": 4},
    }
)
GOOD = ProbeResult(timings=Timings(total=0.1), facts=WebFacts(url="u", status=200, canary="seen"))

Play = Callable[[Attempt], Awaitable[ProbeResult | None]]


class Drawer:
    """An evidence store that keeps nothing."""

    def keep(self, evidence: Evidence) -> str:
        return evidence.digest

    def read(self, digest: str) -> bytes:
        raise NotImplementedError


class Wire:
    """A line that does nothing."""

    origin = None

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass


class Played:
    """A probe that answers as ``play`` says, or well."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(
        needs="fetch", facts="web", has_twins=True
    )

    def __init__(self, play: Play | None = None) -> None:
        self.play = play
        self.attempts: list[Attempt] = []

    async def try_item(self, attempt: Attempt, line: Any) -> ProbeResult:
        self.attempts.append(attempt)
        return (self.play and await self.play(attempt)) or GOOD


def tools(probe: Played, limits: Limits = CAMPAIGN.limits, **more: Any) -> MeasurementContext:
    """A measurement context with one probe, ``web``, on a control and a line ``a``."""
    clock = WallClock()
    wires: Mapping[tuple[str, str], Any] = {(name, "ks2"): Wire() for name in ("control", "a")}
    return MeasurementContext(
        probes={"web": probe},
        lines=wires,
        origin=None,
        evidence=Drawer(),
        clock=clock,
        limiter=ConcurrencyLimiter(limits.concurrency),
        confirmation_limiter=ConcurrencyLimiter(4 * limits.concurrency),
        lag_monitor=LoopLagMonitor(clock),
        **more,
    )


def key(item: str = "i", line: str = "a") -> AttemptKey:
    """The key of an attempt."""
    return AttemptKey(campaign="c", item=item, probe="web", line=line, profile="ks2")


def item(name: str = "i") -> Item:
    """An item of the canary zone."""
    return Item(id=name, value=f"{name}.canary.accredit.test", labels=("GAMB",))


def fail(name: str, stage: Stage = "response") -> ProbeResult:
    """What came of an attempt that failed."""
    return ProbeResult(timings=Timings(), failure=Failure(name=name, stage=stage))


SILENT = fail("generic_timeout_error")
RESET = fail("connection_reset")


def in_turn(*sightings: ProbeResult | None, of: str = "i") -> Play:
    """Answers to the attempts on one item, one after the other; the last one stays."""
    left = list(sightings)

    async def play(attempt: Attempt) -> ProbeResult | None:
        if attempt.item.id != of:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return play


def names(attempts: Iterable[Attempt]) -> list[str]:
    """The ids of what was tried."""
    return [attempt.item.id for attempt in attempts]
