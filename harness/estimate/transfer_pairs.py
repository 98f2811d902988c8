"""Pairs of transfers, service and control, and the rates of samples and loads.

A pair is the same transfer over both lines, one right after the other. A pair whose transfer did
not come whole over the control line says nothing about the service. Rounds whose sentinels did not
behave as agreed show nothing in the service's favour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Literal, NamedTuple

from harness.estimate.quantile_bounds import Shift, median_of
from harness.model.service_speed import ServiceSpeed, SpeedRound, TimedTransfer
from harness.model.transfer import Direction, Form, Situation

NOT_MEASURED = "the speed of the line was not measured (accredit speed)"
LOST = 700.0
"""The logarithm of the ratio of times that a lost transfer counts with: a loss of 100 %."""
TOO_BUSY = 0.9
"""The share of a transfer's time from which on our own client is taken to be the limit."""

Phase = Literal["resolve", "connect", "tls", "first_byte", "total"]
PHASES: dict[Phase, str] = {
    "resolve": "resolving the name",
    "connect": "connecting",
    "tls": "TLS handshake",
    "first_byte": "until the first byte",
    "total": "whole page",
}
"""Phases of a request, in words."""


class TransferPair(NamedTuple):
    """The same transfer over both lines in one round."""

    round: SpeedRound
    service: TimedTransfer
    control: TimedTransfer

    @property
    def is_lost(self) -> bool:
        """Whether it came whole over the control line, and not over the service."""
        return self.control.came == "whole" and self.service.came == "failed"

    @property
    def is_doubtful(self) -> bool:
        """Whether it came whole over the control line, and what the service did does not count."""
        return self.control.came == "whole" and not (self.is_lost or self.is_whole)

    @property
    def is_whole(self) -> bool:
        """Whether it came whole over both lines, in a round in which the filter was on."""
        both = self.control.came == self.service.came == "whole"
        return both and not self.round.fault

    @property
    def is_busy(self) -> bool:
        """Whether our own client was the limit on either line."""
        return max(self.service.busy, self.control.busy) > TOO_BUSY

    @property
    def log_ratio(self) -> float:
        """The logarithm of how many times longer it took over the service; or ``LOST``."""
        if self.is_lost:
            return LOST
        return math.log(max(self.service.seconds, 1e-9) / max(self.control.seconds, 1e-9))


def pairs_of(
    speed: ServiceSpeed, situation: Situation, form: Form | None = None
) -> Iterator[TransferPair]:
    """Yield the pairs of a situation, of one form if it is named."""
    for one in speed.rounds:
        control = {each.item: each for each in one.control}
        for service in one.service:
            transfer = service.transfer
            is_wanted = transfer.situation == situation and form in (None, transfer.form)
            if is_wanted and service.item in control:
                yield TransferPair(one, service, control[service.item])


def added_delays(speed: ServiceSpeed, alpha: float) -> dict[Phase, Shift]:
    """Return what the service adds to each phase of a short page, in seconds, with its bounds.

    These are paired differences, so that a slow origin counts on both sides and cancels. Phases
    that did not happen on both lines are left out. Of each round the median counts.
    """
    pairs = [one for one in pairs_of(speed, "alone", "small") if one.is_whole]
    found: dict[Phase, Shift] = {}
    for phase in PHASES:
        differences = [
            (one.round, after - before)
            for one in pairs
            if (after := getattr(one.service.timings, phase)) is not None
            and (before := getattr(one.control.timings, phase)) is not None
        ]
        if differences:
            found[phase] = median_of(by_round(differences), alpha)
    return found


def by_round(values: Iterable[tuple[SpeedRound, float]]) -> list[float]:
    """Return the median of the values of each round: what is near in time counts once."""
    found: dict[int, list[float]] = {}
    for one, value in values:
        found.setdefault(id(one), []).append(value)
    return [median(each) for each in found.values()]


def block_delay(speed: ServiceSpeed, alpha: float) -> Shift | None:
    """Return how much later a block is answered than the same page over the control line."""
    found: dict[int, list[float]] = {}
    for one in speed.items:
        if not one.is_loaded and one.blocked_after is not None and one.control_after is not None:
            found.setdefault(one.round, []).append(one.blocked_after - one.control_after)
    return median_of([median(each) for each in found.values()], alpha) if found else None


class Sample(NamedTuple):
    """The rates of one sample of the bandwidth over both lines, in bytes per second.

    ``is_known``: no transfer over the service got something else in its place, and our own
    equipment did not fail.
    """

    direction: Direction
    round: SpeedRound
    service: float
    control: float
    is_known: bool


def samples_of(speed: ServiceSpeed) -> Iterator[Sample]:
    """Yield all samples of the bandwidth."""
    for one in speed.rounds:
        keys = {
            (each.transfer.direction, each.transfer.sample)
            for each in (*one.service, *one.control)
            if each.transfer.situation == "sample"
        }
        for direction, sample in sorted(keys):
            own, beside = (
                _of_sample(side, direction, sample) for side in (one.service, one.control)
            )
            is_known = all(each.came in ("whole", "failed") for each in own)
            yield Sample(direction, one, busy_rate(own), busy_rate(beside), is_known)


def _of_sample(
    transfers: Iterable[TimedTransfer], direction: Direction, sample: int
) -> list[TimedTransfer]:
    return [
        one
        for one in transfers
        if one.transfer.situation == "sample"
        and (one.transfer.direction, one.transfer.sample) == (direction, sample)
    ]


def busy_rate(transfers: Sequence[TimedTransfer]) -> float:
    """Return the bytes per second while all connections were in use.

    This is until the last transfer began: afterwards fewer and fewer connections are left, which
    would make any line seem slow. The bytes of a transfer count evenly over its time. Only
    transfers that came whole count. 0 for fewer than two.
    """
    if len(transfers) < 2:  # noqa: PLR2004 - the last one only ends the time
        return 0.0
    first = min(one.began for one in transfers)
    last = max(one.began for one in transfers)
    if last <= first:
        return 0.0
    return bytes_between(transfers, first, last) / (last - first)


def bytes_between(transfers: Iterable[TimedTransfer], first: float, last: float) -> float:
    """Return the bytes that came whole between two times, in monotonic seconds."""
    total = 0.0
    for one in transfers:
        if one.came == "whole" and one.seconds > 0:
            inside = min(last, one.began + one.seconds) - max(first, one.began)
            total += one.transfer.size * max(0.0, inside) / one.seconds
    return total
