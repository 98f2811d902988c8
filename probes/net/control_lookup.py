"""Looks names up on the control: those that a proxy would resolve out of sight."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from harness.ports.network import Line, Question
from probes.net.address import Address

PATIENCE = 2.0
"""Seconds that the control's name server is given; a name without an answer has no address."""

REMEMBERED = 4096
"""How many names are kept with their addresses."""


@runtime_checkable
class SaysPlaces(Protocol):
    """A line that connects by itself, and says whether it may go to an address for a host."""

    def may_visit(self, far: Address, address: str) -> bool:
        """Whether nothing keeps the line from that IP address for the host and port of a URL."""
        ...


class ControlLookup:
    """The addresses of names, IPv4 and IPv6, as the control finds them; each is asked for once."""

    def __init__(self, control: Line) -> None:
        self._control = control
        self._known: dict[str, tuple[str, ...]] = {}

    async def unvisited(self, far: Address, patience: float) -> tuple[str, ...]:
        """The addresses of a host that the control itself may not visit.

        None if it has none, or ``patience`` (seconds) ran out.
        """
        found = await self._addresses(far.host, patience) if "ask" in self._control.carries else ()
        control = self._control
        if not isinstance(control, SaysPlaces):
            return found
        return tuple(each for each in found if not control.may_visit(far, each))

    async def _addresses(self, name: str, patience: float) -> tuple[str, ...]:
        if name not in self._known:
            left = min(patience, PATIENCE)
            questions = (Question(name=name, type=each, timeout=left) for each in ("A", "AAAA"))
            answers = await asyncio.gather(*map(self._control.ask, questions))
            found = tuple(one for answer in answers for one in answer.facts.addresses)
            if any(answer.failure is not None for answer in answers):
                return found
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[name] = found
        return self._known[name]
