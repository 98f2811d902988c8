"""Gathers the faults of one file: the first ones in full, of the rest how many there are."""

from __future__ import annotations

from harness.errors import Fault, FaultyDocument

LIMIT = 50
"""So many faults are told one by one."""


class FaultList:
    """The faults of a file. Its size is their number, not how many are kept."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._kept: list[Fault] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: int | None, key: str, found: str, remedy: str = "") -> None:
        """Note a fault; ``remedy`` says what is known instead."""
        self._count += 1
        if self._count <= LIMIT:
            self._kept.append(self._fault(line, key, found, remedy))

    def error(self) -> FaultyDocument:
        """The error that tells them."""
        more = self._count - len(self._kept)
        last = [self._fault(None, "", f"and {more} more", "")] if more else []
        return FaultyDocument((*self._kept, *last))

    def _fault(self, line: int | None, key: str, found: str, remedy: str) -> Fault:
        return Fault(where=self.where, line=line, key=key, found=found, known=remedy)
