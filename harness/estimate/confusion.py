"""The four rates of a filter, each by its whole name: never just "error rate".

Resnick, Hansen & Richardson, CACM 47(9) (2004) 67-71. The first two need no prevalence; the
other two depend on how much of what people ask for is harmful, which must be stated.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of one sample: harmful and clean items, each blocked or open."""

    harmful_blocked: int
    harmful_open: int
    clean_blocked: int
    clean_open: int

    @property
    def bad_sites_underblock(self) -> float | None:
        """The share of harmful items that stayed open."""
        return _share(self.harmful_open, self.harmful_blocked)

    @property
    def ok_sites_overblock(self) -> float | None:
        """The share of clean items that were blocked."""
        return _share(self.clean_blocked, self.clean_open)

    @property
    def blocked_sites_overblock(self) -> float | None:
        """The share of blocked items that are clean, at the sample's own prevalence."""
        return _share(self.clean_blocked, self.harmful_blocked)

    @property
    def unblocked_sites_underblock(self) -> float | None:
        """The share of open items that are harmful, at the sample's own prevalence."""
        return _share(self.harmful_open, self.clean_open)


def harmful_among_blocked(prevalence: float, block_rate: float, overblock_rate: float) -> float:
    """The share of blocked items that are harmful (positive predictive value) at a prevalence.

    PPV = pi r / (pi r + (1 - pi) o). Raises ValueError if nothing is blocked at all.
    """
    right = prevalence * block_rate
    wrong = (1 - prevalence) * overblock_rate
    if right + wrong == 0:
        msg = "nothing is blocked: there is no share of it"
        raise ValueError(msg)
    return right / (right + wrong)


def clean_blocked_per_harmful(prevalence: float, block_rate: float, overblock_rate: float) -> float:
    """Clean items blocked for each harmful one blocked; 22 to 23 in Stark's index sample.

    Stark, UC Berkeley (2006), published 22-23 : 1 at pi = 1.1 %, r = 91.1 %, o = 22.6 %.
    """
    share = harmful_among_blocked(prevalence, block_rate, overblock_rate)
    if share == 0:
        msg = "no harmful item is blocked"
        raise ValueError(msg)
    return (1 - share) / share


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
