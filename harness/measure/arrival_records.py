"""Ask the origin, over the control line, what reached it by techniques and checks of TLS.

So each finding can be compared with what the origin saw. An origin that does not answer, or keeps
no arrivals, leaves no record.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from harness.measure.batch_plan import RetrialBatches
from harness.measure.measurement_context import MeasurementContext
from harness.model.arrivals import SeenArrival, arrivals_path, read_arrivals
from harness.model.facts import ArrivalFacts, TechniqueFacts, TlsFacts
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.ports.network import Line, Origin, Request

PROBE = "arrivals"
"""What stands for a probe in the keys of these records."""

NONCES = 50
"""Nonces in one question, whose answer is at most some hundred kilobytes."""

PATIENCE = 20.0
"""Seconds that an answer may take."""

MOST_ARRIVALS = 12
"""Arrivals that are recorded of one attempt: a tunnel may make many."""


class ArrivalRecords:
    """The attempts by techniques and checks of TLS of which the origin is not asked yet."""

    def __init__(self, context: MeasurementContext, batches: RetrialBatches) -> None:
        self._context, self._batches = context, batches
        self._waiting: dict[str, Observation] = {}
        self._recorded: set[AttemptKey] = set()

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note what is on record already."""
        self._recorded.update(one.key for one in observations if one.role == "arrivals")

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Note the attempts of a batch."""
        for one in observations:
            is_tried = isinstance(one.facts, TlsFacts) or (
                isinstance(one.facts, TechniqueFacts) and not one.facts.obstacle
            )
            is_new = one.role == "item" and record_key(one.key) not in self._recorded
            if is_tried and is_new and one.nonce:
                self._waiting[one.nonce] = one

    async def finish(self) -> None:
        """Ask for all that were noted."""
        origin, line = self._context.origin, self._control()
        if origin is not None and line is not None:
            waiting = tuple(self._waiting)
            for first in range(0, len(waiting), NONCES):
                for record in await self._ask(origin, line, waiting[first : first + NONCES]):
                    self._batches.add(record)
                await self._batches.write_full()
        self._waiting.clear()

    def _control(self) -> Line | None:
        lines = (line for (name, _), line in self._context.lines.items() if name == CONTROL)
        return next(lines, None)

    async def _ask(self, origin: Origin, line: Line, nonces: tuple[str, ...]) -> list[Observation]:
        """Ask about some nonces, each zone in turn until one answers."""
        for zone in origin.zone_names:
            url = f"http://{zone}{arrivals_path(origin.key, nonces)}"
            exchange = await line.fetch(Request(url=url, timeout=PATIENCE))
            try:
                seen = read_arrivals(exchange.body) if exchange.status else None
            except ValueError:
                seen = None
            if seen is not None:
                return [self._record(self._waiting[nonce], nonce, seen) for nonce in nonces]
        return []

    def _record(
        self, attempt: Observation, nonce: str, seen: tuple[SeenArrival, ...]
    ) -> Observation:
        mine = [one for one in seen if one.nonce == nonce]
        offers = {one.offer.digest: one.offer for one in mine if one.offer is not None}
        facts = ArrivalFacts(
            arrivals=tuple(map(in_words, mine[:MOST_ARRIVALS])),
            more=len(mine[MOST_ARRIVALS:]),
            offers=tuple(offers.values())[:MOST_ARRIVALS],
        )
        return Observation(
            key=record_key(attempt.key),
            item=attempt.item,
            started=self._context.clock.now(),
            batch=self._batches.number,
            role="arrivals",
            facts=facts,
            nonce=nonce,
        )


def record_key(key: AttemptKey) -> AttemptKey:
    """Return the key of the record of what arrived by an attempt."""
    return replace(key, probe=PROBE)


def in_words(arrival: SeenArrival) -> str:
    """Return what arrived in words: ``https GET cv-001.ways.accredit.test/``."""
    return f"{arrival.over} {arrival.method} {arrival.host}{arrival.path}"[:300].replace("  ", " ")
