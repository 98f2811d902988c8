"""The form of a metric's specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.corpus import PackKind

Bounds = Literal["", "rate", "margin", "median", "observed", "shown"]


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """One metric.

    ``unit`` is that of its value (``share`` for fractions of items, ``s``, ``items``, ...);
    ``counts`` says what is counted, ``words`` name it for people, ``verb`` is what happened to
    ``k`` of ``n`` items. ``function`` computes it (``module:function`` in ``harness.estimate``),
    empty where it is not implemented. ``bounds`` says what decides: those of a rate, a margin on
    both sides, those of a median, the value as observed, or others; if it is ``shown``, a gate
    compares what the bound shows, and not the share that was measured. ``rests_on`` is the kind of
    items that it rests on where a requirement does not say: rates of categories say what a filter
    knows, which only items unknown to the supplier can show. ``by`` names the groups of which the
    worst stands. ``needs_probe`` is the only probe that shows what it measures, if there is one.
    With ``each_category`` each category that a requirement names must hold by itself; without
    ``counts_items`` it compares profiles, cells of the policy, probes or batches. ``with_twins``:
    benign twins are selected too, whatever is expected of them. One that is ``for_default_users``
    is measured only where users with the default policy are declared. ``claimed`` is what the
    supplier must claim of its log (``service.records``) for it to be asked. Items that are
    techniques count in metrics ``of_techniques`` alone, which count nothing else. ``worst_of``
    names the groups of which each must hold by itself (``harness.estimate.each_group``), where they
    are not those of ``by`` or ``each_category``. With ``has_sampled_limit`` a bound decides a part
    of it although its rows count item by item, so that they fail by Holm's correction only.
    """

    name: str
    unit: str
    counts: str
    words: str = ""
    verb: str = ""
    function: str = ""
    bounds: Bounds = ""
    rests_on: PackKind | None = None
    by: Literal["", "category", "stratum", "language"] = ""
    needs_probe: str = ""
    each_category: bool = False
    counts_items: bool = True
    with_twins: bool = False
    for_default_users: bool = False
    claimed: Literal["", "delivers_later"] = ""
    of_techniques: bool = False
    worst_of: str = ""
    has_sampled_limit: bool = False

    @property
    def decides_by_worst(self) -> str:
        """The groups of which the worst decides; empty if its rates are not of groups."""
        return self.worst_of or self.by or ("category" if self.each_category else "")

    @property
    def is_implemented(self) -> bool:
        """Whether Accredit can compute it."""
        return bool(self.function)

    @property
    def is_rate(self) -> bool:
        """Whether its bounds are those of a rate, whatever the decision rule."""
        return self.bounds == "rate"

    @property
    def title(self) -> str:
        """Its title for readers: ``words``, or ``counts``."""
        return self.words or self.counts
