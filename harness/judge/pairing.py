"""Puts each service observation beside the control's of the same item, profile and round.

In: the observations of a journal, in any order. Out: the trials to be judged, and the
sentinel trials by batch that say whether the judging may count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.verdict import Trial


class Course(NamedTuple):
    """What a bracket stands for: one batch on one line, for one profile, with one probe."""

    batch: int
    line: str
    profile: str
    probe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The trials of the items, and those of the sentinels by the course they bracket."""

    trials: tuple[Trial, ...]
    sentinels: dict[Course, tuple[Trial, ...]]


def pair(observations: Iterable[Observation]) -> Pairs:
    """Pair every service observation with its control, or with ``None`` if there is none."""
    controls: dict[tuple[str, str, str, str, int], Observation] = {}
    services: list[Observation] = []
    for observation in observations:
        if observation.key.line == CONTROL:
            controls[_place(observation.key)] = observation
        else:
            services.append(observation)
    trials: list[Trial] = []
    sentinels: defaultdict[Course, list[Trial]] = defaultdict(list)
    for service in services:
        trial = Trial(service=service, control=controls.get(_place(service.key)))
        if service.role == "item":
            trials.append(trial)
        elif service.role in ("must_allow", "must_block"):
            sentinels[course_of(service)].append(trial)
    return Pairs(
        trials=tuple(trials),
        sentinels={course: tuple(found) for course, found in sentinels.items()},
    )


def course_of(observation: Observation) -> Course:
    """The course that an observation belongs to."""
    key = observation.key
    return Course(observation.batch, key.line, key.profile, key.probe)


def _place(key: AttemptKey) -> tuple[str, str, str, str, int]:
    return key.campaign, key.item, key.probe, key.profile, key.round
