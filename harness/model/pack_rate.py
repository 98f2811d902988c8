"""A pack rate says how often the items of one pack went as the policy says."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.corpus import PackKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRate:
    """How often the items of one pack went as the policy says, on one line for one profile.

    ``group`` is a category, or the sum of those with one ``expectation`` (block or allow).
    ``right`` of ``n`` decided items went so; ``value`` is that share by design weights, None
    of nothing. ``lower`` and ``upper`` are one-sided bounds that hold whatever the
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
    """Items that a supplier may know beside hidden ones of the same kind, and what that says.

    Counts as in ``PackRate``; ``kind`` is ``real`` or ``content``, for agreed items are loaded and
    no comparison; ``frame`` is empty where items count alike. ``p_value`` is the
    chance that known items go right so much oftener if knowing them makes no difference
    (Fisher's exact test, one-sided), ``adjusted`` the same after Holm's correction over the
    categories of the place.
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
        """Whether known items went right oftener than chance explains."""
        return self.adjusted <= self.alpha

    @property
    def description(self) -> str:
        """Both sides in words: "GAMB: known real items 40/40, hidden 20/40 (p = 1e-08)"."""
        group = f"{self.group} {self.frame}".strip()
        known = f"known {self.kind} items {self.known_right}/{self.known_n}"
        hidden = f"hidden {self.hidden_right}/{self.hidden_n}"
        return f"{group}: {known}, {hidden} (p = {self.adjusted:.2g})"

    def reason(self, *, is_short: bool) -> str:
        """What it says beside an outcome; ``is_short`` if the hidden items do not conform."""
        if is_short and self.is_tuned:
            return f"tuned to the known list: {self.description}"
        difference = "known ones do better" if self.is_tuned else "no difference shown"
        return f"{self.description}: {difference}"

    @property
    def conclusion(self) -> str:
        """The finding in words; a difference that is not shown is no proof that none is there."""
        if not self.known_n or not self.hidden_n:
            return "nothing to compare: one side has no decided item"
        if self.is_tuned:
            return "tuned to the known list: its items go right more often than hidden ones"
        return "no difference shown"
