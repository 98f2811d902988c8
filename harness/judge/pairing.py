"""Pair service observations with those of the control, and plain twins with their items.

Input: the observations of a journal, in any order. Output: the trials to be judged, and the
sentinel trials by batch, line, profile and probe, which decide whether the verdicts count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from harness.model.batch import turn_of
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import Spot, TwinPair, spot_of
from harness.model.verdict import DELIVERED, State, Trial, Verdict


class BatchPath(NamedTuple):
    """One batch on one line, for one profile, with one probe; it has its own sentinels."""

    batch: int
    line: str
    profile: str
    probe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The trials of the items, and those of the sentinels by ``BatchPath``."""

    trials: tuple[Trial, ...]
    sentinels: dict[BatchPath, tuple[Trial, ...]]


def pair(observations: Iterable[Observation]) -> Pairs:
    """Pair every service observation with its control, or with None if there is none."""
    controls: dict[tuple[str, str, str, str, int], Observation] = {}
    services: list[Observation] = []
    for observation in observations:
        if observation.key.line == CONTROL:
            controls[_place(observation.key)] = observation
        else:
            services.append(observation)
    trials: list[Trial] = []
    sentinels: defaultdict[BatchPath, list[Trial]] = defaultdict(list)
    for service in services:
        trial = Trial(service=service, control=controls.get(_place(service.key)))
        if service.role == "item":
            trials.append(trial)
        elif service.role in ("must_allow", "must_block"):
            sentinels[batch_path_of(service)].append(trial)
    return Pairs(
        trials=tuple(trials),
        sentinels={batch_path: tuple(found) for batch_path, found in sentinels.items()},
    )


def batch_path_of(observation: Observation) -> BatchPath:
    """Return the batch path that an observation belongs to."""
    key = observation.key
    return BatchPath(observation.batch, key.line, key.profile, key.probe)


def _place(key: AttemptKey) -> tuple[str, str, str, str, int]:
    return key.campaign, key.item, key.probe, key.profile, key.round


UNDECIDED = State.INSUFFICIENT


def _against(plain: Verdict) -> tuple[bool, bool]:
    """Sort key of the tries of a twin: what came counts, then a block, then an undecided one."""
    return plain.state in DELIVERED, plain.state is State.BLOCKED


class PlainTwinTrials:
    """The plain twins of a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._seen: list[Observation] = []
        self._plain: dict[Spot, Verdict] = {}
        self._tested: dict[Spot, State] = {}

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep the twins."""
        for one in observations:
            if one.role == "plain_twin":
                self._seen.append(msgspec.structs.replace(one, role="item"))
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all twins that were kept."""
        for trial in pair(self._seen).trials:
            spot, plain = spot_of(trial.key), judged(trial)
            held = self._plain.get(spot)
            self._plain[spot] = plain if held is None else max(held, plain, key=_against)
        self._seen.clear()

    def count(self, tested: Verdict) -> None:
        """Note the verdict of an item; a decided verdict replaces an undecided one."""
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
