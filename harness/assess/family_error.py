"""How likely a scheme is to accuse a service that stands exactly at every mark.

Binding rows that a sample decides are tested together by Holm's correction, over all lines and
profiles of an assessment (``harness.assess.outcomes``): however many they are and however they
depend on each other, at most the loosest of their levels. Rows that count item by item fail only
for what was seen, never by chance. Rows that do not bind are tested alone, and accuse nobody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.assess.outcomes import is_sampled
from harness.model.scheme import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyError:
    """``together``: the number of binding rows that a sample decides; ``level``: their common one.

    ``alone`` counts sampled rows that do not bind, by the level of each.
    """

    together: int
    level: float
    alone: Counter[float]

    @property
    def words(self) -> str:
        """The probability in words; rows on each line and for each profile are in it."""
        if not self.together:
            said = "no binding row rests on a sample"
        else:
            rows = "row" if self.together == 1 else "rows together"
            said = f"at most {self.level * 100:.3g} %, {self.together} binding {rows}"
        for level, number in sorted(self.alone.items()):
            said += f"; not binding: {number} of at most {level * 100:.3g} % each"
        return said


def family_error(scheme: Scheme) -> FamilyError:
    """Return the probability, family-wise, of accusing a service at every mark of a scheme."""
    binding: list[float] = []
    alone: Counter[float] = Counter()
    for row in scheme.requirements:
        if row.threshold is None or not is_sampled(row):
            continue
        level = row.alpha or scheme.decision.alpha
        if row.binding:
            binding.append(level)
        else:
            alone[level] += 1
    return FamilyError(together=len(binding), level=max(binding, default=0.0), alone=alone)
