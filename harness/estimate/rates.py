"""Rates and counts over items: how many were blocked, missed or wrongly blocked.

Names follow Resnick et al., CACM 47(9) (2004): ``block_rate`` is one minus the bad-sites
underblock rate, ``overblock_rate`` is the OK-sites overblock rate. Both divide by the items
that were drawn, never by what the filter let through (ALA v. United States, 2002).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.estimate.interval_choice import Bounded, bounded
from harness.estimate.intervals import Bounds
from harness.estimate.item_selection import Selection
from harness.model.corpus import frame_of
from harness.model.metric import NOT_IMPLEMENTED, Metric
from harness.model.outcome_group import Adverse, Counts, Fate, Sight, Unseen
from harness.model.verdict import Mechanism, State

End = Literal["adverse", "favourable", "indeterminate", "down", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """How the items of one fate fared for one profile: what each probe found, in order."""

    fate: Fate
    profile: str
    sights: tuple[Sight, ...]

    @property
    def items(self) -> int:
        """How many items they are."""
        return self.fate.items

    @property
    def category(self) -> str:
        """The primary taxonomy code of them all."""
        return self.fate.category

    @property
    def frame(self) -> str:
        """The frame that they were drawn from; empty where items count alike."""
        return frame_of(self.fate.pack)

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that any round found, with the named probes or with all."""
        return {state for one in self.of(probes) for state in one.states}

    def first(self, state: State, probes: Collection[str] = ()) -> Mechanism:
        """By which mechanism they came to that state first. Raises StopIteration if never."""
        return next(one.mechanism for one in self.of(probes) if state in one.states)

    def against(self, state: State, probes: Collection[str] = ()) -> Adverse:
        """Where the verdicts are that found them in a state."""
        found = tuple(one.probe for one in self.of(probes) if one.state is state)
        return Adverse(self.fate.number, self.profile, state, found)

    def of(self, probes: Collection[str]) -> tuple[Sight, ...]:
        """What the named probes saw; all, if none is named."""
        return tuple(one for one in self.sights if not probes or one.probe in probes)


@dataclass(slots=True, kw_only=True)
class Cell:
    """All fates on one line for one profile, the probes that ran there, and what none saw."""

    lots: list[Lot] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)
    unseen: list[Unseen] = field(default_factory=list)

    @property
    def categories(self) -> dict[str, list[Lot]]:
        """The fates by category."""
        found: dict[str, list[Lot]] = {}
        for one in self.lots:
            found.setdefault(one.category, []).append(one)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Fates sorted by an adverse state (what the requirement forbids) and its opposite.

    ``down`` items, those of the ``dead`` fates, were dead on the control line as well: they leave
    the count symmetrically.
    """

    adverse: tuple[Lot, ...]
    favourable: tuple[Lot, ...]
    indeterminate: tuple[Lot, ...]
    dead: tuple[Lot, ...] = ()
    down: int = 0
    mechanisms: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Items that went against the requirement."""
        return total(self.adverse)

    @property
    def right(self) -> int:
        """Items that went as required."""
        return total(self.favourable)

    @property
    def doubtful(self) -> int:
        """Items that were not decided."""
        return total(self.indeterminate)

    @property
    def n(self) -> int:
        """Items that were decided either way."""
        return self.wrong + self.right


def total(lots: Iterable[Lot]) -> int:
    """How many items there are in all."""
    return sum(one.items for one in lots)


def cells_of(counts: Counts) -> dict[tuple[str, str], Cell]:
    """What was counted, by line and profile."""
    cells: dict[tuple[str, str], Cell] = {}
    for line, profile, probe in counts.probes:
        cells.setdefault((line, profile), Cell()).probes.add(probe)
    for fate in counts.fates:
        for profile in dict.fromkeys(one.profile for one in fate.sights):
            sights = tuple(one for one in fate.sights if one.profile == profile)
            lot = Lot(fate=fate, profile=profile, sights=sights)
            cells[fate.line, profile].lots.append(lot)
    for unseen in counts.unseen:
        cells[unseen.line, unseen.profile].unseen.append(unseen)
    return cells


def end_of(states: Collection[State], adverse: State, favourable: State) -> End:
    """What all trials of an item say together; no trial at all says ``none``."""
    if adverse in states:
        return "adverse"
    if State.INSUFFICIENT in states or State.ALTERED in states:
        return "indeterminate"
    if favourable in states:
        return "favourable"
    return "down" if states else "none"


def sort_lots(
    lots: Iterable[Lot], adverse: State, favourable: State, probes: Collection[str] = ()
) -> Sorted:
    """Sort lots: adverse if any trial was, favourable only if no trial was anything else."""
    ends: dict[End, list[Lot]] = {}
    mechanisms: Counter[str] = Counter()
    for one in lots:
        states = one.states(probes)
        if State.BLOCKED in states:
            mechanisms[one.first(State.BLOCKED, probes).value] += one.items
        ends.setdefault(end_of(states, adverse, favourable), []).append(one)
    return Sorted(
        adverse=tuple(ends.get("adverse", ())),
        favourable=tuple(ends.get("favourable", ())),
        indeterminate=tuple(ends.get("indeterminate", ())),
        dead=tuple(ends.get("down", ())),
        down=total(ends.get("down", ())),
        mechanisms=dict(mechanisms.most_common()),
    )


CENSUS = "census"

EXPLICIT = frozenset(
    {
        Mechanism.BLOCK_PAGE,
        Mechanism.HTTP_451,
        Mechanism.PROXY_REFUSAL,
        Mechanism.REDIRECT,
        Mechanism.TLS_INTERCEPT_PAGE,
    }
)
"""Ways of blocking that tell the user so (RFC 7725 section 3), unlike a reset or silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A metric, and where the verdicts are that speak against the service."""

    metric: Metric
    adverse: tuple[Adverse, ...] = ()


def block_rate(selection: Selection) -> Taken:
    """The share of items that were blocked; k counts the blocked."""
    found = sorted_blocks(selection)
    of = _bounded(selection, found.favourable, found.adverse, found.indeterminate)
    taken = rate("block_rate", found.right, found, of, selection.alpha)
    taken = _with_worst(taken, selection, found, found.favourable, found.adverse)
    return replace(taken, adverse=_against(found, State.ALLOWED, selection))


def overblock_rate(selection: Selection) -> Taken:
    """The share of items that were blocked although they must be allowed; k counts those."""
    found = sorted_overblocks(selection)
    of = _bounded(selection, found.adverse, found.favourable, found.indeterminate)
    taken = rate("overblock_rate", found.wrong, found, of, selection.alpha)
    taken = _with_worst(taken, selection, found, found.adverse, found.favourable)
    return replace(taken, adverse=_against(found, State.BLOCKED, selection))


def missed(selection: Selection) -> Taken:
    """The number of items that got through; every item counts, none is sampled."""
    found = sorted_blocks(selection)
    taken = count("missed", found, selection.alpha)
    return replace(taken, adverse=_against(found, State.ALLOWED, selection))


def overblocked(selection: Selection) -> Taken:
    """The number of items that were blocked although they must be allowed."""
    found = sorted_overblocks(selection)
    taken = count("overblocked", found, selection.alpha)
    return replace(taken, adverse=_against(found, State.BLOCKED, selection))


def explicit_share(selection: Selection) -> Taken:
    """The share of blocked items whose block said what it was, with each probe; k counts them."""
    explicit: list[Lot] = []
    silent: list[Lot] = []
    adverse: list[Adverse] = []
    for lot in selection.lots:
        blocks = [one for one in lot.of(selection.measure.probes) if one.state is State.BLOCKED]
        dumb = tuple(one.probe for one in blocks if one.mechanism not in EXPLICIT)
        if dumb:
            silent.append(lot)
            adverse.append(lot.against(State.BLOCKED, dumb))
        elif blocks:
            explicit.append(lot)
    found = Sorted(
        adverse=tuple(silent),
        favourable=tuple(explicit),
        indeterminate=(),
        mechanisms=sorted_blocks(selection).mechanisms,
    )
    of = _bounded(selection, explicit, silent, ())
    taken = rate("explicit_share", found.right, found, of, selection.alpha)
    return replace(taken, adverse=tuple(adverse))


def sorted_blocks(selection: Selection) -> Sorted:
    """The items sorted for "must be blocked"."""
    return sort_lots(selection.lots, State.ALLOWED, State.BLOCKED, selection.measure.probes)


def sorted_overblocks(selection: Selection) -> Sorted:
    """The items sorted for "must be allowed"."""
    return sort_lots(selection.lots, State.BLOCKED, State.ALLOWED, selection.measure.probes)


def rate(name: str, k: int, found: Sorted, of: Bounded, alpha: float) -> Taken:
    """A share of ``k`` among the decided items, as a metric."""
    value = k / found.n if found.n else None
    return _taken(name, "share", value, k, found, of, alpha)


def count(name: str, found: Sorted, alpha: float) -> Taken:
    """The number of adverse items, as a metric; its bounds are what is certain and possible."""
    k = found.wrong
    bounds = Bounds(None, None)
    if found.n:
        bounds = Bounds(float(k), float(k + found.doubtful))
    value = float(k) if found.n else None
    return _taken(name, "items", value, k, found, Bounded(bounds=bounds, method=CENSUS), alpha)


def not_taken(name: str, unit: str, alpha: float) -> Taken:
    """A metric that this version cannot take: present, and never a pass."""
    found = Sorted(adverse=(), favourable=(), indeterminate=())
    of = Bounded(bounds=Bounds(None, None), method=NOT_IMPLEMENTED)
    return _taken(name, unit, None, 0, found, of, alpha)


def _taken(
    name: str, unit: str, value: float | None, k: int, found: Sorted, of: Bounded, alpha: float
) -> Taken:
    metric = Metric(
        name=name,
        unit=unit,
        value=value,
        k=k,
        n=found.n,
        indeterminate=found.doubtful,
        lower=of.bounds.lower,
        upper=of.bounds.upper,
        method=of.method,
        alpha=alpha,
        left_out={"down": found.down} if found.down else {},
        mechanisms=found.mechanisms,
        spread=of.spread,
        pooled=of.pooled,
        p_value=of.p_value,
        decided=of.decided,
        alone=of.alone,
        unnamed=of.unnamed,
    )
    return Taken(metric=metric)


def _with_worst(
    taken: Taken, selection: Selection, found: Sorted, counted: Iterable[Lot], others: Iterable[Lot]
) -> Taken:
    """With the bounds that hold whatever the items that were left out really are."""
    if not found.dead:
        return taken
    open_ = (*found.indeterminate, *found.dead)
    bounds = _bounded(selection, counted, others, open_).bounds
    return replace(taken, metric=replace(taken.metric, worst=(bounds.lower, bounds.upper)))


def _against(found: Sorted, state: State, selection: Selection) -> tuple[Adverse, ...]:
    return tuple(lot.against(state, selection.measure.probes) for lot in found.adverse)


def _bounded(
    selection: Selection, counted: Iterable[Lot], others: Iterable[Lot], doubtful: Iterable[Lot]
) -> Bounded:
    wanted = selection.requirement
    return bounded(
        selection.domains,
        counted,
        others,
        doubtful,
        wanted.rule,
        selection.alpha,
        wanted.threshold,
    )
