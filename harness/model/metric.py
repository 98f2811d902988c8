"""Measured quantities with their uncertainty, and Holm's correction over several outcomes.

``Metric`` is what a requirement is compared with. ``PackRate`` and ``Foreknowledge`` show how items
of single packs were handled, and whether a service does better on those that its supplier knows.
``DelayChange`` is how much longer the same pages wait than in an earlier campaign.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from harness.model.corpus import PackKind, covers

CODE = re.compile(r"[A-Z]+(\.[A-Z]+)*")
"""A taxonomy code."""

NOT_IMPLEMENTED = "not implemented"
"""The method of a metric that a scheme names and this version cannot measure yet."""

CANNOT_MEASURE = "Accredit cannot measure this yet"
CANNOT_DECIDE = "Accredit cannot apply this decision rule yet"
"""Reasons for insufficient evidence that are limits of this version, not of the campaign."""

LABORATORIES_DIFFERING = "laboratories_differing"
"""The metric that only a second journal shows."""
COMPARED = "a second laboratory's journal shows this (accredit compare --laboratories)"

PEOPLE_JUDGE = "people judge this from documents and records, and nobody has yet (accredit assess)"
"""The reason for insufficient evidence where people are to judge and nobody has."""


NOT_CARRIED = "not carried"
"""Why items are left out that the control line could not reach by any transition mechanism."""


class Span(NamedTuple):
    """A lower and an upper end; ``None`` where the side is unbounded."""

    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A rate by registrable domain, where some domain has several items.

    ``domains`` have at least one decided item; ``rate`` is the mean of their rates, each domain
    counted once. ``tried`` domains include undecided ones; the sum of their rates is ``least`` if
    no undecided item is counted, and ``most`` if all are.
    """

    domains: int
    rate: float | None
    tried: int
    least: float
    most: float


class Source(NamedTuple):
    """The source of items: their kind, and whether they are hidden from suppliers."""

    kind: PackKind = "agreed"
    is_hidden: bool = False

    @property
    def words(self) -> str:
        """In words: "hidden real items", "known real items", "agreed items"."""
        if self.kind == "agreed":
            return "agreed items"
        return f"{'hidden' if self.is_hidden else 'known'} {self.kind} items"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The metric of one subgroup and source; ``group``: category, stratum or language.

    A requirement must hold in each part, because pooling could hide one. ``metric`` has no parts;
    ``n`` is 0 if the part was asked for and not tried. With ``is_basis`` conformity rests on this
    part; other parts must hold as well if they have enough items to decide. One that is not
    ``of_items`` rests on something else, such as entries of a log.
    """

    group: str
    source: Source
    metric: Metric
    is_basis: bool = True
    of_items: bool = True

    @property
    def name(self) -> str:
        """In words: "GAMB, hidden real items"."""
        if not self.of_items:
            return self.group
        return f"{self.group}, {self.source.words}" if self.group else self.source.words

    def holds(self, category: str, frame: str) -> bool:
        """Whether items of a category and frame may be in this part (any, for a stratum)."""
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
    ``frame`` is the number of entries of the whole list, if known; a census must try them all.
    ``spread`` is set if a registrable domain has several items: then domains are counted.
    ``pooled`` is then the rate over items, without and with the undecided ones counted; the
    requirement must hold for it as well. ``p_value`` is the smallest level at which the bounds show
    that the threshold is missed; ``None`` if the metric is no sample.
    ``decided`` are the bounds without undecided items, ``alone`` those with items treated as
    independent, where domains or spells make others; both only explain an outcome. ``unnamed``
    items have no registrable domain and are treated as independent. ``parts`` are the subgroups,
    each of which must hold by itself.
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
        """How many independent units decide: domains if ``spread`` is set, else items."""
        return self.n if self.spread is None else self.spread.domains

    worst: tuple[float | None, float | None] | None = None
    parts: tuple[Part, ...] = ()

    @property
    def tried(self) -> int:
        """How many items were tried, counted or not."""
        return self.n + self.indeterminate + sum(self.left_out.values())

    @property
    def n_of_all(self) -> int:
        """How many items were decided in all parts together."""
        return sum(part.metric.n for part in self.parts) if self.parts else self.n


Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureClaim:
    """The test that a row is not met, among ``rows`` tested together.

    ``p_value`` is corrected for their number and compared with ``alpha``, the row's level.
    """

    rows: int
    p_value: float
    alpha: float

    @property
    def is_proven(self) -> bool:
        """Whether it is shown that the row is not met."""
        return self.p_value <= self.alpha * (1 + 1e-12)  # tolerance for rounding

    @property
    def description(self) -> str:
        """The test, in words."""
        return f"Holm's correction over {self.rows} outcomes: adjusted p {self.p_value:.2g}"


def failure_claims(family: Mapping[Name, tuple[float, float]]) -> dict[Name, FailureClaim]:
    """Test each row of a family, given as (p-value, level), with Holm's correction.

    Where levels differ, p-values are scaled by them, so that a stricter row needs a smaller
    p-value. The family-wise error rate is at most the loosest level.
    """
    loosest = max((alpha for _, alpha in family.values()), default=1.0)
    adjusted = holm({name: p_value / alpha * loosest for name, (p_value, alpha) in family.items()})
    return {
        name: FailureClaim(rows=len(family), p_value=adjusted[name] / loosest * alpha, alpha=alpha)
        for name, (_, alpha) in family.items()
    }


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Return adjusted p-values; those of at most alpha are significant family-wise.

    Holm, Scandinavian J. Statistics 6 (1979) 65-70.
    """
    ordered = sorted(p_values.items(), key=lambda named: named[1])
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRate:
    """How often items of one pack were handled as the policy says, on one line and profile.

    ``group`` is a category, or the sum of those with one ``expectation`` (block or allow).
    ``right`` of ``n`` decided items were; ``value`` is that share by design weights, ``None``
    if n is 0. ``lower`` and ``upper`` are one-sided bounds that hold whatever the
    ``undecided`` items really were. ``kind`` is what the items can show.
    """

    pack: str
    audience: str
    design: str
    line: str
    profile: str
    group: str
    expectation: str
    right: int
    n: int
    undecided: int
    value: float | None
    lower: float | None
    upper: float | None
    method: str
    kind: PackKind = "agreed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreknowledge:
    """A comparison of items a supplier may know with hidden ones of the same kind.

    Counts are as in ``PackRate``; ``kind`` is ``real`` or ``content``, because agreed items are
    always known; ``frame`` is empty where items count alike. ``p_value`` is that of Fisher's exact
    test, one-sided, of "known items are not right more often"; ``adjusted`` is the same after
    Holm's correction over the categories of the line and profile.
    """

    line: str
    profile: str
    group: str
    frame: str
    known_right: int
    known_n: int
    hidden_right: int
    hidden_n: int
    undecided: int
    p_value: float
    adjusted: float
    alpha: float
    kind: PackKind = "real"

    @property
    def is_tuned(self) -> bool:
        """Whether known items were right significantly more often."""
        return self.adjusted <= self.alpha

    @property
    def description(self) -> str:
        """Both counts in words: "GAMB: known real items 40/40, hidden 20/40 (p = 1e-08)"."""
        group = f"{self.group} {self.frame}".strip()
        known = f"known {self.kind} items {self.known_right}/{self.known_n}"
        hidden = f"hidden {self.hidden_right}/{self.hidden_n}"
        return f"{group}: {known}, {hidden} (p = {self.adjusted:.2g})"

    def reason(self, *, is_short: bool) -> str:
        """Return the reason shown with an outcome; ``is_short``: hidden items do not conform."""
        if is_short and self.is_tuned:
            return f"tuned to the known list: {self.description}"
        difference = "known ones do better" if self.is_tuned else "no difference shown"
        return f"{self.description}: {difference}"

    @property
    def conclusion(self) -> str:
        """The conclusion in words; "no difference shown" does not prove that there is none."""
        if not self.known_n or not self.hidden_n:
            return "nothing to compare: one side has no decided item"
        if self.is_tuned:
            return "tuned to the known list: its items go right more often than hidden ones"
        return "no difference shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayChange:
    """The change of the delay that a service adds to the first byte of the same pages, in seconds.

    ``median`` is that of all pages, with its one-sided bounds, each ``None`` if there are too few.
    ``pairs`` pages were timed on both lines in both campaigns; ``unmeasured`` pages could not be
    decided in one of them. ``slower`` is how many times longer the control line took than before
    (at least 1); the change is what is left when the later times are divided by it.
    """

    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    pairs: int = 0
    unmeasured: int = 0
    slower: float = 1.0

    def is_longer_by(self, margin: float) -> bool:
        """Whether it is shown that pages wait more than ``margin`` seconds longer."""
        return self.lower is not None and self.lower > margin
