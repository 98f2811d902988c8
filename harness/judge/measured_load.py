"""Put together how busy the measuring machine was, from the records beside batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.model.machine_facts import MachineFacts
from harness.model.observation import Observation
from harness.model.tester_load import TesterLoad, load_of


class MeasuredLoad:
    """The records of a journal, held in memory: one for each batch."""

    def __init__(self) -> None:
        self._facts: dict[int, MachineFacts] = {}
        self.load = TesterLoad()
        self.overloaded: frozenset[int] = frozenset()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep the records."""
        for one in observations:
            if one.role == "machine":
                if isinstance(one.facts, MachineFacts):
                    self._facts[one.batch] = one.facts
            else:
                yield one

    def judge(self) -> None:
        """Compare the batches with each other."""
        self.load = load_of(self._facts)
        self.overloaded = self.load.overloaded
        self._facts.clear()
