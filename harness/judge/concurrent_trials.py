"""Judge what users of one address tried at the same time, each beside the control (POL-05)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import msgspec

from harness.model.observation import CONTROL, Observation
from harness.model.user import UserTrial
from harness.model.verdict import State, Trial, Verdict

Span = tuple[datetime, datetime]


class ConcurrentTrials:
    """The trials of concurrent users in a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._seen: list[Observation] = []
        self.trials: tuple[UserTrial, ...] = ()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep those of concurrent users."""
        for one in observations:
            if one.role == "user":
                self._seen.append(msgspec.structs.replace(one, role="item"))
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all that was kept. All users of a turn share the control's visit to an item."""
        controls = {_visit(one): one for one in self._seen if one.key.line == CONTROL}
        services = [one for one in self._seen if one.key.line != CONTROL]
        spans: defaultdict[tuple[int, str], list[tuple[str, Span]]] = defaultdict(list)
        for one in services:
            spans[one.batch, one.key.line].append((one.key.profile, _span(one)))
        self.trials = tuple(
            _trial(
                judged(Trial(service=one, control=controls.get(_visit(one)))),
                one,
                spans[one.batch, one.key.line],
            )
            for one in services
        )
        self._seen.clear()


def _visit(observation: Observation) -> tuple[str, str, int]:
    key = observation.key
    return key.item, key.probe, observation.batch


def _trial(verdict: Verdict, seen: Observation, spans: list[tuple[str, Span]]) -> UserTrial:
    key, (begun, ended) = seen.key, _span(seen)
    is_concurrent = any(
        profile != key.profile and start < ended and begun < end for profile, (start, end) in spans
    )
    state = State.INSUFFICIENT if seen.filter_off else verdict.state
    return UserTrial(
        item=key.item,
        value=seen.item.value,
        category=seen.item.category,
        line=key.line,
        profile=key.profile,
        probe=key.probe,
        state=state.value,
        mechanism=verdict.mechanism.value,
        rule=verdict.rule,
        is_alone=seen.look == "alone" and not is_concurrent,
        is_concurrent=is_concurrent,
    )


def _span(observation: Observation) -> Span:
    """When an attempt began and ended."""
    return observation.started, observation.ended
