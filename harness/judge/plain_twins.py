"""Compares how items fared as items of the test and, once more, as a pupil would see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from harness.judge.pairing import pair
from harness.model.batch import turn_of
from harness.model.observation import Observation
from harness.model.plain_twin import TwinPair
from harness.model.retrial import Spot, spot_of
from harness.model.verdict import State, Trial, Verdict

UNDECIDED = State.INSUFFICIENT


class PlainTwinTrials:
    """The plain twins of a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._seen: list[Observation] = []
        self._plain: dict[Spot, Verdict] = {}
        self._tested: dict[Spot, State] = {}

    def taking(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Those of others; twins are taken in."""
        for one in observations:
            if one.role == "plain_twin":
                self._seen.append(msgspec.structs.replace(one, role="item"))
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all that were taken in."""
        for trial in pair(self._seen).trials:
            self._plain[spot_of(trial.key)] = judged(trial)
        self._seen.clear()

    def count(self, tested: Verdict) -> None:
        """Take into account how an item of the test fared; a decision stands before a doubt."""
        spot = spot_of(tested.key)
        if spot in self._plain and turn_of(tested.key.round) == 1:
            held = self._tested.get(spot, UNDECIDED)
            self._tested[spot] = tested.state if held is UNDECIDED else held

    @property
    def pairs(self) -> tuple[TwinPair, ...]:
        """Every twin beside its item."""
        return tuple(
            TwinPair(
                item=spot.item,
                category=plain.item.category,
                line=spot.line,
                profile=spot.profile,
                probe=spot.probe,
                tested=self._tested.get(spot, UNDECIDED).value,
                plain=plain.state.value,
            )
            for spot, plain in sorted(self._plain.items())
        )
