"""Put together the transfers that measured speed, and judge the items tried beside them.

A transfer is not judged by rules: what came of it is in its facts. Items are judged as all others
are, between the sentinels of their round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import msgspec

from harness.judge.pairing import pair
from harness.judge.polls import DECIDED, role_of_sentinel
from harness.judge.sentinels import SentinelCheck, check_sentinels
from harness.model.observation import BUSY, CONTROL, Observation
from harness.model.probe import EARLIER, Declarations
from harness.model.service_speed import (
    Came,
    ServiceSpeed,
    SpeedRound,
    TimedTransfer,
    TriedUnderLoad,
)
from harness.model.transfer import transfer_of
from harness.model.transfer_facts import TransferFacts
from harness.model.verdict import Trial, Verdict

LOADED = "@load"
"""The suffix of the name of an item that was tried while the line was loaded."""
NO_SENTINELS = "no sentinels were tried beside it"


class MeasuredSpeed:
    """The transfers of a journal and the items beside them, held in memory."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._batches: defaultdict[int, list[Observation]] = defaultdict(list)
        self.speed = ServiceSpeed()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep those that measured speed."""
        for one in observations:
            if one.role == "speed":
                self._batches[one.batch].append(
                    msgspec.structs.replace(one, role=role_of_sentinel(one))
                )
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict], overloaded: Collection[int] = ()) -> None:
        """Judge all items that were kept, and put the rounds together.

        Batches in which the tester was ``overloaded`` are left out.
        """
        rounds: list[SpeedRound] = []
        items: list[TriedUnderLoad] = []
        for batch, seen in sorted(self._batches.items()):
            if batch in overloaded:
                continue
            transfers = [one for one in seen if transfer_of(one.item.stratum) is not None]
            pairs = pair(one for one in seen if transfer_of(one.item.stratum) is None)
            checks = [
                check_sentinels(path, [(one, judged(one)) for one in trials], self._probes)
                for path, trials in pairs.sentinels.items()
            ]
            made = _rounds(transfers, checks)
            rounds += made
            load = [
                one for each in made for one in each.service if one.transfer.situation == "load"
            ]
            items += [_tried(one, judged(one), made, load) for one in pairs.trials]
        self.speed = ServiceSpeed(rounds=tuple(rounds), items=tuple(items))
        self._batches.clear()


def _rounds(transfers: Iterable[Observation], checks: Sequence[SentinelCheck]) -> list[SpeedRound]:
    """The rounds of one batch: one, for its line and profile."""
    by_line: defaultdict[str, list[TimedTransfer]] = defaultdict(list)
    profile = ""
    for one in transfers:
        by_line[one.key.line].append(_timed(one))
        profile = one.key.profile
    control = tuple(by_line.pop(CONTROL, ()))
    return [
        SpeedRound(
            line=line,
            profile=profile,
            number=own[0].transfer.round,
            service=tuple(own),
            control=control,
            fault=_fault(line, checks),
        )
        for line, own in by_line.items()
    ]


def _fault(line: str, checks: Iterable[SentinelCheck]) -> str:
    """What was wrong with the sentinels of a line."""
    own = [one for one in checks if one.batch_path.line == line]
    return next((one.detail for one in own if one.failed), "" if own else NO_SENTINELS)


def _timed(one: Observation) -> TimedTransfer:
    facts, transfer = one.facts, transfer_of(one.item.stratum)
    assert transfer is not None
    known = facts if isinstance(facts, TransferFacts) else TransferFacts(arrived="nothing")
    return TimedTransfer(
        item=one.item.id,
        transfer=transfer,
        came=_came(one),
        started=one.started,
        began=known.began,
        seconds=one.timings.total or 0.0,
        busy=known.busy,
        timings=one.timings,
        failure=one.failure.name if one.failure is not None else "",
    )


def _came(one: Observation) -> Came:
    """What came of a transfer. Another page in its place may be a block; it is no failure."""
    facts = one.facts
    if (one.failure is not None and one.failure.is_instrument) or not isinstance(
        facts, TransferFacts
    ):
        return "unknown"
    if facts.arrived == "whole":
        return "whole"
    return "refused" if facts.arrived == "other" and facts.status not in BUSY else "failed"


def _tried(
    trial: Trial, verdict: Verdict, rounds: Sequence[SpeedRound], load: Sequence[TimedTransfer]
) -> TriedUnderLoad:
    service, control = trial.service, trial.control
    own = next((one for one in rounds if one.line == service.key.line), None)
    fault = own.fault if own is not None else NO_SENTINELS
    decided = DECIDED.get(verdict.state)
    state = decided if decided is not None and not fault else "undecided"
    at = service.started
    name = service.item.id.rsplit("@", 2)[0]
    return TriedUnderLoad(
        item=name,
        value=service.item.value,
        category=service.item.category,
        line=service.key.line,
        profile=service.key.profile,
        round=service.batch,
        is_loaded=service.item.id.endswith(LOADED),
        state=state,
        why=fault or ("" if decided else "; ".join(verdict.witnesses)),
        loaded_by=sum(one.came == "whole" and one.started <= at <= one.ended for one in load),
        blocked_after=service.timings.total if state == "blocked" else None,
        control_after=control.timings.total if control is not None else None,
    )
