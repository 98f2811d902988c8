"""Rates of single packs, and comparisons of known with hidden items (foreknowledge)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.corpus import PackKind


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
