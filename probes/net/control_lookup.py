"""Looks names up on the control: those that a proxy would resolve out of sight."""

from __future__ import annotations

import asyncio

from harness.ports.asking import Line, Question

PATIENCE = 2.0
"""Seconds that the control's name server is given; a name without an answer has no address."""

REMEMBERED = 4096
"""How many names are kept with their addresses."""


class ControlLookup:
    """The addresses of names, IPv4 and IPv6, as the control finds them; each is asked for once."""

    def __init__(self, control: Line) -> None:
        self._control = control
        self._known: dict[str, tuple[str, ...]] = {}

    async def addresses(self, name: str, patience: float) -> tuple[str, ...]:
        """Every address of a name; none if it has none or ``patience`` (seconds) ran out."""
        if "ask" not in self._control.carries:
            return ()
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
