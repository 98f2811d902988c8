"""A metric is a number with everything needed to doubt it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from harness.model.corpus import PackKind, covers

CODE = re.compile(r"[A-Z]+(\.[A-Z]+)*")
"""A taxonomy code."""

NOT_IMPLEMENTED = "not implemented"
"""The method of a metric that a scheme names and this version cannot take yet."""


class Span(NamedTuple):
    """A lower and an upper end; ``None`` where nothing bounds that side."""

    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the items of a rate are spread over registrable domains, where one has several.

    ``domains`` have at least one decided item; ``rate`` is the mean of their own rates, each
    domain counted once. Of ``tried`` domains, undecided ones among them, the rates add up to
    ``least`` with every undecided item against the count, and to ``most`` with all in it.
    """

    domains: int
    rate: float | None
    tried: int
    least: float
    most: float


class Source(NamedTuple):
    """Where items come from: their kind, and whether no supplier may know them."""

    kind: PackKind = "agreed"
    is_hidden: bool = False

    @property
    def words(self) -> str:
        """For people: "hidden real items", "known real items", "agreed items"."""
        if self.kind == "agreed":
            return "agreed items"
        return f"{'hidden' if self.is_hidden else 'known'} {self.kind} items"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was counted of one group of one source; ``group`` is a category, stratum or language.

    Pooled with others it could be hidden, so a requirement must hold in each part. ``metric`` has
    no parts. A part that is wanted and was not tried has ``n`` = 0. With ``is_basis`` a favourable
    outcome rests on it; any other part must hold as well, as far as its items are enough to tell.
    """

    group: str
    source: Source
    metric: Metric
    is_basis: bool = True

    @property
    def name(self) -> str:
        """For people: "GAMB, hidden real items"."""
        return f"{self.group}, {self.source.words}" if self.group else self.source.words

    def holds(self, category: str, frame: str) -> bool:
        """Whether items of a category and frame may be among its own; of a stratum, any may."""
        name, _, rest = self.group.partition(" ")
        is_code = CODE.fullmatch(name) is not None
        return rest == frame and (not is_code or covers(category, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measured quantity of one requirement, profile and line.

    ``value`` is ``None`` when nothing was counted: a rate with n = 0 is not 0.
    For rates ``k`` of ``n`` items counted; ``indeterminate`` items are outside ``n`` and
    are taken as worst case on either side when ``lower`` and ``upper`` are formed.
    ``lower`` and ``upper`` are one-sided bounds at level ``alpha`` each.
    ``left_out`` counts items excluded symmetrically (dead on the control), by reason; ``worst``
    are the bounds of a rate if those were doubtful as well, where there are any.
    ``frame`` is how many entries the whole list has, where it is finite and known: a census
    that tried fewer is none.
    ``spread`` is there if items of one registrable domain fall together: the domains count, not
    the items. ``pooled`` is then the rate of all items with the undecided ones against it, and
    in it; a requirement must hold for it as well. ``p_value`` is the smallest level at which the
    bounds would show that the threshold is missed; ``None`` for what is no sample.
    ``decided`` are the bounds if the undecided items were left out, ``alone`` those if each item
    counted for itself: neither decides, they tell what stands in the way. ``unnamed`` items have
    no registrable domain and were taken as independent of all others. ``parts`` are the groups
    that were kept apart, where some were: each must hold by itself.
    """

    name: str
    unit: str
    value: float | None
    k: int
    n: int
    indeterminate: int
    lower: float | None
    upper: float | None
    method: str
    alpha: float
    witnesses: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    mechanisms: dict[str, int] = field(default_factory=dict)
    frame: int | None = None
    spread: Spread | None = None
    pooled: Span | None = None
    p_value: float | None = None
    decided: Span | None = None
    alone: Span | None = None
    unnamed: int = 0

    @property
    def counted(self) -> int:
        """How many independent observations decide: domains where items fall together."""
        return self.n if self.spread is None else self.spread.domains

    worst: tuple[float | None, float | None] | None = None
    parts: tuple[Part, ...] = ()

    @property
    def tried(self) -> int:
        """How many items were tried, whatever became of them."""
        return self.n + self.indeterminate + sum(self.left_out.values())

    @property
    def n_of_all(self) -> int:
        """How many items were decided in all parts together."""
        return sum(part.metric.n for part in self.parts) if self.parts else self.n


Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureClaim:
    """How sure it is that a row is not met, among ``rows`` that are looked at together.

    ``p_value`` is corrected for their number; it is held against ``alpha``, the row's level.
    """

    rows: int
    p_value: float
    alpha: float

    @property
    def is_proven(self) -> bool:
        """Whether the row may be accused."""
        return self.p_value <= self.alpha * (1 + 1e-12)  # a rounding error accuses nobody less

    @property
    def description(self) -> str:
        """The test, in words."""
        return f"Holm over {self.rows} rows, adjusted p {self.p_value:.2g}"


def failure_claims(family: Mapping[Name, tuple[float, float]]) -> dict[Name, FailureClaim]:
    """Each row of a family (its p-value and its level), corrected over all of them by Holm.

    Where levels differ, p-values are taken relative to them, so that the strictest row needs as
    much more certainty as its own level asks. At the loosest level all hold together.
    """
    loosest = max((alpha for _, alpha in family.values()), default=1.0)
    adjusted = holm({name: p_value / alpha * loosest for name, (p_value, alpha) in family.items()})
    return {
        name: FailureClaim(rows=len(family), p_value=adjusted[name] / loosest * alpha, alpha=alpha)
        for name, (_, alpha) in family.items()
    }


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Adjusted p-values: each at most alpha means its claim stands, family-wise.

    Holm, Scandinavian J. Statistics 6 (1979) 65-70.
    """
    ordered = sorted(p_values.items(), key=lambda named: named[1])
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
