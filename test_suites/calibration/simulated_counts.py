"""Draws services at the mark, and puts what was counted of them through estimate and assess.

A replicate is one campaign: how many items of each domain were blocked, missed or left in doubt
in each row of a scheme. Counts go the way that ``conclude`` goes once a journal is folded.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.assess.outcomes import assess
from harness.estimate.estimate import estimate
from harness.model.outcome import Outcome, Witness
from harness.model.outcome_group import (
    Adverse,
    Counts,
    DomainComposition,
    OutcomeGroup,
    Overheads,
    Pairs,
    ProbeState,
)
from harness.model.scheme import Scheme
from harness.model.verdict import Mechanism, State

Random = np.random.Generator
Whole = np.ndarray[tuple[int], np.dtype[np.int64]]
Domains = Counter[tuple[int, int, int]]
"""How many domains have so many items blocked, open, and in doubt."""

PHASES = {"ks2": "ks2"}
_STATES = (State.BLOCKED, State.ALLOWED, State.INSUFFICIENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was counted for one category: domains, or the times that the service adds.

    Single items may be given in their ``order`` of trial (0 blocked, 1 open); domains are tried in
    a random one. ``overheads`` are seconds, ``shares`` relative times, ``hosts`` those of either;
    ``is_quiet`` blocks tell the user nothing.
    """

    category: str
    domains: Domains = field(default_factory=Counter)
    order: Sequence[int] = ()
    stratum: str = ""
    overheads: Sequence[float] = ()
    shares: Sequence[float] = ()
    hosts: Sequence[int] = ()
    is_quiet: bool = False


class VerdictCounts:
    """Counts of rows. Satisfies ``harness.ports.judging.CountedVerdicts``."""

    def __init__(self, rows: Iterable[Row]) -> None:
        groups: list[OutcomeGroup] = []
        made: Counter[DomainComposition] = Counter()
        self._times: dict[int, Row] = {}
        self._orders: list[Whole] = []
        for row in rows:
            first = len(groups)
            counted = self._timed(row, first) if row.overheads or row.shares else _domains(row)
            self._orders.append(first + _order(row, counted))
            for place, state in enumerate(_STATES):
                items = sum(one[place] * many for one, many in counted.items())
                groups.append(_fate(row, first + place, items, state))
            for one, many in counted.items():
                composition = tuple(
                    (first + place, items) for place, items in enumerate(one) if items
                )
                made[composition] += many
        self.counts = Counts(
            groups=tuple(one for one in groups if one.items),
            domains={"line": sorted(made.items())},
            probes=(("line", "ks2", "web"),),
        )

    def _timed(self, row: Row, first: int) -> Domains:
        self._times[first + 1] = row
        return Counter({(0, 1, 0): max(len(row.overheads), len(row.shares))})

    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]:
        return ()

    def in_order(self, groups: Collection[int], profile: str) -> Sequence[int]:
        tried = np.concatenate(self._orders)
        return list(map(int, tried[np.isin(tried, list(groups))]))

    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Overheads:
        timed = [
            each
            for group, row in self._times.items()
            if group in groups
            for each in zip(row.overheads, _hosts(row), strict=False)
        ]
        return Overheads(tuple(time for time, _ in timed), tuple(host for _, host in timed))

    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]:
        return tuple(
            Pairs(group, ((0.1 * (1 + share), 0.1),), host)
            for group, row in self._times.items()
            if group in groups
            for share, host in zip(row.shares[:limit], _hosts(row), strict=False)
        )


def _domains(row: Row) -> Domains:
    blocked = len(row.order) - sum(row.order)
    return Counter({(1, 0, 0): blocked, (0, 1, 0): sum(row.order)}) if row.order else row.domains


def _order(row: Row, counted: Domains) -> Whole:
    """Which place in ``_STATES`` each item has, in the order of trial."""
    if row.order:
        return np.array(row.order, dtype=np.int64)
    items = [sum(one[place] * many for one, many in counted.items()) for place in range(3)]
    return np.random.default_rng(items).permutation(np.repeat(np.arange(3), items))


def _hosts(row: Row) -> Iterable[int]:
    return row.hosts or itertools.count()


def _fate(row: Row, number: int, items: int, state: State) -> OutcomeGroup:
    blocked = Mechanism.TCP_RESET if row.is_quiet else Mechanism.BLOCK_PAGE
    mechanism = blocked if state is State.BLOCKED else Mechanism.NONE
    return OutcomeGroup(
        number=number,
        line="line",
        category=row.category,
        stratum=row.stratum,
        lang="",
        phases=("*",),
        items=items,
        probe_states=(ProbeState("ks2", "web", state, mechanism, timed=state is State.ALLOWED),),
    )


def scheme(*wanted: dict[str, Any]) -> Scheme:
    """A scheme of these requirements; categories that begin with A must be allowed."""
    requirements = tuple(
        {
            "id": f"ROW-{number:02d}",
            "title": "t",
            "area": "url",
            "severity": "Maj",
            "rule": "guarded",
        }
        | one
        | {"threshold": one["threshold"] | {"provenance": "proposed", "source": "simulation"}}
        for number, one in enumerate(wanted, 1)
    )
    codes = {code for one in requirements for code in one["measure"].get("categories", ())}
    rows = {code: {"ks2": "allow" if code.startswith("A") else "block"} for code in sorted(codes)}
    policy = {"id": "p", "title": "p", "provenance": "proposed", "source": "simulation"}
    return Scheme.model_validate(
        {
            "id": "simulation",
            "version": "1",
            "title": "t",
            "decision": {"indeterminate_share_max": 1.0},  # doubt must not hide a wrong bound
            "policy": policy | {"rows": rows},
            "requirements": requirements,
        }
    )


def outcomes(rows: Iterable[Row], wanted: Scheme) -> tuple[Outcome, ...]:
    """What becomes of each requirement, by estimate and assess."""
    measured = estimate(VerdictCounts(rows), wanted, PHASES).measurements
    return assess(measured, wanted.decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A sample of domains with so many items each, and how misses fall together in them.

    ``correlation`` is the intra-class correlation (1: whole domains); ``mix`` puts half of the
    misses into whole domains and the others anywhere.
    """

    name: str
    sizes: tuple[int, ...]
    correlation: float = 0.0
    is_mix: bool = False

    def draw(self, random: Random, rate: float) -> Whole:
        """How many items of each domain were blocked, at a mean rate of a domain."""
        sizes: Whole = np.array(self.sizes, dtype=np.int64)
        if self.is_mix:
            lost = (1 - rate) / 2
            blocked = random.binomial(sizes, 1 - (1 - rate - lost) / (1 - lost))
            return np.where(random.random(len(sizes)) < lost, 0, blocked)
        if self.correlation == 0:
            return random.binomial(sizes, rate)
        if self.correlation == 1:
            return np.where(random.random(len(sizes)) < rate, sizes, 0)
        spread = (1 - self.correlation) / self.correlation
        return random.binomial(
            sizes, random.beta(rate * spread, (1 - rate) * spread, size=len(sizes))
        )

    def domains(self, random: Random, rate: float, doubt: float = 0.0) -> Domains:
        """The domains of one campaign; of the missed items so many are left in doubt instead."""
        blocked = self.draw(random, rate)
        missed = np.array(self.sizes) - blocked
        unsure = random.binomial(missed, doubt) if doubt else np.zeros_like(missed)
        each = zip(blocked.tolist(), (missed - unsure).tolist(), unsure.tolist(), strict=True)
        return Counter(each)


def _alike(domains: int, items: int) -> tuple[int, ...]:
    return (items,) * domains


ZIPF = tuple(max(1, round(150 / rank)) for rank in range(1, 121))

DESIGNS = (
    Design(name="500x1", sizes=_alike(500, 1)),
    Design(name="50x10 i0", sizes=_alike(50, 10)),
    Design(name="50x10 i.3", sizes=_alike(50, 10), correlation=0.3),
    Design(name="50x10 i1", sizes=_alike(50, 10), correlation=1),
    Design(name="50x10 mix", sizes=_alike(50, 10), is_mix=True),
    Design(name="100x5 i.3", sizes=_alike(100, 5), correlation=0.3),
    Design(name="100x5 mix", sizes=_alike(100, 5), is_mix=True),
    Design(name="200x5 mix", sizes=_alike(200, 5), is_mix=True),
    Design(name="10x50 i.6", sizes=_alike(10, 50), correlation=0.6),
    Design(name="10x50 i1", sizes=_alike(10, 50), correlation=1),
    Design(name="30x10 i.6", sizes=_alike(30, 10), correlation=0.6),
    Design(name="5x50+50 i.3", sizes=_alike(5, 50) + _alike(50, 1), correlation=0.3),
    Design(name="5x50+50 i.6", sizes=_alike(5, 50) + _alike(50, 1), correlation=0.6),
    Design(name="5x50+50 i1", sizes=_alike(5, 50) + _alike(50, 1), correlation=1),
    Design(name="1x100+100 i.3", sizes=(100, *_alike(100, 1)), correlation=0.3),
    Design(name="1x100+100 i1", sizes=(100, *_alike(100, 1)), correlation=1),
    Design(name="1x400+100 i.3", sizes=(400, *_alike(100, 1)), correlation=0.3),
    Design(name="1x400+100 i1", sizes=(400, *_alike(100, 1)), correlation=1),
    Design(name="zipf120 i.6", sizes=ZIPF, correlation=0.6),
    Design(name="zipf120 i1", sizes=ZIPF, correlation=1),
    Design(name="zipf120 mix", sizes=ZIPF, is_mix=True),
)
"""Those of the published comparison of methods: domains x items, i: intra-class correlation."""

Draw = Callable[[Random], Iterable[Row]]


def share(
    replicates: int,
    draw: Draw,
    wanted: Scheme,
    seed: int,
    judge: Callable[[Sequence[Outcome]], bool],
) -> float:
    """The share of replicates whose outcomes ``judge`` finds; alike ones are assessed once."""
    random = np.random.default_rng(seed)
    known: dict[object, bool] = {}
    found = 0
    for _ in range(replicates):
        rows = tuple(draw(random))
        key = tuple(
            (frozenset(row.domains.items()), row.order, row.overheads, row.shares, row.hosts)
            for row in rows
        )
        if key not in known:
            known[key] = judge(outcomes(rows, wanted))
        found += known[key]
    return found / replicates


def allowed(alpha: float, replicates: int, errors: float = 3.0) -> float:
    """The share that a true share of ``alpha`` exceeds next to never in so many replicates."""
    return alpha + errors * math.sqrt(alpha * (1 - alpha) / replicates)
